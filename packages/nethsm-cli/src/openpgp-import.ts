/** Secret OpenPGP keys on their way into a device. The library is loaded for this alone and never bundled. */
import type { NetHsm } from "@signstar/nethsm/client";
import type { KeyId, RestrictionTag } from "@signstar/nethsm/ids";
import type { KeyMechanism } from "@signstar/nethsm/types";
import { looksArmored } from "@signstar/openpgp/armor";
import { leftPad } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { Secret } from "@signstar/primitives/secret";
import type { PrivateKey as LibraryKey } from "openpgp";
import { CliError } from "./errors.ts";
import type { PrivateKey } from "./private-key.ts";

export interface Placement {
  readonly id: KeyId | undefined;
  readonly tags: readonly RestrictionTag[] | undefined;
}

/**
 * Imports the key and stores its public part as certificate; if that cannot be stored, the key does not stay either.
 * Throws CliError `not-a-key` (65).
 */
export async function importSecretKey(hsm: NetHsm, file: Uint8Array, { id, tags }: Placement): Promise<void> {
  const { key, mechanism, certificate } = await readSecretKey(file);
  file.fill(0);
  const made = await hsm.keys.import({ ...key, id, tags, mechanisms: [mechanism] });
  try {
    await hsm.keys.setCertificate(made, certificate);
  } catch (error) {
    await hsm.keys.delete(made);
    throw error;
  }
}

export interface SecretKey {
  readonly key: PrivateKey;
  readonly mechanism: KeyMechanism;
  /** The public part, binary. */
  readonly certificate: Uint8Array;
}

/** Reads the secret key in `file`. */
export async function readSecretKey(file: Uint8Array): Promise<SecretKey> {
  const library = await loadLibrary();
  const found = await parse(library, file);
  if (!found.isDecrypted()) {
    throw new CliError("not-a-key", "the secret key is protected by a passphrase", { hint: "remove that first" });
  }
  if (found.getSubkeys().length > 0) {
    throw new CliError("not-a-key", "the secret key has subkeys, which a device cannot keep with it", {
      hint: "make a key that signs itself, without subkeys",
    });
  }
  return { ...numbersOf(library, found), certificate: found.toPublic().write() };
}

type Library = typeof import("openpgp");

async function loadLibrary(): Promise<Library> {
  try {
    return await import("openpgp");
  } catch (cause) {
    throw new CliError("no-openpgp", "secret keys are read by the package openpgp, which is not installed", {
      cause,
      hint: "install openpgp beside this program: npm install openpgp",
    });
  }
}

async function parse(library: Library, file: Uint8Array): Promise<LibraryKey> {
  try {
    if (!looksArmored(file)) return await library.readPrivateKey({ binaryKey: file });
    return await library.readPrivateKey({ armoredKey: Buffer.from(file).toString("latin1") });
  } catch (cause) {
    throw new CliError("not-a-key", `the file is not one secret OpenPGP key: ${messageOf(cause)}`, { cause });
  }
}

const curves = [
  ["nistP256", "EC_P256", 32],
  ["nistP384", "EC_P384", 48],
  ["nistP521", "EC_P521", 66],
] as const;

/** Scalars lose their leading zeros in OpenPGP; a device wants them. */
function numbersOf(library: Library, found: LibraryKey): Omit<SecretKey, "certificate"> {
  // The library has these members and leaves them out of its types.
  const { algorithm, publicParams, privateParams } = found.keyPacket as unknown as {
    readonly algorithm: number;
    readonly publicParams: Readonly<Record<string, Uint8Array>>;
    readonly privateParams: Readonly<Record<string, Uint8Array>>;
  };
  const secret = (member: string, length?: number): Secret => {
    const number = privateParams[member] ?? new Uint8Array(0);
    return Secret.take(length === undefined ? new Uint8Array(number) : leftPad(number, length));
  };
  const { curve, bits } = found.getAlgorithmInfo();
  const ids = library.enums.publicKey;
  if (algorithm === ids.rsaEncryptSign || algorithm === ids.rsaSign) {
    if ((bits ?? 0) < 2048) throw new CliError("not-a-key", `the RSA key has ${bits} bits, 2048 is the least`);
    const publicExponent = new Uint8Array(publicParams["e"] ?? []);
    const primes = { primeP: secret("p"), primeQ: secret("q") };
    return { key: { type: "RSA", ...primes, publicExponent }, mechanism: "RSA_Signature_PKCS1" };
  }
  if (algorithm === ids.eddsaLegacy) {
    return { key: { type: "Curve25519", data: secret("seed", 32) }, mechanism: "EdDSA_Signature" };
  }
  const [, type, length] = curves.find(([name]) => algorithm === ids.ecdsa && name === curve) ?? [];
  if (type === undefined) throw new CliError("not-a-key", `a key of the kind ${curve ?? algorithm} cannot be imported`);
  return { key: { type, data: secret("d", length) }, mechanism: "ECDSA_Signature" };
}
