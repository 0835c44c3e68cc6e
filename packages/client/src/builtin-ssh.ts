/** Links over a connection of our own (ssh2), for machines without ssh and for `send`. */
import ssh2, { type Client, type ClientChannel, type ServerHostKeyAlgorithm } from "ssh2";
import { bareHost } from "./destination.ts";
import { ClientError } from "./errors.ts";
import { noAnswer, type RemoteEnd } from "./exchange.ts";
import { type HostAndPort, type KnownHost, knownKeyTypes } from "./known-hosts.ts";
import type { Link, OpenLink } from "./link.ts";
import type { LoginMethod } from "./login-keys.ts";
import { requireKnownHost } from "./server-key.ts";
import { writeTo } from "./write-to.ts";

export interface BuiltinSshOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly methods: readonly LoginMethod[];
  readonly knownHosts: readonly KnownHost[];
  /** For the login. */
  readonly timeoutMs: number;
  /** Gets what the server's program writes on its standard error, line by line. */
  readonly onRemoteLine: (line: string) => void;
}

/** One connection per link. */
export function builtinSsh(options: BuiltinSshOptions): OpenLink {
  return (words) => {
    const client = new ssh2.Client();
    const broken = connectionBroken(client, options);
    const session = opened(client, broken, words, options);
    return linkTo(client, session, broken);
  };
}

async function opened(
  client: Client,
  broken: Promise<never>,
  words: string,
  options: BuiltinSshOptions,
): Promise<Session> {
  await Promise.race([connected(client, options), broken]);
  return await Promise.race([start(client, words, options), broken]);
}

interface Session {
  readonly channel: ClientChannel;
  /** Has the program's exit code as soon as that is known. */
  readonly end: { exit: number | undefined; signal: string | undefined };
  /** Resolves when the channel is closed, rejects when it breaks. */
  readonly closed: Promise<void>;
}

function linkTo(client: Client, session: Promise<Session>, broken: Promise<never>): Link {
  const ended = session.then(async ({ end, closed }): Promise<RemoteEnd> => {
    try {
      await Promise.race([closed, broken]);
    } catch (thrown) {
      // How the program ended is known, so nothing is missing.
      if (end.exit === undefined) throw thrown;
    }
    return end;
  });
  ended.catch(() => undefined);
  return {
    async send(text) {
      const opened = await session.catch(() => undefined);
      if (opened !== undefined) await writeTo(opened.channel, text);
    },
    finish: () => void session.then(({ channel }) => channel.end()).catch(() => undefined),
    output: outputOf(session),
    ended,
    close: () => void client.destroy(),
  };
}

/** Nothing where there is no session: `ended` tells why. */
async function* outputOf(session: Promise<Session>): AsyncGenerator<Uint8Array> {
  const opened = await session.catch(() => undefined);
  if (opened === undefined) return;
  try {
    for await (const piece of opened.channel) yield piece;
  } catch {
    // A channel that broke is told of in `ended` too.
  }
}

/** Rejects when the connection ends, in whatever way, before we end it. */
function connectionBroken(client: Client, { host, timeoutMs }: BuiltinSshOptions): Promise<never> {
  const broken = new Promise<never>((_, reject) => {
    let agentError: Error | undefined;
    client.on("error", (error) => {
      // ssh2 tells of an agent that has no key or does not sign, and goes on to the next way to log in.
      if (error.level === "agent") agentError = error;
      else if (error.level === "client-timeout") reject(noAnswer(host, timeoutMs));
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
function start(client: Client, words: string, options: BuiltinSshOptions): Promise<Session> {
  return new Promise((resolve, reject) => {
    client.exec(words, (cause, channel) => {
      if (cause === undefined) {
        resolve(sessionOn(channel, options));
        return;
      }
      reject(new ClientError("connection-failed", `${options.host} refuses a session: ${cause.message}`, { cause }));
    });
  });
}

function sessionOn(channel: ClientChannel, { host, onRemoteLine }: BuiltinSshOptions): Session {
  const end: Session["end"] = { exit: undefined, signal: undefined };
  relayLines(channel.stderr, onRemoteLine);
  channel.on("exit", (exit: number | null, signal?: string) => {
    end.exit = exit ?? undefined;
    end.signal = signal;
  });
  const closed = new Promise<void>((resolve, reject) => {
    channel.on("error", (cause: Error) => {
      reject(new ClientError("connection-failed", `session on ${host} broke: ${cause.message}`, { cause }));
    });
    channel.on("close", resolve);
  });
  closed.catch(() => undefined);
  return { channel, end, closed };
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
