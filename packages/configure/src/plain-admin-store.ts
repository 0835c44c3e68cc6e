import type { AdminCredentials } from "./admin-credentials.ts";
import { KeptAdminStore } from "./kept-admin-store.ts";
import type { Place } from "./place.ts";
import { StateFiles } from "./state-files.ts";

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
