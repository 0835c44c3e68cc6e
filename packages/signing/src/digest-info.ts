import { concat, fromHex } from "@signstar/primitives/bytes";

/** DER before the digest (RFC 8017 §9.2 note 1), by the digest's length in bytes: SHA-1, SHA-256, SHA-384, SHA-512. */
const prefixes: ReadonlyMap<number, Uint8Array> = new Map([
  [20, fromHex("3021300906052b0e03021a05000414")],
  [32, fromHex("3031300d060960864801650304020105000420")],
  [48, fromHex("3041300d060960864801650304020205000430")],
  [64, fromHex("3051300d060960864801650304020305000440")],
]);

/** What RSA signs of a digest under PKCS #1 v1.5. Throws RangeError for a length that no known hash has. */
export function digestInfo(digest: Uint8Array): Uint8Array {
  const prefix = prefixes.get(digest.length);
  if (prefix === undefined) throw new RangeError(`no hash has a digest of ${digest.length} bytes`);
  return concat(prefix, digest);
}
