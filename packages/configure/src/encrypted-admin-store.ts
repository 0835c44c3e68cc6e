import { basename, dirname } from "node:path";
import { removeFile } from "@signstar/host/atomic-file";
import { HostError } from "@signstar/host/errors";
import { namesIn } from "@signstar/host/safe-file";
import { decryptCredential, encryptCredential } from "@signstar/host/systemd-creds";
import { type AdminCredentials, encodeAdminCredentials, parseAdminCredentials } from "./admin-credentials.ts";
import { ConfigureError } from "./errors.ts";
import { KeptAdminStore } from "./kept-admin-store.ts";
import type { Place } from "./place.ts";
import { StateFiles } from "./state-files.ts";

/** Some hundred administrators in base64, with what a TPM wants to see again. */
const maxBytes = 128 * 1024;

/** `admin-credentials.creds`: the content of `admin-credentials.toml`, encrypted by systemd for root of this machine. */
export class EncryptedAdminStore extends KeptAdminStore {
  readonly #files: StateFiles;
  readonly #path: string;
  readonly #plainPath: string;

  constructor(place: Place) {
    super();
    this.#files = new StateFiles(place);
    this.#path = place.paths.encryptedAdminCredentials;
    this.#plainPath = place.paths.adminCredentials;
  }

  protected override async load(which?: "old"): Promise<AdminCredentials | undefined> {
    const path = this.#named(which);
    const blob = this.#files.readPrivate(path, maxBytes);
    if (blob === undefined) {
      if (which === undefined) requireNone(this.#plainPath, path);
      return undefined;
    }
    const plain = await decrypt(blob, path);
    try {
      return parseAdminCredentials(plain, path);
    } finally {
      plain.fill(0);
    }
  }

  protected override async save(credentials: AdminCredentials, which?: "old"): Promise<void> {
    const plain = encodeAdminCredentials(credentials);
    try {
      this.#files.writePrivate(this.#named(which), await encryptCredential(plain, "system"));
    } finally {
      plain.fill(0);
    }
  }

  async settle(): Promise<void> {
    removeFile(this.#named("old"));
  }

  #named(which: "old" | undefined): string {
    return which === undefined ? this.#path : `${this.#path}.${which}`;
  }
}

/** Those of before the configuration asked for encryption are not to be taken for none: there would be new ones. */
function requireNone(plainPath: string, path: string): void {
  if (!namesIn(dirname(plainPath)).includes(basename(plainPath))) return;
  throw new ConfigureError("bad-credentials", `${plainPath} is not encrypted, as the configuration asks for`, {
    hint: `(umask 077; systemd-creds --name= encrypt ${plainPath} ${path}), then remove the first`,
  });
}

async function decrypt(blob: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await decryptCredential(blob, "system");
  } catch (cause) {
    if (!(cause instanceof HostError) || cause.code !== "credential-unusable") throw cause;
    throw new ConfigureError("bad-credentials", `${path}: ${cause.message}`, {
      cause,
      hint: "it was encrypted on another machine, or this one's TPM or key has changed since",
    });
  }
}
