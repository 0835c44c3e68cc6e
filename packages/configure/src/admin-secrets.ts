import type { AdminCredentials } from "./admin-credentials.ts";
import { ConfigureError } from "./errors.ts";

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
