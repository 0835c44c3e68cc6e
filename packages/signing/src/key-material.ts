import type { PublicKeyData } from "@signstar/nethsm/types";
import type { KeyMaterial } from "@signstar/openpgp/public-key";
import { SigningError } from "./error.ts";

const curves = { EC_P256: "P-256", EC_P384: "P-384", EC_P521: "P-521" } as const;

/** A NetHSM's public key as OpenPGP has it. Throws SigningError for types that OpenPGP signatures do not know. */
export function materialOf(data: PublicKeyData | undefined): KeyMaterial {
  switch (data?.type) {
    case "RSA":
      return { algorithm: "RSA", modulus: data.modulus, exponent: data.publicExponent };
    case "Curve25519":
      return { algorithm: "EdDSALegacy", point: data.data };
    case "EC_P256":
    case "EC_P384":
    case "EC_P521":
      return { algorithm: "ECDSA", curve: curves[data.type], point: data.data };
    default:
      throw new SigningError(
        "unsupported-key",
        `a key of type ${data?.type ?? "Generic"} makes no OpenPGP signatures`,
        {
          hint: "use Curve25519, EC_P256, EC_P384, EC_P521 or RSA",
        },
      );
  }
}
