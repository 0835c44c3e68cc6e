/** What Operators do with keys. All of it may be done twice, so a dead kept-alive connection costs no signature. */
import { toBase64 } from "@signstar/primitives/bytes";
import { jsonBody } from "./body.ts";
import { requireBlocks, requireBytes, requireInteger, requireIv, requireSignable } from "./checks.ts";
import { invalidArgument } from "./errors.ts";
import type { KeyId } from "./ids.ts";
import { AnswerError, base64, object, type Reader } from "./reader.ts";
import { answerLimits, type Session } from "./session.ts";
import type { DecryptMode, EncryptMode, SignMode } from "./types.ts";

export interface SignInput {
  readonly mode: SignMode;
  /**
   * PKCS1: the DER DigestInfo (but a bare digest on release 3.0, which adds the header itself); PSS_*, ECDSA: the
   * digest; EdDSA, BIP340: the message.
   */
  readonly message: Uint8Array;
}

export interface DecryptInput {
  readonly mode: DecryptMode;
  readonly encrypted: Uint8Array;
  /** 16 bytes, for AES_CBC. */
  readonly iv?: Uint8Array | undefined;
}

export interface EncryptInput {
  readonly mode: EncryptMode;
  /** Whole blocks of 16 bytes: the device does not pad. */
  readonly message: Uint8Array;
  /** 16 bytes; absent: the device chooses them. */
  readonly iv?: Uint8Array | undefined;
}

export interface Encrypted {
  readonly encrypted: Uint8Array;
  readonly iv: Uint8Array;
}

const signReader = object({ signature: base64 });
const decryptReader = object({ decrypted: base64 });
const encryptReader: Reader<Encrypted> = object({ encrypted: base64, iv: base64 });
const randomReader = object({ random: base64 });

/** As the device answers: k bytes for RSA, R‖S for EdDSA and BIP340, DER of r and s for ECDSA. */
export async function sign(session: Session, id: KeyId, { mode, message }: SignInput): Promise<Uint8Array> {
  requireSignable(mode, message);
  const body = jsonBody({ mode, message: toBase64(message) });
  const ask = { method: "POST", path: `/keys/${id}/sign`, body, repeatable: true } as const;
  const { signature } = await session.json(ask, signReader);
  return signature;
}

/** AES_CBC: padding, if any, is left in place. */
export async function decrypt(session: Session, id: KeyId, { mode, encrypted, iv }: DecryptInput): Promise<Uint8Array> {
  requireBytes("message", encrypted, 50_000_000);
  if (mode === "AES_CBC") {
    requireBlocks("message", encrypted);
    if (iv === undefined) throw invalidArgument("AES_CBC decryption needs the initialisation vector");
    requireIv(iv);
  }
  const body = jsonBody({ mode, encrypted: toBase64(encrypted), iv: iv && toBase64(iv) });
  const ask = {
    method: "POST",
    path: `/keys/${id}/decrypt`,
    body,
    repeatable: true,
    maxBytes: answerLimits.crypto,
  } as const;
  return (await session.json(ask, decryptReader)).decrypted;
}

export async function encrypt(session: Session, id: KeyId, { mode, message, iv }: EncryptInput): Promise<Encrypted> {
  requireBytes("message", message, 50_000_000);
  requireBlocks("message", message);
  if (iv !== undefined) requireIv(iv);
  const body = jsonBody({ mode, message: toBase64(message), iv: iv && toBase64(iv) });
  const ask = {
    method: "POST",
    path: `/keys/${id}/encrypt`,
    body,
    repeatable: true,
    maxBytes: answerLimits.crypto,
  } as const;
  return session.json(ask, encryptReader);
}

/** POST /random: 1 to 1024 bytes from the device's generator. */
export async function random(session: Session, length: number): Promise<Uint8Array> {
  requireInteger("number of random bytes", length, 1, 1024);
  const ask = { method: "POST", path: "/random", body: jsonBody({ length }), repeatable: true } as const;
  return session.json(ask, (value, at) => {
    const bytes = randomReader(value, at).random;
    if (bytes.length !== length) throw new AnswerError(`${at}.random has ${bytes.length} bytes, not ${length}`);
    return bytes;
  });
}
