/** Signatures that are there already, from an earlier run. */
import { lstatSync, readFileSync } from "node:fs";
import type { HashedFile } from "@signstar/hash-state/hash-file";
import { dearmor } from "@signstar/openpgp/armor";
import type { Certificate } from "@signstar/openpgp/certificate";
import { toUtf8 } from "@signstar/primitives/bytes";
import { Failure } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { checkSignature } from "./answer.ts";
import { ClientError } from "./errors.ts";
import type { Target } from "./output.ts";
import { reason } from "./reason.ts";

/** True if a regular file is there. */
export function isThere(target: Target): target is string {
  return target !== undefined && lstatSync(target, { throwIfNoEntry: false })?.isFile() === true;
}

/**
 * What is at `target` must be a signature of the file, checked as a server's answer is. Throws ClientError
 * `cannot-create` (73) if it is anything else.
 */
export async function requireSignature(
  target: string,
  hashed: HashedFile,
  certificate: Certificate | undefined,
): Promise<void> {
  try {
    await checkSignature(packetAt(target), hashed, certificate);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    const message = `${target} exists already and is no good signature of this file: ${cause.message}`;
    throw new ClientError("cannot-create", message, { cause, hint: "--force without --skip-existing overwrites it" });
  }
}

const armorBegin = toUtf8("-----BEGIN ");

function packetAt(target: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    if (lstatSync(target).size > limits.requestBytes) throw new ClientError("bad-answer", "it is too large");
    bytes = new Uint8Array(readFileSync(target));
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError("read-failed", `it cannot be read: ${reason(cause)}`, { cause });
  }
  const isArmored = armorBegin.every((byte, i) => bytes[i] === byte);
  return isArmored ? dearmor(Buffer.from(bytes).toString("latin1")).bytes : bytes;
}
