/** Requests over a connection of our own (ssh2), for machines without ssh and for `send`. */
import ssh2, { type Client, type ClientChannel, type ServerHostKeyAlgorithm } from "ssh2";
import { bareHost } from "./destination.ts";
import { ClientError } from "./errors.ts";
import { answerTooLong, type Exchange, maxAnswerBytes, noAnswer, type RemoteEnd, requireSuccess } from "./exchange.ts";
import { type HostAndPort, type KnownHost, knownKeyTypes } from "./known-hosts.ts";
import type { LoginMethod } from "./login-keys.ts";
import { requireKnownHost } from "./server-key.ts";

export interface BuiltinSshOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly methods: readonly LoginMethod[];
  readonly knownHosts: readonly KnownHost[];
  readonly timeoutMs: number;
  /** Gets what the server's program writes on its standard error, line by line. */
  readonly onRemoteLine: (line: string) => void;
}

/** One connection per request, with an empty command: the server's ForceCommand decides what runs. */
export function builtinSsh(options: BuiltinSshOptions): Exchange {
  return async (request) => {
    const client = new ssh2.Client();
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(noAnswer(options.host, options.timeoutMs)), options.timeoutMs);
      });
      const { stdout, end } = await Promise.race([converse(client, options, request), late]);
      requireSuccess(end, options.host);
      return stdout;
    } finally {
      clearTimeout(timer);
      client.destroy();
    }
  };
}

interface Answer {
  readonly stdout: Uint8Array;
  readonly end: RemoteEnd;
}

async function converse(client: Client, options: BuiltinSshOptions, request: string): Promise<Answer> {
  const broken = connectionBroken(client, options.host);
  await Promise.race([connected(client, options), broken]);
  return await Promise.race([session(client, request, options), broken]);
}

/** Rejects when the connection ends, in whatever way, before we end it. */
function connectionBroken(client: Client, host: string): Promise<never> {
  const broken = new Promise<never>((_, reject) => {
    let agentError: Error | undefined;
    client.on("error", (error) => {
      // ssh2 tells of an agent that has no key or does not sign, and goes on to the next way to log in.
      if (error.level === "agent") agentError = error;
      else reject(connectionError(error, host, agentError));
    });
    client.on("close", () => {
      reject(new ClientError("connection-failed", `${host} closed the connection before it answered`));
    });
  });
  // Late rejections, after the answer, are of no interest.
  broken.catch(() => undefined);
  return broken;
}

function connectionError(error: Error & { level?: string }, host: string, agentError: Error | undefined): ClientError {
  if (error.level === "client-authentication") {
    const why = agentError === undefined ? "" : ` (${agentError.message})`;
    return new ClientError("login-refused", `${host} accepts none of the keys that were offered${why}`, {
      hint: "check the user name and the key",
      cause: error,
    });
  }
  return new ClientError("connection-failed", `connection to ${host} failed: ${error.message}`, { cause: error });
}

function connected(client: Client, options: BuiltinSshOptions): Promise<void> {
  const at = { host: bareHost(options.host), port: options.port };
  return new Promise((resolve, reject) => {
    client.on("ready", resolve);
    // Small packets to and fro: without this each waits for the other side's delayed acknowledgement.
    client.on("connect", () => client.setNoDelay(true));
    client.connect({
      ...at,
      username: options.user,
      authHandler: [...options.methods],
      hostVerifier: (key: Buffer) => {
        try {
          requireKnownHost(options.knownHosts, at, key);
          return true;
        } catch (error) {
          reject(error);
          return false;
        }
      },
      algorithms: { serverHostKey: [...hostKeyAlgorithms(options.knownHosts, at)] },
      readyTimeout: options.timeoutMs,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 4,
    });
  });
}

/** All that we accept (no SHA-1), those for which known_hosts has a key first: the server shows only one of its keys. */
function hostKeyAlgorithms(entries: readonly KnownHost[], at: HostAndPort): readonly ServerHostKeyAlgorithm[] {
  const listed = new Set(knownKeyTypes(entries, at));
  const isListed = ([type]: (typeof accepted)[number]): boolean => listed.has(type);
  return [...accepted.filter(isListed), ...accepted.filter((each) => !isListed(each))].map(([, name]) => name);
}

const accepted = [
  ["ssh-ed25519", "ssh-ed25519"],
  ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"],
  ["ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"],
  ["ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"],
  ["ssh-rsa", "rsa-sha2-512"],
  ["ssh-rsa", "rsa-sha2-256"],
] as const satisfies readonly (readonly [string, ServerHostKeyAlgorithm])[];

/** Runs the server's program. Its end may come in one packet with its beginning, so nothing waits in between. */
function session(client: Client, request: string, options: BuiltinSshOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    client.exec("", (cause, channel) => {
      if (cause === undefined) {
        resolve(answerOf(channel, request, options));
        return;
      }
      reject(new ClientError("connection-failed", `${options.host} refuses a session: ${cause.message}`, { cause }));
    });
  });
}

function answerOf(channel: ClientChannel, request: string, options: BuiltinSshOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = [];
    let size = 0;
    let end: RemoteEnd = { exit: undefined, signal: undefined };
    channel.on("data", (piece: Uint8Array) => {
      size += piece.length;
      if (size > maxAnswerBytes) reject(answerTooLong(options.host));
      else pieces.push(piece);
    });
    relayLines(channel.stderr, options.onRemoteLine);
    channel.on("exit", (exit: number | null, signal?: string) => {
      end = { exit: exit ?? undefined, signal };
    });
    channel.on("error", (cause: Error) => {
      reject(new ClientError("connection-failed", `session on ${options.host} broke: ${cause.message}`, { cause }));
    });
    channel.on("close", () => resolve({ stdout: Buffer.concat(pieces), end }));
    channel.end(request);
  });
}

/** Lines as they come, up to 16 KiB in all: a server's error message, not a server's novel. */
function relayLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  let budget = 16 * 1024;
  const flush = (lines: readonly string[]): void => {
    for (const line of lines) if (line !== "") onLine(line);
  };
  stream.on("data", (piece: Uint8Array) => {
    const text = Buffer.from(piece.subarray(0, budget)).toString("utf8");
    budget -= Math.min(piece.length, budget);
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    flush(lines);
  });
  stream.on("end", () => flush([rest]));
}
