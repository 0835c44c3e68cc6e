/** Private keys on their way into a device. */

import { toUtf8 } from "@signstar/primitives/bytes";
import type { Secret } from "@signstar/primitives/secret";
import { type Body, jsonBody, lateBase64, multipartBody } from "./body.ts";
import { requireBytes } from "./checks.ts";
import { invalidArgument } from "./errors.ts";
import type { KeyId, RestrictionTag } from "./ids.ts";
import { type KeyMechanism, type KeyType, keyTypeRules, maxLabelBytes } from "./types.ts";

interface ImportCommon {
  /** Absent: the device chooses one. */
  readonly id?: KeyId | undefined;
  /** The device does not check them against the type on import; we do where the type is known. */
  readonly mechanisms: readonly KeyMechanism[];
  readonly tags?: readonly RestrictionTag[] | undefined;
  /** Release 5.0 and later, at most 32 bytes. */
  readonly label?: string | undefined;
}

export type ImportedKey = ImportCommon &
  (
    | { readonly type: "RSA"; readonly primeP: Secret; readonly primeQ: Secret; readonly publicExponent: Uint8Array }
    /** `data`: the scalar, big endian, or the seed of Curve25519, or the bytes of a Generic key. */
    | { readonly type: Exclude<KeyType, "RSA">; readonly data: Secret }
  );

export interface ImportedPem extends ImportCommon {
  readonly pem: Secret;
}

export function importBody(key: ImportedKey): Body {
  const { type, mechanisms } = key;
  const rules = keyTypeRules[type];
  const foreign = mechanisms.find((mechanism) => !rules.mechanisms.includes(mechanism));
  if (foreign !== undefined) throw invalidArgument(`mechanism ${foreign} does not go with key type ${type}`);
  if (key.type === "RSA") {
    const { primeP, primeQ, publicExponent } = key;
    const exponent = Buffer.from(publicExponent).toString("base64");
    return jsonBody({
      type,
      private: { primeP: lateBase64(primeP), primeQ: lateBase64(primeQ), publicExponent: exponent },
      ...commonMembers(key),
    });
  }
  if (rules.privateBytes !== undefined && key.data.length !== rules.privateBytes) {
    throw invalidArgument(`private key has ${key.data.length} bytes, type ${type} has ${rules.privateBytes}`);
  }
  return jsonBody({ type, private: { data: lateBase64(key.data) }, ...commonMembers(key) });
}

export function importPemBody(key: ImportedPem): Body {
  const header = "-----BEGIN ";
  const text = key.pem.use((bytes) => Buffer.from(bytes.subarray(0, 64)).toString("latin1"));
  if (!text.trimStart().startsWith(header)) throw invalidArgument("private key is not PEM");
  if (text.includes("ENCRYPTED")) throw invalidArgument("private key is encrypted", "decrypt it first, in memory");
  return multipartBody("key_file", commonMembers(key), key.pem);
}

function commonMembers({ mechanisms, tags, label }: ImportCommon) {
  if (label !== undefined) requireBytes("label", toUtf8(label), maxLabelBytes);
  return { mechanisms, restrictions: tags === undefined ? undefined : { tags }, label };
}
