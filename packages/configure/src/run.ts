import type { UserId } from "@signstar/nethsm/ids";
import type { Secret } from "@signstar/primitives/secret";
import type { AdminCredentials } from "./admin-credentials.ts";
import type { AdminSecrets, AdminStore } from "./admin-secrets.ts";
import type { Desired, DesiredUser } from "./desired.ts";
import type { Device } from "./device.ts";
import { ConfigureError } from "./errors.ts";
import { KeptBackups } from "./kept-backups.ts";
import { PassphraseFiles } from "./passphrase-files.ts";
import type { Place } from "./place.ts";
import { StateFiles } from "./state-files.ts";

/** One device, this host, what should be, and the passphrases that are known meanwhile. */
export class Run {
  readonly desired: Desired;
  /** Of the configuration, and of the admin credentials that go with it. */
  readonly iteration: number;
  readonly device: Device;
  readonly store: AdminStore;
  readonly files: StateFiles;
  readonly passphraseFiles: PassphraseFiles;
  readonly backups: KeptBackups;
  readonly now: () => Date;
  readonly sleep: (ms: number) => Promise<void>;
  /** Whose passphrase was set, and the one before perhaps still kept. */
  readonly unsettled: Set<DesiredUser> = new Set();
  #passphrases = new Map<UserId, Secret>();
  readonly #devices = new Map<UserId, Device>();
  #secrets: AdminSecrets | undefined;

  constructor(options: {
    readonly desired: Desired;
    readonly iteration: number;
    readonly device: Device;
    readonly place: Place;
    readonly store: AdminStore;
    readonly now: () => Date;
    readonly sleep: (ms: number) => Promise<void>;
  }) {
    this.desired = options.desired;
    this.iteration = options.iteration;
    this.device = options.device;
    this.store = options.store;
    this.now = options.now;
    this.sleep = options.sleep;
    this.files = new StateFiles(options.place);
    this.passphraseFiles = new PassphraseFiles(options.place, options.desired.passphrases);
    this.backups = new KeptBackups(options.place, options.desired);
    // A home for every passphrase, before anything is changed.
    for (const { systemUser } of options.desired.users) options.place.user(systemUser);
  }

  get secrets(): AdminSecrets | undefined {
    return this.#secrets;
  }

  /** As the store has them. Which of them a device answers to is found out by asking. */
  set secrets(secrets: AdminSecrets | undefined) {
    this.#secrets = secrets;
  }

  /** From now on `as` logs in with this one. */
  learn(user: UserId, passphrase: Secret): void {
    this.#passphrases.set(user, passphrase);
    this.#devices.delete(user);
  }

  /** Goes on from what another run has learnt of the same device. */
  after(other: Run): this {
    this.#secrets = other.#secrets;
    this.#passphrases = new Map(other.#passphrases);
    for (const user of other.unsettled) this.unsettled.add(user);
    return this;
  }

  /** Whether a passphrase of the user has been learnt. */
  knows(user: UserId): boolean {
    return this.#passphrases.has(user);
  }

  /** The device as one of its users sees it. Throws ConfigureError (no-credentials). */
  as(user: UserId): Device {
    const known = this.#devices.get(user);
    if (known !== undefined) return known;
    const passphrase = this.#passphrases.get(user);
    if (passphrase === undefined) {
      throw new ConfigureError("no-credentials", `this host has no passphrase of user ${user}`);
    }
    const device = this.device.as({ user, passphrase });
    this.#devices.set(user, device);
    return device;
  }

  requireAdminCredentials(): AdminCredentials {
    return this.requireSecrets().current;
  }

  requireSecrets(): AdminSecrets {
    if (this.#secrets !== undefined) return this.#secrets;
    throw new ConfigureError("no-credentials", "the device is provisioned, but this host has no admin credentials", {
      hint: "put the file of admin credentials it was provisioned with back into /var/lib/signstar/creds",
    });
  }
}
