/** The device as a machine: what it is, restart, update, backup. */
import type { Secret } from "@signstar/primitives/secret";
import { type FileSource, fileBody, lateText, multipartBody } from "./body.ts";
import { requireText } from "./checks.ts";
import { invalidArgument } from "./errors.ts";
import { mapOf, object, optional, type Reader, text } from "./reader.ts";
import type { Session } from "./session.ts";
import { deviceTime } from "./time.ts";
import { passphraseBytes } from "./types.ts";

export type { FileSource } from "./body.ts";

export interface SystemInfo {
  /** `major.minor` */
  readonly softwareVersion: string;
  readonly softwareBuild: string;
  readonly firmwareVersion: string;
  readonly hardwareVersion: string;
  readonly deviceId: string;
  /** Attestation keys, base64 of SubjectPublicKeyInfo. */
  readonly akPub: { readonly P256: string | undefined; readonly P384: string | undefined };
  /** Platform configuration registers: number to hex. */
  readonly pcr: ReadonlyMap<string, string>;
}

export interface Restore {
  readonly backup: FileSource;
  /** May be left out since release 3.0, into an Operational device that has the same one. */
  readonly backupPassphrase?: Secret | undefined;
  readonly systemTime?: Date | undefined;
}

const infoReader: Reader<SystemInfo> = object({
  softwareVersion: text,
  softwareBuild: text,
  firmwareVersion: text,
  hardwareVersion: text,
  deviceId: text,
  akPub: object({ P256: optional(text), P384: optional(text) }),
  pcr: mapOf(text),
});

const updateReader = object({ releaseNotes: text });

export class System {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** GET /system/info. Administrator without namespace. */
  async info(): Promise<SystemInfo> {
    return this.#session.json({ method: "GET", path: "/system/info" }, infoReader);
  }

  /** POST /system/reboot. */
  async reboot(): Promise<void> {
    await this.#action("reboot", "either");
  }

  /** POST /system/shutdown; since release 3.0 anyone may, unless the device is Operational. */
  async shutdown(): Promise<void> {
    await this.#action("shutdown", "either");
  }

  /** POST /system/factory-reset: erases everything. */
  async factoryReset(): Promise<void> {
    await this.#action("factory-reset", "either");
  }

  /** POST /system/update: sends the image as it is read, returns the release notes; it takes effect by `commitUpdate`. */
  async update(image: FileSource): Promise<string> {
    const ask = { method: "POST", path: "/system/update", body: fileBody(image), slow: true } as const;
    return (await this.#session.json(ask, updateReader)).releaseNotes;
  }

  /** POST /system/commit-update: the device restarts with the image. */
  async commitUpdate(): Promise<void> {
    await this.#action("commit-update", "user");
  }

  /** POST /system/cancel-update. */
  async cancelUpdate(): Promise<void> {
    await this.#action("cancel-update", "user");
  }

  /**
   * POST /system/backup, Backup role without namespace. Resolves when the device has begun to send; the stream must be
   * read, or left by `return`. It does not tell a file that the device cut short: check it.
   */
  async backup(): Promise<AsyncIterable<Uint8Array>> {
    return this.#session.stream({ method: "POST", path: "/system/backup", slow: true });
  }

  /**
   * POST /system/restore: of an Unprovisioned device everything, then no user is needed; of an Operational one users,
   * keys and namespaces, by an Administrator, whose credentials may be gone with it. Not atomic on a device: check the
   * file first.
   */
  async restore({ backup, backupPassphrase, systemTime }: Restore): Promise<void> {
    if (backupPassphrase !== undefined) requireBackupPassphrase(backupPassphrase);
    const args = {
      backupPassphrase: backupPassphrase && lateText(backupPassphrase),
      systemTime: systemTime && deviceTime(systemTime),
    };
    const body = multipartBody("backup_file", args, backup);
    await this.#session.done({ method: "POST", path: "/system/restore", body, auth: "either", slow: true });
  }

  async #action(name: string, auth: "user" | "either"): Promise<void> {
    await this.#session.done({ method: "POST", path: `/system/${name}`, auth });
  }
}

/** Any that a device accepted once; longer ones would exceed the 1024 bytes it reads of a restore's arguments. */
function requireBackupPassphrase(passphrase: Secret): void {
  requireText("backup passphrase", passphrase);
  if (passphrase.length > passphraseBytes.max) {
    throw invalidArgument(
      `backup passphrase has ${passphrase.length} bytes, a NetHSM takes at most ${passphraseBytes.max}`,
    );
  }
}
