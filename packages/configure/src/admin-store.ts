import type { Config } from "@signstar/config/model";
import { type AdminCredentials, encodeAdminCredentials } from "./admin-credentials.ts";
import { ConfigureError } from "./errors.ts";
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
  throw new ConfigureError(
    "shared-secret",
    "the admin secret is shared among its holders, this host does not have it",
    {
      hint: "let a threshold of them hand in their shares: signstar-share send HOST FILE, with the word plan to look first",
    },
  );
}

/** `admin-credentials.toml`, and beside it `.old` during a rotation. */
export class PlainAdminStore implements AdminStore {
  readonly #files: StateFiles;

  constructor(place: Place) {
    this.#files = new StateFiles(place);
  }

  async read(): Promise<AdminSecrets | undefined> {
    const current = this.#files.readAdminCredentials();
    if (current === undefined) return undefined;
    const previous = this.#files.readAdminCredentials("old");
    // Interrupted between the two files of a rotation: it has not begun.
    return { current, previous: previous !== undefined && isSame(current, previous) ? undefined : previous };
  }

  async write(current: AdminCredentials, { keepPrevious }: { readonly keepPrevious: boolean }): Promise<void> {
    const before = keepPrevious ? this.#files.readAdminCredentials() : undefined;
    if (before !== undefined) this.#files.writeAdminCredentials(before, "old");
    this.#files.writeAdminCredentials(current);
  }

  async settle(): Promise<void> {
    this.#files.removeOldAdminCredentials();
  }
}

/** Credentials that were handed in, as by share holders: nothing of them is written here, so none can be added. */
export class HeldSecrets implements AdminStore {
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

function isSame(one: AdminCredentials, other: AdminCredentials): boolean {
  const [a, b] = [encodeAdminCredentials(one), encodeAdminCredentials(other)];
  const same = Buffer.compare(a, b) === 0;
  a.fill(0);
  b.fill(0);
  return same;
}
