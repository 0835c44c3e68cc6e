/** `nethsm key …`: what Operators do with keys. */
import { createHash } from "node:crypto";
import type { Argument, Option } from "@signstar/command/spec";
import { toHex } from "@signstar/primitives/bytes";
import { digestInfo } from "@signstar/signing/digest-info";
import { type Answer, bytes } from "./answer.ts";
import { keyIdArgument, keyIdIn, operator } from "./common.ts";
import { messageBytes, readInput } from "./inputs.ts";
import { decryptModeNames, decryptModeOf, signatureTypeNames, signatureTypeOf } from "./names.ts";
import { signWithInfo } from "./sign-with-info.ts";
import { deviceTask, type Work } from "./task.ts";

function messageArgument(env: string): Argument {
  return { name: "MESSAGE", description: "file with the message; - is standard input", env };
}

function ivOption(env: string): Option {
  return {
    name: "initialization-vector",
    short: "i",
    value: "FILE",
    description: "file with 16 bytes, for AesCbc",
    env,
  };
}

const messageIn = (work: Work) => readInput(work.words.text("MESSAGE"), messageBytes, work.io);

async function ivIn({ options, io }: Work): Promise<Uint8Array | undefined> {
  const file = options.text("initialization-vector");
  return file === undefined ? undefined : await readInput(file, 64, io);
}

export const keySign = deviceTask({
  name: "sign",
  summary: "sign a file",
  description:
    "The file is hashed here as the signature type says (EdDsa and Bip340: not at all); for Pkcs1 the device gets " +
    "the DigestInfo of SHA-256, so that the signature is one that others verify. With --raw the file itself is what " +
    "the device signs: a digest, for Pkcs1 a DigestInfo or whatever is to be padded.",
  roles: operator,
  arguments: [
    keyIdArgument,
    {
      name: "SIGNATURE_TYPE",
      description: "how to sign",
      env: "NETHSM_KEY_SIGNATURE_TYPE",
      choices: signatureTypeNames,
    },
    messageArgument("NETHSM_KEY_SIGNATURE_MESSAGE"),
  ],
  options: [
    { name: "raw", description: "send the file as it is", env: "NETHSM_KEY_SIGNATURE_RAW" },
    { name: "bare-digest", description: "Pkcs1: send the digest without its header, as the original did" },
  ],
  output: { env: "NETHSM_KEY_SIGNATURE_OUTPUT_FILE", binary: true },
  run: async (work, hsm): Promise<Answer> => {
    const { mode, hash } = signatureTypeOf(work.words.text("SIGNATURE_TYPE"));
    const file = await messageIn(work);
    const id = keyIdIn(work);
    if (hash === undefined || work.options.flag("raw")) {
      return bytes(await hsm.keys.sign(id, { mode, message: file }), "signature");
    }
    const digest = new Uint8Array(createHash(hash).update(file).digest());
    const hasInfo = mode === "PKCS1" && !work.options.flag("bare-digest");
    const signature = hasInfo
      ? await signWithInfo(hsm.keys, id, { digest, message: digestInfo(digest) })
      : await hsm.keys.sign(id, { mode, message: digest });
    return bytes(signature, "signature");
  },
});

export const keyDecrypt = deviceTask({
  name: "decrypt",
  summary: "decrypt a file",
  description: "Padding of AesCbc messages, if any, is left in place.",
  roles: operator,
  arguments: [
    keyIdArgument,
    messageArgument("NETHSM_KEY_DECRYPT_MESSAGE"),
    {
      name: "DECRYPT_MODE",
      description: "how to decrypt",
      optional: true,
      env: "NETHSM_KEY_DECRYPT_MODE",
      choices: decryptModeNames,
      default: "Raw",
    },
  ],
  options: [ivOption("NETHSM_KEY_DECRYPT_IV")],
  output: { env: "NETHSM_KEY_DECRYPT_OUTPUT" },
  run: async (work, hsm) => {
    const mode = decryptModeOf(work.words.text("DECRYPT_MODE"));
    const input = { mode, encrypted: await messageIn(work), iv: await ivIn(work) };
    return bytes(await hsm.keys.decrypt(keyIdIn(work), input), "decrypted");
  },
});

export const keyEncrypt = deviceTask({
  name: "encrypt",
  summary: "encrypt a file with a Generic key",
  description:
    "The message must be whole blocks of 16 bytes. Without an initialization vector the device chooses one: it is " +
    "told on standard error, and part of what --json prints. Keep it, nothing can be decrypted without.",
  roles: operator,
  arguments: [
    keyIdArgument,
    messageArgument("NETHSM_KEY_ENCRYPT_MESSAGE"),
    {
      name: "ENCRYPT_MODE",
      description: "how to encrypt",
      optional: true,
      env: "NETHSM_KEY_ENCRYPT_MODE",
      choices: ["AesCbc"],
      default: "AesCbc",
    },
  ],
  options: [ivOption("NETHSM_KEY_ENCRYPT_IV")],
  output: { env: "NETHSM_KEY_ENCRYPT_OUTPUT", binary: true },
  run: async (work, hsm) => {
    // There is one mode; the word is only checked.
    work.words.text("ENCRYPT_MODE");
    const chosen = await ivIn(work);
    const input = { mode: "AES_CBC", message: await messageIn(work), iv: chosen } as const;
    const { encrypted, iv } = await hsm.keys.encrypt(keyIdIn(work), input);
    if (chosen === undefined) work.io.note(`the device chose the initialization vector (hexadecimal) ${toHex(iv)}`);
    const answer = bytes(encrypted, "encrypted");
    return { ...answer, json: { ...bytesMember(answer), ...bytesMember(bytes(iv, "iv")) } };
  },
});

function bytesMember({ json }: Answer): object {
  return typeof json === "object" && json !== null ? json : {};
}
