/**
 * A device for tests, in process and over TLS, in memory:
 *
 *     await using device = await provisioned();
 *     using hsm = new NetHsm(device.connection, { credentials: device.credentials.operator });
 *     const bytes = await hsm.random(32);
 */
import type { Credentials } from "@signstar/nethsm/client";
import { parseUserId } from "@signstar/nethsm/ids";
import { type Connection, parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import { Secret } from "@signstar/primitives/secret";
import type { Device } from "./device.ts";
import { parseFaults } from "./fault.ts";
import { handle } from "./handler.ts";
import type { Answer } from "./http.ts";
import { silentLog } from "./log.ts";
import { prefixes } from "./paths.ts";
import { newest, type Release } from "./release.ts";
import { type Running, serve } from "./serve.ts";
import { MemoryStorage, type Records } from "./storage.ts";

export interface SoftNethsmOptions {
  readonly release?: Release;
  /** As for `--fault`. */
  readonly fault?: string;
  /** Milliseconds, in place of the machine's clock: after a failed login a second has to pass by it. */
  readonly uptime?: () => number;
  /** What another device was at a moment: this one goes on from there. */
  readonly from?: Snapshot;
}

/** All that a device holds, in memory too. */
export interface Snapshot {
  readonly records: Records;
  /** Undefined if it was not Operational; without it, as after a power loss, a device comes up Locked. */
  readonly domainKey: Secret | undefined;
}

export interface SoftNethsm extends AsyncDisposable {
  /** `https://127.0.0.1:PORT/api/v1` */
  readonly url: string;
  /** `sha256:` and lower-case hex of the DER certificate. */
  readonly tlsFingerprint: string;
  /** For a client: the URL with the certificate pinned. */
  readonly connection: Connection;
  /** A request without the network, past `fault`. */
  request(method: string, path: string, options?: RequestOptions): Promise<TestAnswer>;
  snapshot(): Snapshot;
  close(): Promise<void>;
}

export interface RequestOptions {
  /** `[name, passphrase]` */
  readonly user?: readonly [string, string];
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** Throws SyntaxError if the body is no JSON. */
  json(): unknown;
}

/** An Unprovisioned device on a free port of 127.0.0.1. */
export async function startSoftNethsm(options: SoftNethsmOptions = {}): Promise<SoftNethsm> {
  return softNethsm(await start(options));
}

async function start(options: SoftNethsmOptions): Promise<Running> {
  const { from, uptime } = options;
  const running = await serve({
    dataDir: from && new MemoryStorage(from.records),
    uptime,
    host: "127.0.0.1",
    port: 0,
    release: options.release ?? newest,
    faults: parseFaults(options.fault),
    log: silentLog,
  });
  if (from?.domainKey !== undefined) await running.device.open(from.domainKey);
  return running;
}

function softNethsm(running: Running): SoftNethsm {
  const { device } = running;
  const pin = parsePin(running.tlsFingerprint);
  return {
    url: running.url,
    tlsFingerprint: running.tlsFingerprint,
    connection: { url: parseDeviceUrl(running.url), tls: { mode: "pinned", sha256: [pin] } },
    [Symbol.asyncDispose]: () => running.close(),
    close: () => running.close(),
    request: async (method, path, request = {}) => testAnswer(await handle(device, requestOf(method, path, request))),
    snapshot: () => ({
      records: device.records,
      domainKey: device.state === "Operational" ? device.vault.domainKey : undefined,
    }),
  };
}

export const testPassphrases = { unlock: "unlock-passphrase", backup: "backup-passphrase" } as const;

/** The users of `provisioned()`, one for each role. */
export const testUsers = {
  admin: { name: "admin", role: "Administrator", passphrase: "admin-passphrase" },
  operator: { name: "operator", role: "Operator", passphrase: "operator-passphrase" },
  backup: { name: "backup", role: "Backup", passphrase: "backup-user-passphrase" },
  metrics: { name: "metrics", role: "Metrics", passphrase: "metrics-passphrase" },
} as const;

/** The `user` of a request. */
export function login({ name, passphrase }: { name: string; passphrase: string }): readonly [string, string] {
  return [name, passphrase];
}

export interface ProvisionedSoftNethsm extends SoftNethsm {
  readonly users: typeof testUsers;
  /** The same users as a client takes them. */
  readonly credentials: Readonly<Record<keyof typeof testUsers, Credentials>>;
  readonly unlockPassphrase: string;
  readonly backupPassphrase: string;
}

/** An Operational device with the users of `testUsers` and a backup passphrase. */
export async function provisioned(options: SoftNethsmOptions = {}): Promise<ProvisionedSoftNethsm> {
  const running = await start(options);
  await become(running.device, await model(options.release ?? newest));
  const { operator, backup, metrics } = testUsers;
  const credentials = {
    admin: asCredentials(testUsers.admin),
    operator: asCredentials(operator),
    backup: asCredentials(backup),
    metrics: asCredentials(metrics),
  };
  const { unlock: unlockPassphrase, backup: backupPassphrase } = testPassphrases;
  return { ...softNethsm(running), users: testUsers, credentials, unlockPassphrase, backupPassphrase };
}

/** What provisioning has given a device, but for what is its own. */
interface Model {
  readonly records: ReadonlyMap<string, Uint8Array>;
  readonly domainKey: Secret;
  readonly lockedDomainKey: Uint8Array;
  readonly unlockSalt: Uint8Array;
}

const models = new Map<Release, Promise<Model>>();

/** The keys of two passphrases take a second to compute: once for each release is enough. */
function model(release: Release): Promise<Model> {
  const made = models.get(release) ?? makeModel(release);
  models.set(release, made);
  return made;
}

async function makeModel(release: Release): Promise<Model> {
  const running = await start({ release });
  await prepare(softNethsm(running));
  const { device } = running;
  const lockedDomainKey = device.slot("attended");
  if (lockedDomainKey === undefined) throw new TypeError("the device was not provisioned");
  const own = [prefixes.device, prefixes.local];
  const records = new Map([...device.records].filter(([path]) => !own.some((prefix) => path.startsWith(prefix))));
  const { domainKey } = device.vault;
  const unlockSalt = device.local("unlock-salt");
  await running.close();
  return { records, domainKey, lockedDomainKey, unlockSalt };
}

/** The device keeps its identity and TLS certificate; the rest is as if the model's requests had been its own. */
async function become(device: Device, { records, domainKey, lockedDomainKey, unlockSalt }: Model): Promise<void> {
  await device.commit(
    new Map([
      ...records,
      device.sealLocal("unlock-salt", unlockSalt),
      device.sealLocal("time-offset", device.offsetFor(Date.now())),
      device.sealSlot("attended", lockedDomainKey),
    ]),
  );
  await device.open(domainKey.use((key) => Secret.take(key.slice())));
}

async function prepare(device: SoftNethsm): Promise<void> {
  const admin = login(testUsers.admin);
  const must = async (status: number, answer: Promise<TestAnswer>) => {
    const { status: got, text } = await answer;
    if (got !== status) throw new Error(`preparing the test device: ${got} ${text}`);
  };
  const systemTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const { unlock: unlockPassphrase, backup: backupPassphrase } = testPassphrases;
  const json = { unlockPassphrase, adminPassphrase: testUsers.admin.passphrase, systemTime };
  await must(204, device.request("POST", "/provision", { json }));
  for (const { name, role, passphrase } of [testUsers.operator, testUsers.backup, testUsers.metrics]) {
    const user = { realName: name, role, passphrase };
    await must(201, device.request("PUT", `/users/${name}`, { user: admin, json: user }));
  }
  const passphrases = { newPassphrase: backupPassphrase, currentPassphrase: "" };
  await must(204, device.request("PUT", "/config/backup-passphrase", { user: admin, json: passphrases }));
}

function asCredentials({ name, passphrase }: { name: string; passphrase: string }): Credentials {
  return { user: parseUserId(name), passphrase: Secret.fromText(passphrase) };
}

function requestOf(method: string, path: string, { user, json, body, headers }: RequestOptions) {
  const content = json === undefined ? (body ?? new Uint8Array(0)) : Buffer.from(JSON.stringify(json));
  return {
    method,
    target: `/api/v1${path}`,
    headers: {
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(user === undefined ? {} : { authorization: `Basic ${Buffer.from(user.join(":")).toString("base64")}` }),
      ...headers,
    },
    peer: "127.0.0.1",
    contentLength: content.length,
    body: async () => content,
  };
}

function testAnswer({ status, headers, body }: Answer): TestAnswer {
  const text = Buffer.from(body).toString();
  return { status, headers, bytes: body, text, json: (): unknown => JSON.parse(text) };
}
