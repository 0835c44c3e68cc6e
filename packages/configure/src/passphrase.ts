import { randomBytes } from "node:crypto";
import { Secret } from "@signstar/primitives/secret";

/** A new passphrase: 32 random bytes as 43 characters of base64url. */
export function freshPassphrase(): Secret {
  const random = randomBytes(32);
  const passphrase = Secret.fromText(random.toString("base64url"));
  random.fill(0);
  return passphrase;
}
