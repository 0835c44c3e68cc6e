/** What Operators are for: sign, decrypt, encrypt, random bytes. */
import { randomBytes } from "node:crypto";
import {
  decryptModes,
  encryptModes,
  type KeyMechanism,
  mechanismOfDecryptMode,
  mechanismOfEncryptMode,
  mechanismOfSignMode,
  signModes,
} from "@signstar/nethsm/types";
import { toBase64 } from "@signstar/primitives/bytes";
import { role } from "../access.ts";
import { integer, object, oneOf, optional, readBase64, readJson, text } from "../body.ts";
import { decrypt, encrypt } from "../crypto/decrypt.ts";
import { sign } from "../crypto/sign.ts";
import { json, Refusal } from "../http.ts";
import { has } from "../release.ts";
import { type Context, limits, type Operation, type Resource } from "../resource.ts";
import type { Key } from "../vault.ts";
import { isUsableBy, keyExists, keyOf } from "./key-record.ts";

const signBody = object({ mode: oneOf(...signModes), message: text });
const decryptBody = object({ mode: oneOf(...decryptModes), encrypted: text, iv: optional(text) });
const encryptBody = object({ mode: oneOf(...encryptModes), message: text, iv: optional(text) });
const randomBody = object({ length: integer });

export const keyUseRoutes: readonly Resource[] = [
  {
    path: "/keys/{key}/sign",
    exists: keyExists,
    operations: {
      POST: usesKey(async (context, key, body) => {
        const { mode, message } = readJson(body, signBody);
        if (mode === "BIP340" && !has(context.device.release, "newCurves")) throw new Refusal(400, "invalid sign mode");
        requireTag(context, key);
        const data = readBase64(message, "message");
        requireMechanism(key, mechanismOfSignMode[mode], "signing");
        const signature = await sign(key.material, mode, data, context.device.release);
        count(context, key, "sign");
        return { signature: toBase64(signature) };
      }),
    },
  },
  {
    path: "/keys/{key}/decrypt",
    exists: keyExists,
    operations: {
      POST: usesKey(async (context, key, body) => {
        const { mode, encrypted, iv } = readJson(body, decryptBody);
        requireTag(context, key);
        const data = readBase64(encrypted, "encrypted");
        const vector = iv === undefined ? undefined : readBase64(iv, "iv");
        requireMechanism(key, mechanismOfDecryptMode[mode], "decryption");
        const decrypted = await decrypt(key.material, mode, data, vector);
        count(context, key, "decrypt");
        return { decrypted: toBase64(decrypted) };
      }),
    },
  },
  {
    path: "/keys/{key}/encrypt",
    exists: keyExists,
    operations: {
      POST: usesKey((context, key, body) => {
        const { mode, message, iv } = readJson(body, encryptBody);
        requireTag(context, key);
        const data = readBase64(message, "message");
        const vector = iv === undefined ? undefined : readBase64(iv, "iv");
        requireMechanism(key, mechanismOfEncryptMode[mode], "encryption");
        const result = encrypt(key.material, data, vector);
        count(context, key, "encrypt");
        return { encrypted: toBase64(result.encrypted), iv: toBase64(result.iv) };
      }),
    },
  },
  {
    path: "/random",
    operations: {
      POST: {
        allow: role("Operator"),
        run: (_, body) => {
          const { length } = readJson(body, randomBody);
          if (length < 1 || length > 1024) throw new Refusal(400, "Length must be between 1 and 1024.");
          return json({ random: toBase64(randomBytes(length)) }, 200, noCache);
        },
      },
    },
  },
];

const noCache = { "cache-control": "no-cache" };

function usesKey(use: (context: Context, key: Key, body: Uint8Array) => unknown): Operation {
  return {
    allow: role("Operator"),
    limit: limits.message,
    run: async (context, body) => json(await use(context, keyOf(context), body), 200, noCache),
  };
}

function requireTag(context: Context, key: Key): void {
  if (!isUsableBy(context.caller.tags, key)) throw new Refusal(403, "tags restriction not met");
}

function requireMechanism(key: Key, mechanism: KeyMechanism, what: string): void {
  if (key.stored.mechanisms.includes(mechanism)) return;
  throw new Refusal(400, `Key mechanisms do not allow requested ${what}.`);
}

function count(context: Context, key: Key, what: "sign" | "decrypt" | "encrypt"): void {
  key.used();
  context.device.metrics.count(what);
}
