/** Public keys as the API shows them. */
import { toBase64 } from "@signstar/primitives/bytes";
import { toPem } from "@signstar/primitives/pem";
import { ed25519Point, type KeyPair, type Material, pointOf, spki } from "./material.ts";

/** The `public` member of a key; Generic keys have none. */
export function publicMember(key: Material): Readonly<Record<string, string>> | undefined {
  switch (key.type) {
    case "Generic":
      return undefined;
    case "RSA": {
      const { n = "", e = "" } = key.publicKey.export({ format: "jwk" });
      return { modulus: fromUrl(n), publicExponent: fromUrl(e) };
    }
    case "Curve25519":
      return { data: toBase64(ed25519Point(key)) };
    default:
      return { data: toBase64(pointOf(key)) };
  }
}

export function publicPem(key: KeyPair): string {
  return toPem("PUBLIC KEY", spki(key));
}

function fromUrl(base64url: string): string {
  return Buffer.from(base64url, "base64url").toString("base64");
}
