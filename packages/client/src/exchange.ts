/** One request to the server and its answer, however the bytes travel. */
import { Exit } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { ClientError } from "./errors.ts";

/** Sends a request and gives what the server wrote on its standard output. Throws ClientError. */
export type Exchange = (request: string, words?: string) => Promise<Uint8Array>;

/** A response is about 1 KB, a share less than this; a server that sends more is not read to the end. */
export const maxAnswerBytes = limits.requestBytes;

/** For messages: what the server is to do, and what it answers with. */
export interface Errand {
  readonly deed: string;
  readonly answer: string;
}

export const signing: Errand = { deed: "sign", answer: "signature" };

/** An HSM may be slow and a hardware key may wait to be touched, but not for ever: the default of `--timeout`. */
export const defaultTimeoutSeconds = 300;

/** How the server's program ended. */
export interface RemoteEnd {
  readonly exit: number | undefined;
  readonly signal: string | undefined;
}

/**
 * Throws ClientError `remote-failed` unless the program ended with 0. An exit code that the server's programs use
 * becomes ours; any other means that something else answered and is 76.
 */
export function requireSuccess({ exit, signal }: RemoteEnd, host: string, { deed }: Errand = signing): void {
  if (exit === 0) return;
  if (exit === undefined) {
    const how = signal === undefined ? "without an exit status" : `by signal ${signal}`;
    throw new ClientError("remote-failed", `the program on ${host} was ended ${how}`);
  }
  const meaning = meanings.get(exit);
  if (meaning !== undefined) {
    throw new ClientError("remote-failed", `${host} did not ${deed}: ${meaning.text}`, { exit: meaning.exit });
  }
  const why = exit === 126 || exit === 127 ? "its program could not be started" : "its program failed";
  const hint = "ask the server's operator, or see the server's log";
  throw new ClientError("remote-failed", `${host} did not ${deed}: ${why} (exit status ${exit})`, { hint });
}

/** What a batch's error frame says of one file. Its words are the server's, so they are cut short. */
export function refusalOf({ code, message }: { readonly code: string; readonly message: string }, host: string) {
  const words = message.length > 300 ? `${message.slice(0, 300)}…` : message;
  const exit = frameExits.get(code) ?? Exit.data;
  return new ClientError("remote-failed", `${host} did not sign: ${words}`, { exit });
}

/** Codes that are not about the request itself. */
const frameExits: ReadonlyMap<string, Exit> = new Map([
  ["unavailable", Exit.unavailable],
  ["try-again", Exit.tempFail],
  ["no-valid-signature", Exit.protocol],
  ["configuration", Exit.config],
  ["failed", Exit.software],
]);

export function answerTooLong(host: string, { answer }: Errand = signing): ClientError {
  return new ClientError("bad-answer", `${host} sent more than ${maxAnswerBytes} bytes, which is no ${answer}`);
}

export function noAnswer(host: string, timeoutMs: number): ClientError {
  const hint = "try again; --timeout SECONDS waits longer";
  return new ClientError("no-answer", `no answer from ${host} within ${timeoutMs / 1000} s`, { hint });
}

const meanings: ReadonlyMap<number, { readonly exit: Exit; readonly text: string }> = new Map(
  [
    { exit: Exit.usage, text: "it does not take these words" },
    { exit: Exit.data, text: "it does not accept what was sent" },
    { exit: Exit.noInput, text: "something it needs is missing" },
    { exit: Exit.noUser, text: "this user has no such task there" },
    { exit: Exit.unavailable, text: "its HSM is unreachable or locked" },
    { exit: Exit.software, text: "its program has a fault" },
    { exit: Exit.cantCreate, text: "it cannot create a file" },
    { exit: Exit.io, text: "reading or writing failed there" },
    { exit: Exit.tempFail, text: "it is busy or cannot keep its log, try again" },
    { exit: Exit.protocol, text: "its HSM gave a wrong answer" },
    { exit: Exit.noPerm, text: "it is not allowed" },
    { exit: Exit.config, text: "it is not configured correctly" },
  ].map((meaning) => [meaning.exit, meaning]),
);
