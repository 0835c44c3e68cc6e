import type { Config } from "@signstar/config/model";
import type { AdminCredentials } from "./admin-credentials.ts";
import { EncryptedAdminStore } from "./encrypted-admin-store.ts";
import { ConfigureError } from "./errors.ts";
import { KeptAdminStore } from "./kept-admin-store.ts";
import type { Place } from "./place.ts";
import { StateFiles } from "./state-files.ts";

/** What opens the devices of a site. Every login and every unlocking tries `current`, then `previous`. */
export interface AdminSecrets {
  /** What shall be in force. */
  readonly current: AdminCredentials;
  /** What may still be in force somewhere; undefined once every device has answered with `current`. */
  readonly previous: AdminCredentials | undefined;
}

/** Where this host keeps the admin credentials, if it does. */
export interface AdminStore {
  /** Whether they come from share holders: this host neither makes nor keeps them. */
  readonly handedIn: boolean;
  read(): Promise<AdminSecrets | undefined>;
  /**
   * On disk when it resolves: only then may a device be given a passphrase of it. With `keepPrevious` what was there
   * stays beside it until `settle`.
   */
  write(current: AdminCredentials, options: { readonly keepPrevious: boolean }): Promise<void>;
  /** Every device has answered with what was written last. */
  settle(): Promise<void>;
}

/** Where this host keeps them, as the configuration says. Throws ConfigureError (`shared-secret`, exit 78). */
export function adminStoreOf({ adminSecretHandling: { kind } }: Config, place: Place): AdminStore {
  if (kind === "plaintext") return new PlainAdminStore(place);
  if (kind === "systemd-creds") return new EncryptedAdminStore(place);
  throw new ConfigureError(
    "shared-secret",
    "the admin secret is shared among its holders, this host does not have it",
    {
      hint: "let a threshold of them hand in their shares: signstar-share send HOST FILE, with the word plan to look first",
    },
  );
}

/** `admin-credentials.toml`. */
export class PlainAdminStore extends KeptAdminStore {
  readonly #files: StateFiles;

  constructor(place: Place) {
    super();
    this.#files = new StateFiles(place);
  }

  protected override async load(which?: "old"): Promise<AdminCredentials | undefined> {
    return this.#files.readAdminCredentials(which);
  }

  protected override async save(credentials: AdminCredentials, which?: "old"): Promise<void> {
    this.#files.writeAdminCredentials(credentials, which);
  }

  async settle(): Promise<void> {
    this.#files.removeOldAdminCredentials();
  }
}

/** Credentials that were handed in, as by share holders: nothing of them is written here, so none can be added. */
export class HeldSecrets implements AdminStore {
  readonly handedIn = true;
  readonly #secrets: AdminSecrets | undefined;

  constructor(secrets: AdminSecrets | undefined) {
    this.#secrets = secrets;
  }

  async read(): Promise<AdminSecrets | undefined> {
    return this.#secrets;
  }

  async write(): Promise<void> {
    throw new ConfigureError("no-credentials", "the admin secret does not have what the configuration asks for", {
      hint: "a new iteration of the configuration makes a new admin secret",
    });
  }

  async settle(): Promise<void> {}
}
