/**
 * The files of an appliance that are root's: admin credentials, certificates, learnt TLS pins. tmpfiles.d makes their
 * directories at boot; what is missing all the same is made here.
 */
import { dirname } from "node:path";
import type { KeyRef } from "@signstar/config/model";
import { makeDirectory, removeFile, writeFileAtomic } from "@signstar/host/atomic-file";
import { HostError } from "@signstar/host/errors";
import { type FileRules, readSafeFile } from "@signstar/host/safe-file";
import { encodeTlsPins, readTlsPins, type TlsPins } from "@signstar/host/tls-pins";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import { limits } from "@signstar/primitives/limits";
import { type AdminCredentials, encodeAdminCredentials, parseAdminCredentials } from "./admin-credentials.ts";
import { ConfigureError } from "./errors.ts";
import type { Place } from "./place.ts";

/** Some hundred administrators. */
const adminCredentialsBytes = 64 * 1024;

export class StateFiles {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Those in force, or those before a rotation that is not finished. Throws ConfigureError (bad-credentials), HostError. */
  readAdminCredentials(which?: "old"): AdminCredentials | undefined {
    const path = this.#adminCredentials(which);
    const bytes = this.readPrivate(path, adminCredentialsBytes);
    try {
      return bytes && parseAdminCredentials(bytes, path);
    } finally {
      bytes?.fill(0);
    }
  }

  /** On disk when it returns: only then may a device be given a passphrase of it. */
  writeAdminCredentials(credentials: AdminCredentials, which?: "old"): void {
    const bytes = encodeAdminCredentials(credentials);
    try {
      this.writePrivate(this.#adminCredentials(which), bytes);
    } finally {
      bytes.fill(0);
    }
  }

  removeOldAdminCredentials(): void {
    removeFile(this.#adminCredentials("old"));
  }

  readCertificate({ namespace, keyId }: KeyRef): Uint8Array | undefined {
    return this.#read(this.#place.paths.certificate(namespace, keyId), limits.certificateBytes, "readable");
  }

  writeCertificate({ namespace, keyId }: KeyRef, bytes: Uint8Array): void {
    const path = this.#place.paths.certificate(namespace, keyId);
    makeDirectory(dirname(path), 0o755);
    writeFileAtomic(path, bytes, { mode: 0o644, ...this.#place.owner });
  }

  readTlsPins(): TlsPins {
    return readTlsPins(this.#place.paths.tlsPins, [this.#place.owner.uid]);
  }

  /** From now on this certificate, too, is the device's: SHA-256 in lower-case hex. */
  addTlsPin(url: DeviceUrl, sha256: string): void {
    this.#writeTlsPins(url, [...new Set([...(this.readTlsPins().get(url) ?? []), sha256])]);
  }

  /** Of the certificates that were learnt, this one alone goes on being the device's. */
  keepTlsPin(url: DeviceUrl, sha256: string): void {
    const learnt = this.readTlsPins().get(url) ?? [];
    if (learnt.some((pin) => pin !== sha256))
      this.#writeTlsPins(
        url,
        learnt.filter((pin) => pin === sha256),
      );
  }

  /** No certificate that was learnt is the device's any more. */
  forgetTlsPins(url: DeviceUrl): void {
    if (this.readTlsPins().has(url)) this.#writeTlsPins(url, []);
  }

  #writeTlsPins(url: DeviceUrl, pinsOfDevice: readonly string[]): void {
    const path = this.#place.paths.tlsPins;
    const all = new Map([...this.readTlsPins(), [url, pinsOfDevice]]);
    makeDirectory(dirname(path), 0o755);
    writeFileAtomic(path, encodeTlsPins(all), { mode: 0o644, ...this.#place.owner });
  }

  #adminCredentials(which: "old" | undefined): string {
    return this.#place.paths.adminCredentials + (which === undefined ? "" : `.${which}`);
  }

  /** A secret of root's; undefined if there is none. Throws ConfigureError (bad-credentials), HostError. */
  readPrivate(path: string, maxBytes: number): Uint8Array | undefined {
    try {
      return this.#read(path, maxBytes, "private");
    } catch (cause) {
      if (!(cause instanceof HostError) || cause.code !== "file-unsafe") throw cause;
      throw new ConfigureError("bad-credentials", cause.message, {
        cause,
        hint: "others may have read or changed it; once that is known not to be so: a file of root with mode 0600 and one name",
      });
    }
  }

  /** The same made, in a directory of root's own; on disk when it returns. */
  writePrivate(path: string, bytes: Uint8Array): void {
    makeDirectory(dirname(path), 0o700);
    writeFileAtomic(path, bytes, { mode: 0o600, ...this.#place.owner });
  }

  #read(path: string, maxBytes: number, mode: FileRules["mode"]): Uint8Array | undefined {
    try {
      return readSafeFile(path, { maxBytes, owners: [this.#place.owner.uid], mode });
    } catch (thrown) {
      if (thrown instanceof HostError && thrown.code === "file-missing") return undefined;
      throw thrown;
    }
  }
}
