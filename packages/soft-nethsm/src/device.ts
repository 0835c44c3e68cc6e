/**
 * The device as a whole: who it is, what state it is in, its settings and its clock. Everything that lasts is in the
 * storage; what only an unlocked device has is in the vault.
 */
import { randomInt } from "node:crypto";
import type { SystemState } from "@signstar/nethsm/types";
import { storeKey } from "@signstar/nethsm-backup/crypto";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { selfSigned } from "./crypto/certificate.ts";
import { generateAsymmetric } from "./crypto/generate.ts";
import { toStored } from "./crypto/material.ts";
import { Exclusive } from "./exclusive.ts";
import { Metrics } from "./metrics.ts";
import { type LocalSetting, paths, type Slot } from "./paths.ts";
import { decodePending } from "./pending.ts";
import { RateLimit } from "./rate-limit.ts";
import type { Release } from "./release.ts";
import { freshBytes, keyLength, seal, UnsealError, unseal } from "./seal.ts";
import { decodeCertificates, encodeCertificates, localDefaults } from "./settings.ts";
import type { Changes, Records, Storage } from "./storage.ts";
import { Vault } from "./vault.ts";

export interface DeviceOptions {
  readonly release: Release;
  /** Milliseconds since the epoch; the default is the machine's clock. */
  readonly clock?: () => number;
  /** A monotonic clock in milliseconds, by which failed logins are limited; the default is the machine's. */
  readonly uptime?: (() => number) | undefined;
}

/** What the server must do after the answer is sent. */
export interface DeviceEvents {
  tlsChanged(): void;
  shutdown(): void;
}

interface Identity {
  readonly id: string;
  readonly key: Secret;
}

export interface TlsIdentity {
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
}

export class Device {
  readonly release: Release;
  readonly exclusive = new Exclusive();
  readonly logins: RateLimit;
  readonly unlocks: RateLimit;
  events: DeviceEvents = { tlsChanged: () => undefined, shutdown: () => undefined };
  metrics = new Metrics();
  /** What it says of itself: the release it behaves like, or the version of the update that was installed last. */
  softwareVersion: string;
  /** Version of an uploaded image waiting for commit or cancel; lost at reboot. */
  pendingUpdate: string | undefined;
  readonly #storage: Storage;
  readonly #clock: () => number;
  #identity: Identity;
  #vault: Vault | undefined;
  #failed = false;

  private constructor(storage: Storage, identity: Identity, options: DeviceOptions) {
    this.#storage = storage;
    this.#identity = identity;
    this.#clock = options.clock ?? Date.now;
    this.release = options.release;
    this.logins = new RateLimit(options.uptime);
    this.unlocks = new RateLimit(options.uptime);
    this.softwareVersion = options.release;
  }

  /** Gives an empty storage an identity and a TLS certificate; then boots. */
  static async open(storage: Storage, options: DeviceOptions): Promise<Device> {
    if (!storage.records.has(paths.deviceId)) await storage.commit(await newDevice());
    const device = new Device(storage, identityIn(storage.records), options);
    await device.boot();
    return device;
  }

  get id(): string {
    return this.#identity.id;
  }

  get deviceKey(): Secret {
    return this.#identity.key;
  }

  get records(): Records {
    return this.#storage.records;
  }

