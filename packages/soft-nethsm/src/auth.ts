/** Who is asking: HTTP Basic against the users of the vault, with the device's limit on failed attempts. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Role } from "@signstar/nethsm/types";
import { fromBase64, fromUtf8 } from "@signstar/primitives/bytes";
import type { Caller } from "./caller.ts";
import type { Device } from "./device.ts";
import { Refusal, type Request } from "./http.ts";
import { namespaceOf, readUserName } from "./ids.ts";
import type { User } from "./records.ts";
import { saltLength } from "./seal.ts";

export const realm = (name: string) => ({ "www-authenticate": `Basic realm="${name}"` });

/** Compared with when there is no such user, so that names cannot be told from the time an answer takes. */
const nobody: User = newUser("", "Operator", "");

/** Throws Refusal 401, or 429 within a second after a failure of the same address and name. */
export function authenticate(device: Device, request: Request): Caller {
  const header = request.headers.authorization;
  if (header === undefined) throw new Refusal(401, undefined, realm("NetHSM"));
  const known = device.vault.recognized(header);
  if (known !== undefined && !device.logins.blocked(`${request.peer} ${known.name}`)) return known;
  const { name, passphrase } = readCredentials(header, device);
  const key = `${request.peer} ${name}`;
  if (device.logins.blocked(key)) throw new Refusal(429, "Too many requests");
  const user = device.vault.users.get(name);
  if (!isPassphraseOf(user ?? nobody, passphrase) || user === undefined) {
    device.logins.failed(key);
    throw new Refusal(401, undefined, realm("invalid authorization"));
  }
  const caller = { name, role: user.role, namespace: namespaceOf(name), tags: user.tags };
  device.vault.recognize(header, caller);
  return caller;
}

/** A user with a fresh salt. */
export function newUser(realName: string, role: Role, passphrase: string, tags: readonly string[] = []): User {
  const salt = new Uint8Array(randomBytes(saltLength));
  return { realName, role, tags, salt, digest: digestOf(passphrase, salt) };
}

/** Malformed headers and names are refused without being counted. */
export function readCredentials(header: string, device: Device): { name: string; passphrase: string } {
  try {
    if (!header.startsWith("Basic ")) throw new RangeError("not Basic");
    const credentials = fromUtf8(fromBase64(header.slice("Basic ".length)));
    const colon = credentials.indexOf(":");
    if (colon === -1) throw new RangeError("no colon");
    return {
      name: readUserName(credentials.slice(0, colon), device.release),
      passphrase: credentials.slice(colon + 1),
    };
  } catch (cause) {
    if (cause instanceof Refusal || cause instanceof RangeError || cause instanceof TypeError) {
      throw new Refusal(401, undefined, realm("invalid authorization"));
    }
    throw cause;
  }
}

function isPassphraseOf(user: User, passphrase: string): boolean {
  const digest = digestOf(passphrase, user.salt);
  return digest.length === user.digest.length && timingSafeEqual(digest, user.digest);
}

function digestOf(passphrase: string, salt: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", salt).update(passphrase).digest());
}
