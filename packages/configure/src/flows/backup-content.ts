/** What a backup would bring to a device, found out before it is restored. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { parseUserId, type UserId } from "@signstar/nethsm/ids";
import type { FileSource } from "@signstar/nethsm/system";
import { pinOf } from "@signstar/nethsm/tls";
import { BackupError } from "@signstar/nethsm-backup/errors";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { messageOf } from "@signstar/primitives/failure";
import type { Secret } from "@signstar/primitives/secret";
import type { AdminSecrets } from "../admin-secrets.ts";
import { type Desired, leadingAdministrator } from "../desired.ts";
import { ConfigureError } from "../errors.ts";

export interface BackupContent {
  readonly backupPassphrase: Secret;
  /** Of the TLS certificate that a device has after the restore if it was Unprovisioned. */
  readonly tlsPin: string;
  /** Labels of keys, `[NAMESPACE~]KEY`. */
  readonly keys: ReadonlySet<string>;
}

/**
 * Opens every value, and sees to it that the device can be unlocked and administered afterwards.
 *
 * @throws ConfigureError unfit-file if it is not whole, foreign-backup if other admin credentials belong to it
 */
export async function readBackupContent(
  open: () => FileSource,
  secrets: AdminSecrets,
  desired: Pick<Desired, "namespaces">,
): Promise<BackupContent> {
  const { backupPassphrase, values } = await openValues(open, secrets);
  const users = new Map(
    [...values].flatMap(([path, value]) => {
      const name = after("/authentication/", path);
      return name === undefined || name.startsWith(".") ? [] : [[parseUserId(name), value] as const];
    }),
  );
  const namespaces = new Set([...values.keys()].flatMap((path) => after("/namespace/", path) ?? []));
  requireAdministrators(users, secrets, [
    [leadingAdministrator],
    ...desired.namespaces.filter(({ id }) => namespaces.has(id)).map(({ administrators }) => administrators),
  ]);
  const certificate = values.get("/config/certificate") ?? new Uint8Array(0);
  const keys = [...values.keys()].flatMap((path) => after("/key/", path) ?? []).filter((key) => key !== ".version");
  return {
    backupPassphrase,
    tlsPin: pinOf(firstCertificate(certificate)),
    // A key of a namespace is at `.NAMESPACE/KEY`.
    keys: new Set(keys.map((key) => key.replace(/^\.([^/]+)\//, "$1~"))),
  };
}

/**
 * Every value of a backup, and the passphrase that opens it. Throws ConfigureError unfit-file if it is not whole,
 * foreign-backup if none of the secrets opens it.
 */
export async function openValues(open: () => FileSource, { current, previous }: AdminSecrets) {
  const sets = previous === undefined ? [current] : [current, previous];
  const iterations = sets.map(({ iteration }) => iteration).join(" or ");
  let problem = "";
  for (const { backupPassphrase: backup } of sets) {
    // While a new set comes into force, a device may have one passphrase of each.
    for (const { unlockPassphrase: unlock } of sets) {
      const values = new Map<string, Uint8Array>();
      try {
        await validateBackup(open().chunks, { backup, unlock }, (path, value) => values.set(path, value));
        return { backupPassphrase: backup, values };
      } catch (cause) {
        if (!(cause instanceof BackupError)) throw cause;
        if (cause.code === "wrong-unlock-passphrase") problem ||= "unlock passphrase";
        else if (cause.code !== "wrong-passphrase") {
          throw new ConfigureError("unfit-file", `the backup cannot be used: ${messageOf(cause)}`, { cause });
        }
      }
    }
  }
  throw foreign(`the ${problem || "backup passphrase"} of iteration ${iterations} does not open the backup`);
}

/** Of each group one at least must be known: it can give the others new passphrases, and nobody else can. */
function requireAdministrators(
  users: ReadonlyMap<UserId, Uint8Array>,
  { current, previous }: AdminSecrets,
  groups: readonly (readonly UserId[])[],
): void {
  const isKnown = (user: UserId) => {
    const record = users.get(user);
    const passphrases = [current, previous].flatMap((set) => set?.administrators.get(user) ?? []);
    return record !== undefined && passphrases.some((passphrase) => isPassphraseOf(record, passphrase));
  };
  for (const group of groups) {
    if (group.some(isKnown)) continue;
    const iterations =
      previous === undefined ? `${current.iteration}` : `${current.iteration} or ${previous.iteration}`;
    throw foreign(`in the backup ${group.join(", ")} has no passphrase of iteration ${iterations}`);
  }
}

function foreign(problem: string): ConfigureError {
  return new ConfigureError("foreign-backup", problem, {
    hint: "nothing was changed; it needs the administrators' secret that was in force when it was made: hand in shares of that set as well, or take a newer backup",
  });
}

/** The device keeps HMAC-SHA-256 of the passphrase under a salt, both as raw bytes in the text of a JSON object. */
function isPassphraseOf(record: Uint8Array, passphrase: Secret): boolean {
  const user: unknown = JSON.parse(Buffer.from(record).toString("latin1"));
  if (typeof user !== "object" || user === null || !("salt" in user) || !("digest" in user)) return false;
  const digest = Buffer.from(String(user.digest), "latin1");
  const found = passphrase.use((bytes) =>
    createHmac("sha256", Buffer.from(String(user.salt), "latin1"))
      .update(bytes)
      .digest(),
  );
  return digest.length === found.length && timingSafeEqual(digest, found);
}

/** Each stands behind its length in four bytes, big endian; the device's own is the first. */
function firstCertificate(value: Uint8Array): Uint8Array {
  const length = value.length < 4 ? 0 : new DataView(value.buffer, value.byteOffset, 4).getUint32(0);
  const certificate = value.subarray(4, 4 + length);
  if (length > 0 && certificate.length === length) return certificate;
  throw new ConfigureError("unfit-file", "the TLS certificate in the staged backup cannot be read");
}

function after(prefix: string, path: string): string | undefined {
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}
