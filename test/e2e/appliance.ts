/** An appliance for tests over the real sshd: in an overlay of this system with real users, or of the own user alone. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildIfStale } from "../../scripts/build.ts";
import { repository } from "../../scripts/bundle.ts";
import { applianceConfig, type SigningUser } from "../../scripts/stage/appliance-config.ts";
import type { Spec } from "../../scripts/stage/serve.ts";
import { findPlace, makeKey, type Place, type Stage, startStage } from "../../scripts/stage/stage.ts";

export const requestSignature = join(repository, "bin", "signstar-request-signature");

export interface ApplianceOptions {
  /** Where it is served; without it an overlay, since everything below needs real users. */
  readonly place?: Place;
  readonly users: readonly Omit<SigningUser, "publicKey">[];
  /** Further people, who get an SSH key each; `more` makes what it wants of them. */
  readonly people?: readonly string[];
  readonly more?: (publicKeyOf: (person: string) => string) => Partial<Spec> & { readonly mappings?: string };
}

export class Appliance {
  readonly directory: string;
  readonly #stage: Stage;

  private constructor(directory: string, stage: Stage) {
    this.directory = directory;
    this.#stage = stage;
  }

  static async start({ place = overlay(), users, people = [], more }: ApplianceOptions): Promise<Appliance> {
    await buildIfStale();
    const directory = mkdtempSync(join(tmpdir(), "signstar-e2e-"));
    chmodSync(directory, 0o755);
    const keyPairs = new Map(
      [...users.map(({ user }) => user), ...people].map((person) => [person, makeKey(join(directory, person), person)]),
    );
    const publicKeyOf = (person: string) => keyPairs.get(person)?.publicKey ?? "";
    const { mappings, ...spec } = more?.(publicKeyOf) ?? {};
    const server = join(directory, "server");
    mkdirSync(server);
    const config = applianceConfig(
      users.map((user) => ({ ...user, publicKey: publicKeyOf(user.user) })),
      mappings,
    );
    return new Appliance(directory, await startStage(place, { ...spec, directory: server, config }));
  }

  get url(): URL {
    return new URL(this.#stage.url);
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  certificate(name: string): string {
    return this.path("server", "certificates", `${name}.asc`);
  }

  /** ssh's arguments to be `person`; options come first, the destination and words are the caller's. */
  sshArguments(person: string): string[] {
    return [
      ...["-F", "none", "-p", String(this.#stage.port), "-i", this.path(person), "-o", "IdentitiesOnly=yes"],
      ...["-T", "-o", "BatchMode=yes", "-o", `UserKnownHostsFile=${this.#stage.knownHosts}`],
    ];
  }

  ssh(person: string, args: readonly string[], input: string | Uint8Array = ""): SpawnSyncReturns<string> {
    return spawnSync("ssh", [...this.sshArguments(person), ...args], { encoding: "utf8", input, timeout: 60_000 });
  }

  /** `signstar-request-signature sign` as `user`. */
  sign(user: string, args: readonly string[]): SpawnSyncReturns<string> {
    const connection = ["-p", String(this.#stage.port), "-i", this.path(user), "--known-hosts", this.#stage.knownHosts];
    return spawnSync(requestSignature, ["sign", ...connection, ...args], { encoding: "utf8", timeout: 300_000 });
  }

  /** The entries that reached the journal so far, in order of arrival. */
  journal(): Readonly<Record<string, unknown>>[] {
    return readFileSync(this.path("server", "journal.log"), "utf8")
      .split("\n")
      .map((line) => /^<\d>(\{.*\})$/.exec(line)?.[1])
      .filter((json) => json !== undefined)
      .map((json) => JSON.parse(json) as Record<string, unknown>);
  }

  sshdLog(): string {
    return readFileSync(this.path("server", "sshd.log"), "utf8");
  }

  async stop(): Promise<void> {
    await this.#stage.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function overlay(): Place {
  const place = findPlace();
  if (place.mode !== "overlay") throw new Error(`real users need an overlay of this system; here it is ${place.why}`);
  return place;
}