  get state(): SystemState {
    if (this.#failed) return "Failed";
    if (this.#vault !== undefined) return "Operational";
    return this.records.has(paths.initialized) ? "Locked" : "Unprovisioned";
  }

  /** What only an Operational device has; asking another is a bug. */
  get vault(): Vault {
    if (this.#vault === undefined) throw new TypeError("the device is not operational");
    return this.#vault;
  }

  /** Milliseconds since the epoch by the device's clock, which is set by provisioning and PUT /config/time. */
  now(): number {
    return this.#clock() + 1000 * Number(fromUtf8(this.local("time-offset")));
  }

  /** The offset to store so that the device's clock reads `time` now. */
  offsetFor(time: number): Uint8Array {
    return toUtf8(String(Math.round((time - this.#clock()) / 1000)));
  }

  async commit(changes: Changes): Promise<void> {
    await this.#storage.commit(changes);
    this.metrics.count("kv write");
  }

  /** As if the database had been lost: only a reboot, a factory reset or `recover` lead out of it. */
  fail(): void {
    this.#failed = true;
  }

  /** Back to the state before. */
  recover(): void {
    this.#failed = false;
  }

  /** A setting of this device, or its default. */
  local(name: LocalSetting): Uint8Array {
    const path = paths.local(this.id, name);
    const sealed = this.records.get(path);
    return sealed === undefined ? localDefaults[name] : unseal(this.#earlyKey(), path, sealed);
  }

  /** The change that stores a setting. */
  sealLocal(name: LocalSetting, value: Uint8Array): [string, Uint8Array] {
    return sealLocal(this.#identity, name, value);
  }

  /** The change that stores a domain key, or the locked domain key, for this device alone. */
  sealSlot(slot: Slot, value: Uint8Array): [string, Uint8Array] {
    return [paths.slot(this.id, slot), seal(this.deviceKey, slotAad(this.id, slot), value)];
  }

  /** What `sealSlot` stored; undefined if the slot is empty. */
  slot(slot: Slot): Uint8Array | undefined {
    const sealed = this.records.get(paths.slot(this.id, slot));
    return sealed === undefined ? undefined : unseal(this.deviceKey, slotAad(this.id, slot), sealed);
  }

  get tls(): TlsIdentity {
    return {
      privateKey: fromUtf8(this.local("private-key")),
      chain: decodeCertificates(this.local("certificate")),
    };
  }

  /** Replaces key and certificate of the TLS server; takes effect for new connections. */
  async setTls(tls: TlsIdentity): Promise<void> {
    await this.commit(
      new Map([
        this.sealLocal("private-key", toUtf8(tls.privateKey)),
        this.sealLocal("certificate", encodeCertificates(tls.chain)),
      ]),
    );
    this.events.tlsChanged();
  }

  /** Opens the vault, and seals what a restore had to leave open. Throws UnsealError if a record is not of this key. */
  async open(domainKey: Secret): Promise<void> {
    const vault = new Vault(this, domainKey);
    const pending = decodePending(this.local("pending-unlock-migrations"));
    if (pending.length > 0) {
      const sealed = pending.map(([name, value]) => vault.sealShared(name, value));
      const path = paths.local(this.id, "pending-unlock-migrations");
      await this.commit(new Map<string, Uint8Array | undefined>([...sealed, [path, undefined]]));
    }
    this.#vault = vault;
  }

  /** Forgets everything that was unlocked. */
  close(): void {
    this.#vault = undefined;
  }

  /** What a start does: nothing is left of what was in memory. */
  async boot(): Promise<void> {
    this.recover();
    this.metrics = new Metrics();
    this.logins.clear();
    this.unlocks.clear();
    this.pendingUpdate = undefined;
    await this.reopen();
  }

  /** Locked, unless unattended boot is on and the device key opens the domain key. */
  async reopen(): Promise<void> {
    this.close();
    try {
      const domainKey = this.slot("unattended");
      if (domainKey !== undefined) await this.open(Secret.take(domainKey));
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error;
    }
  }

  /** Writes the operation counters, which otherwise are in memory only. */
  async flush(): Promise<void> {
    await this.#vault?.flush();
  }

  /** Everything goes, the device key included; what is left is a new, unprovisioned device. */
  async erase(): Promise<void> {
    const changes = new Map<string, Uint8Array | undefined>([...this.records.keys()].map((path) => [path, undefined]));
    for (const [path, value] of await newDevice()) changes.set(path, value);
    await this.commit(changes);
    this.#identity = identityIn(this.records);
    await this.boot();
    this.events.tlsChanged();
  }

  /** Flushes, then lets go of the storage. */
  async end(): Promise<void> {
    await this.exclusive.run(async () => {
      await this.flush();
      await this.#storage.close();
    });
  }

  #earlyKey(): Secret {
    return storeKey(this.deviceKey, "early_config_store");
  }
}

async function newDevice(): Promise<Map<string, Uint8Array>> {
  const identity = { id: newId(), key: Secret.take(freshBytes(keyLength)) };
  const key = await generateAsymmetric("EC_P256");
  const stored = toStored(key);
  return new Map([
    [paths.deviceId, toUtf8(identity.id)],
    [paths.deviceKey, identity.key.use((key) => key.slice())],
    sealLocal(identity, "private-key", toUtf8(stored.pem)),
    sealLocal(identity, "certificate", encodeCertificates([selfSigned(key, "keyfender")])),
  ]);
}

/** Ten characters, as on the device. */
function newId(): string {
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return Array.from({ length: 10 }, () => alphabet[randomInt(alphabet.length)]).join("");
}

function identityIn(records: Records): Identity {
  const id = records.get(paths.deviceId);
  const key = records.get(paths.deviceKey);
  if (id === undefined || key === undefined) throw new TypeError("the storage has no device identity");
  return { id: fromUtf8(id), key: Secret.take(key.slice()) };
}

function sealLocal(identity: Identity, name: LocalSetting, value: Uint8Array): [string, Uint8Array] {
  const path = paths.local(identity.id, name);
  return [path, seal(storeKey(identity.key, "early_config_store"), path, value)];
}

function slotAad(deviceId: string, slot: Slot): string {
  return `local/${deviceId}/domain-key${slot}`;
}
