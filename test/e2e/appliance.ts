/** An appliance for tests over the real sshd: in an overlay of this system with real users, or of the own user alone. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildIfStale } from "../../scripts/build.ts";
import { applianceConfig, type SigningUser } from "../../scripts/stage/appliance-config.ts";
import type { Spec } from "../../scripts/stage/serve.ts";
import { findPlace, makeKey, type Place, type Stage, startStage } from "../../scripts/stage/stage.ts";
import { Clients } from "./clients.ts";

export interface ApplianceOptions {
  /** Where it is served; without it an overlay, since everything below needs real users. */
  readonly place?: Place;
  readonly users: readonly Omit<SigningUser, "publicKey">[];
  /** Further people, who get an SSH key each; `more` makes what it wants of them. */
  readonly people?: readonly string[];
  readonly more?: (publicKeyOf: (person: string) => string) => Partial<Spec> & { readonly mappings?: string };
}

export class Appliance extends Clients {
  readonly #stage: Stage;

  private constructor(directory: string, stage: Stage) {
    super(directory, stage);
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

  certificate(name: string): string {
    return this.path("server", "certificates", `${name}.asc`);
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
