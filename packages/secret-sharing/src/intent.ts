/** What a holder agrees to when they hand in a share: there is no other way to say it on an appliance. */
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { SharingError } from "./errors.ts";

export const plainIntents = ["apply", "plan", "unlock", "reboot", "shutdown", "factory-reset"] as const;
export const fileIntents = ["restore", "update"] as const;

export type Intent =
  | { readonly kind: (typeof plainIntents)[number] }
  | {
      readonly kind: (typeof fileIntents)[number];
      /** Of the staged file, in lower-case hex. */
      readonly sha256: string;
    };

/** A line with the longest intent is 72 bytes long. */
export const maxIntentBytes = 128;

/**
 * No word means `apply`. A digest is taken in either case, as some programs print it in capitals. Throws SharingError
 * (unknown-intent).
 */
export function parseIntent(words: readonly string[]): Intent {
  const [word = "apply", digest, ...more] = words;
  const file = fileIntents.find((kind) => kind === word);
  if (file !== undefined) {
    if (digest === undefined || more.length > 0 || !/^[0-9a-fA-F]{64}$/.test(digest)) {
      throw unknownIntent(`${file} needs the SHA-256 of the staged file, 64 hexadecimal digits`);
    }
    return { kind: file, sha256: digest.toLowerCase() };
  }
  const plain = plainIntents.find((kind) => kind === word);
  if (plain === undefined) throw unknownIntent("these words are no intent");
  if (digest !== undefined) throw unknownIntent(`nothing goes with ${plain}`);
  return { kind: plain };
}

/** One line without its end: `apply`, `restore 64HEX`. `parseIntent` of its words gives the intent back. */
export function formatIntent(intent: Intent): string {
  return "sha256" in intent ? `${intent.kind} ${intent.sha256}` : intent.kind;
}

/** The file beside a share that was handed in: `formatIntent` and a line end. */
export function encodeIntent(intent: Intent): Uint8Array {
  return toUtf8(`${formatIntent(intent)}\n`);
}

/** Reads what `encodeIntent` writes and nothing else. Throws SharingError (unknown-intent). */
export function decodeIntent(bytes: Uint8Array): Intent {
  let text: string;
  try {
    text = bytes.length > maxIntentBytes ? "" : fromUtf8(bytes);
  } catch (cause) {
    throw new SharingError("unknown-intent", "the intent is not text", { cause });
  }
  const intent = parseIntent(text.replace(/\n$/, "").split(" "));
  if (`${formatIntent(intent)}\n` !== text) throw unknownIntent("the intent is not written as this program writes it");
  return intent;
}

function unknownIntent(problem: string): SharingError {
  const words = [...plainIntents, ...fileIntents.map((kind) => `${kind} SHA256`)];
  return new SharingError("unknown-intent", problem, { hint: `an intent is one of: ${words.join(", ")}` });
}
