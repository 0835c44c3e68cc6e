/** Users and keys as stored, byte for byte the device's form: a backup moves them between it and us. */
import { type KeyMechanism, keyMechanisms, type Role, roles } from "@signstar/nethsm/types";
import { fromBase64, toBase64 } from "@signstar/primitives/bytes";
import { integer, list, object, oneOf, optional, orNull, text } from "./body.ts";

export interface User {
  readonly realName: string;
  readonly salt: Uint8Array;
  /** HMAC-SHA256 under the salt, of the passphrase. */
  readonly digest: Uint8Array;
  readonly role: Role;
  readonly tags: readonly string[];
}

/** Asymmetric keys as PKCS#8 PEM, Generic keys as raw bytes. */
export type PrivateKey =
  | { readonly kind: "pem"; readonly pem: string }
  | { readonly kind: "raw"; readonly bytes: Uint8Array };

export interface StoredKey {
  readonly mechanisms: readonly KeyMechanism[];
  readonly private: PrivateKey;
  readonly certificate: Uint8Array | undefined;
  readonly operations: number;
  readonly tags: readonly string[];
  readonly label: string;
}

/**
 * Salt and digest are raw bytes inside of a JSON string, other strings are UTF-8: the record is written as Latin-1
 * characters, one per byte. Control characters are escaped, bytes from 0x80 on are not.
 */
export function encodeUser(user: User): Uint8Array {
  const value = {
    name: byteText(Buffer.from(user.realName)),
    salt: byteText(user.salt),
    digest: byteText(user.digest),
    role: user.role,
    tags: user.tags.map((tag) => byteText(Buffer.from(tag))),
  };
  return encodeBytes(value);
}

const userReader = object({ name: text, salt: text, digest: text, role: oneOf(...roles), tags: list(text) });

export function decodeUser(record: Uint8Array): User {
  const user = userReader(JSON.parse(byteText(record)), "user");
  return {
    realName: fromByteText(user.name),
    salt: new Uint8Array(Buffer.from(user.salt, "latin1")),
    digest: new Uint8Array(Buffer.from(user.digest, "latin1")),
    role: user.role,
    tags: user.tags.map(fromByteText),
  };
}

export function encodeKey(key: StoredKey): Uint8Array {
  const value = {
    mechanisms: key.mechanisms,
    priv: key.private.kind === "pem" ? { PEM: key.private.pem } : { raw: toBase64(key.private.bytes) },
    cert: key.certificate === undefined ? null : ["application/octet-stream", byteText(key.certificate)],
    operations: key.operations,
    restrictions: key.tags.length === 0 ? {} : { tags: key.tags.map((tag) => byteText(Buffer.from(tag))) },
    ...(key.label === "" ? {} : { label: byteText(Buffer.from(key.label)) }),
  };
  return encodeBytes(value);
}

const keyReader = object({
  mechanisms: list(oneOf(...keyMechanisms)),
  priv: object({ PEM: optional(text), raw: optional(text) }),
  cert: optional(orNull(list(text))),
  operations: integer,
  restrictions: object({ tags: optional(list(text)) }),
  label: optional(text),
});

export function decodeKey(record: Uint8Array): StoredKey {
  const key = keyReader(JSON.parse(byteText(record)), "key");
  const certificate = key.cert?.[1];
  return {
    mechanisms: key.mechanisms,
    private: decodePrivate(key.priv),
    certificate: certificate === undefined ? undefined : new Uint8Array(Buffer.from(certificate, "latin1")),
    operations: key.operations,
    tags: (key.restrictions.tags ?? []).map(fromByteText),
    label: fromByteText(key.label ?? ""),
  };
}

function decodePrivate(stored: { PEM: string | undefined; raw: string | undefined }): PrivateKey {
  if (stored.PEM !== undefined) return { kind: "pem", pem: stored.PEM };
  return { kind: "raw", bytes: fromBase64(stored.raw ?? "") };
}

function encodeBytes(value: unknown): Uint8Array {
  const escaped = JSON.stringify(value).replaceAll("\u007f", "\\u007f");
  return new Uint8Array(Buffer.from(escaped, "latin1"));
}

function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function fromByteText(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}
