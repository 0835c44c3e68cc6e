/** The device's description of a key. */
import { AnswerError, base64, count, listOf, object, oneOf, optional, type Reader, text } from "./reader.ts";
import { type KeyInfo, keyMechanisms, keyTypeRules, keyTypes, type PublicKeyData } from "./types.ts";

const wireReader = object({
  type: oneOf(keyTypes),
  mechanisms: listOf(oneOf(keyMechanisms)),
  operations: count,
  public: optional(object({ modulus: optional(base64), publicExponent: optional(base64), data: optional(base64) })),
  restrictions: object({ tags: optional(listOf(text)) }),
  label: optional(text),
});

export const keyInfoReader: Reader<KeyInfo> = (value, at) => {
  const { type, mechanisms, operations, public: data, restrictions, label } = wireReader(value, at);
  return {
    type,
    mechanisms,
    operations,
    publicKey: publicKeyOf(type, data, `${at}.public`),
    tags: restrictions.tags ?? [],
    label,
  };
};

type WirePublic = ReturnType<typeof wireReader>["public"];

/** Length and shape are checked; whether the point is on its curve is for those who use it. */
function publicKeyOf(type: KeyInfo["type"], found: WirePublic, at: string): PublicKeyData | undefined {
  if (type === "Generic") return undefined;
  if (type === "RSA") {
    const { modulus, publicExponent } = found ?? {};
    if (modulus === undefined || publicExponent === undefined) throw new AnswerError(`${at} has no RSA key`);
    if (modulus.length === 0 || publicExponent.length === 0) throw new AnswerError(`${at} has an empty number`);
    return { type, modulus, publicExponent };
  }
  const data = found?.data;
  const length = keyTypeRules[type].publicBytes;
  if (data === undefined || data.length !== length) throw new AnswerError(`${at}.data is not ${length} bytes`);
  if (type !== "Curve25519" && data[0] !== 0x04) throw new AnswerError(`${at}.data is not an uncompressed point`);
  return { type, data };
}
