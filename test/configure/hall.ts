/** Holders of shares around a software NetHSM: what their programs would leave in the share directories. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAuthorizedKey } from "@signstar/config/authorized-key";
import { parseConfig } from "@signstar/config/parse";
import { makeAdminCredentials } from "@signstar/configure/admin-credentials";
import { sealCredentials, shareOut } from "@signstar/configure/ceremony/admin-secret";
import { holdCeremonies } from "@signstar/configure/ceremony/ceremony";
import { shareHolders, sharingOf } from "@signstar/configure/ceremony/holders";
import { administratorsOf, desiredFrom } from "@signstar/configure/desired";
import { placeAt } from "@signstar/configure/place";
import type { Site } from "@signstar/configure/site";
import { type CeremonyState, readCeremonyState } from "@signstar/host/ceremony-state";
import { type Paths, pathsUnder } from "@signstar/host/paths";
import { NetHsm } from "@signstar/nethsm/client";
import { parseShare } from "@signstar/secret-sharing/share";
import { type SoftNethsm, startSoftNethsm } from "@signstar/soft-nethsm/testing";
import { administrator, backup, signing, sshKey } from "./stage.ts";

export interface HallOptions {
  readonly holders?: readonly string[];
  readonly threshold?: number;
  readonly iteration?: number;
  readonly users?: string;
  readonly devices?: readonly SoftNethsm[];
}

export const users = [
  administrator("admin"),
  signing({ user: "release", operator: "op1", key: "key1", tag: "tag1" }),
  backup("keeper", "backup1"),
].join("");

export class Died extends Error {}

export class TestHall {
  readonly root = mkdtempSync(join(tmpdir(), "signstar-ceremony-"));
  readonly paths: Paths = pathsUnder(this.root);
  readonly devices: SoftNethsm[] = [];
  /** What was told, by event. */
  readonly events: string[] = [];
  now = new Date();
  #options: Required<HallOptions>;

  private constructor(options: HallOptions) {
    this.#options = { holders: ["ann", "bob", "eve"], threshold: 2, iteration: 1, users, devices: [], ...options };
  }

  static async open(options: HallOptions = {}): Promise<TestHall> {
    const hall = new TestHall(options);
    hall.devices.push(await startSoftNethsm());
    hall.change({ devices: hall.devices, ...options });
    return hall;
  }

  /** Another configuration from now on. */
  change(options: HallOptions): void {
    this.#options = { ...this.#options, ...options };
  }

  /** As long as the secret is a file of root's. */
  get keepingConfig(): string {
    return this.#configuration(false);
  }

  get config(): string {
    return this.#configuration(true);
  }

  #configuration(shared: boolean): string {
    const { holders, threshold, iteration, users: more, devices } = this.#options;
    const keys = holders.map((name) => JSON.stringify(sshKey(name))).join(", ");
    const connections = devices.map(({ url, tlsFingerprint }) => {
      const pin = tlsFingerprint.replace("sha256:", "");
      return `[[connections]]\nurl = "${url}"\ntls_security = { Fingerprints = { sha256 = ["${pin}"] } }\n`;
    });
    const mapping = (kind: string, user: string) =>
      `[[users]]\n[users.${kind}]\nsystem_user = "${user}"\nssh_authorized_keys = [${keys}]\n`;
    const sharing = `{ shamirs-secret-sharing = { number_of_shares = ${holders.length}, threshold = ${threshold} } }`;
    const shares = [
      mapping("system_only_share_download", "share-down"),
      mapping("system_only_share_upload", "share-up"),
    ];
    return [
      `iteration = ${iteration}\nnon_admin_secret_handling = "plaintext"\n`,
      `admin_secret_handling = ${shared ? sharing : '"plaintext"'}\n`,
      ...connections,
      ...(shared ? shares : []),
      more,
    ].join("\n");
  }

  site(instead: Partial<Site> = {}): Site {
    const config = parseConfig(this.config);
    return {
      config,
      desired: desiredFrom(config),
      place: placeAt(this.root),
      connect: (to) => new NetHsm(to),
      now: () => this.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      done: () => this.#effect(),
      ...instead,
    };
  }

  /** As the service does, with what lies there. */
  async run(instead: Partial<Site> = {}): Promise<void> {
    const site = this.site(instead);
    const sharing = sharingOf(site.config);
    if (sharing === undefined) throw new TypeError("nothing is shared");
    await holdCeremonies(site, sharing, (event) => {
      this.events.push(event);
      this.#effect();
    });
  }

  /** From now on each run dies at this effect, counted from 1: an event that is told, a change that is made. */
  dieAt(effect: number): void {
    this.#effects = 0;
    this.#last = effect;
  }

  /** Since `dieAt`. */
  get effects(): number {
    return this.#effects;
  }

  #effects = 0;
  #last = Number.POSITIVE_INFINITY;

  #effect(): void {
    this.#effects += 1;
    if (this.#effects >= this.#last) throw new Died();
  }

  get state(): CeremonyState {
    return readCeremonyState(this.paths.ceremonyState, [process.geteuid?.() ?? 0]);
  }

  /** As the device that leads says it. */
  async deviceState(): Promise<unknown> {
    const answer = await this.devices[0]?.request("GET", "/health/state");
    return answer?.json();
  }

  /** Good shares of a secret that this host has not made, for two of the holders. */
  async forged(): Promise<readonly (readonly [string, Uint8Array])[]> {
    const { config, desired } = this.site();
    const credentials = makeAdminCredentials(1, administratorsOf(desired));
    using sealed = sealCredentials(credentials);
    const holders = shareHolders(config).slice(0, 2);
    const { offers } = await shareOut(sealed, { iteration: 1, threshold: 2, holders });
    return offers.map(({ file }, i) => [this.#options.holders[i] ?? "", file] as const);
  }

  get waiting(): readonly string[] {
    return [...names(`${this.paths.sharesDownload}/share-down`), ...names(`${this.paths.sharesUpload}/share-up`)];
  }

  fetch(name: string): Uint8Array {
    return readFileSync(`${this.paths.sharesDownload}/share-down/${hexOf(name)}.share`);
  }

  confirm(name: string, share: Uint8Array): void {
    const digest = createHash("sha256").update(share).digest("hex");
    writeFileSync(`${this.paths.sharesConfirm}/share-down/${hexOf(name)}`, `${digest}\n`, { mode: 0o600 });
  }

  handIn(name: string, share: Uint8Array, intent = "apply"): void {
    const directory = `${this.paths.sharesUpload}/share-up`;
    const first = `${directory}/${hexOf(name)}`;
    const other = existsSync(`${first}.share`) && setOf(readFileSync(`${first}.share`)) !== setOf(share);
    const file = other ? `${first}.${setOf(share)}` : first;
    writeFileSync(`${file}.intent`, `${intent}\n`, { mode: 0o600 });
    writeFileSync(`${file}.share`, share, { mode: 0o600 });
  }

  /** Everybody fetches and confirms; then it goes on. Returns the shares by holder. */
  async shareOut(site: Partial<Site> = {}): Promise<Map<string, Uint8Array>> {
    const shares = new Map(this.#options.holders.map((name) => [name, this.fetch(name)]));
    for (const [name, share] of shares) this.confirm(name, share);
    await this.run(site);
    return shares;
  }

  /** What is only in memory goes. */
  reboot(): void {
    rmSync(`${this.root}/run/signstar`, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    for (const device of this.devices) await device.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Of somebody's share. */
export function of(shares: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const share = shares.get(name);
  if (share === undefined) throw new TypeError(`${name} has no share`);
  return share;
}

/** Undefined for what is no share. */
function setOf(file: Uint8Array): string | undefined {
  try {
    return parseShare(file).set;
  } catch {
    return undefined;
  }
}

function hexOf(name: string): string {
  return parseAuthorizedKey(sshKey(name)).fingerprintHex;
}

function names(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
