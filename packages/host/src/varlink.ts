import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { concat, fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { HostError, systemCode } from "./errors.ts";

export interface VarlinkCall {
  readonly socketPath: string;
  /** Interface and method, such as `org.varlink.service.GetInfo`. */
  readonly method: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Longest reply, in bytes. */
  readonly maxBytes: number;
  /** For everything together, in milliseconds. */
  readonly deadlineMs: number;
}

/** What a service answers: what was asked for, or the name of an error and what belongs to it. */
export interface VarlinkReply {
  /** Such as `org.varlink.service.PermissionDenied`; undefined if it went well. */
  readonly error: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * One call with one reply over a connection of its own, as https://varlink.org has it: JSON, ended by a zero byte, in
 * both directions. systemd closes a connection beyond `MaxConnectionsPerSource=` without a word: that is tried again
 * until the deadline. Throws HostError: service-missing (78) where nobody listens, service-failed (75).
 */
export async function callVarlink(call: VarlinkCall): Promise<VarlinkReply> {
  const { method, parameters, deadlineMs } = call;
  const request = toUtf8(`${JSON.stringify({ method, parameters })}\0`);
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    for (;;) {
      const reply = await exchange(call, request, deadline);
      if (reply !== undefined) return parseReply(reply, method);
      await pause(25 + Math.random() * 75, undefined, { signal: deadline });
    }
  } catch (thrown) {
    if (thrown instanceof HostError || !deadline.aborted) throw thrown;
    throw failed(method, `was not answered within ${deadlineMs} ms`, thrown);
  }
}

const nobody = ["ENOENT", "ECONNREFUSED", "ENOTDIR"];
/** Connections that the other side had no room for. */
const crowded = ["EAGAIN", "ECONNRESET", "EPIPE"];

/** The reply without its zero byte; undefined if the connection was closed before it began. */
function exchange(
  { socketPath, method, maxBytes }: VarlinkCall,
  request: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const socket = connect({ path: socketPath, signal });
    const fail = (problem: string) => {
      socket.destroy();
      reject(failed(method, problem));
    };
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      const end = chunk.indexOf(0);
      if (length > maxBytes) fail(`was answered with more than ${maxBytes} bytes`);
      else if (end !== -1 && end !== chunk.length - 1) fail("was answered more than once");
      else if (end !== -1) {
        resolve(concat(...chunks).subarray(0, length - 1));
        socket.destroy();
      }
    });
    socket.on("error", (cause) => {
      const code = systemCode(cause) ?? "";
      if (nobody.includes(code)) {
        const message = `${socketPath} cannot be connected to: ${messageOf(cause)}`;
        reject(new HostError("service-missing", message, { cause }));
      } else if (!crowded.includes(code)) {
        reject(signal.aborted ? cause : failed(method, `failed: ${messageOf(cause)}`, cause));
      }
    });
    socket.on("close", () => {
      for (const chunk of chunks) chunk.fill(0);
      if (length === 0) resolve(undefined);
      else reject(failed(method, "was answered in part"));
    });
    socket.write(request);
  });
}

function parseReply(bytes: Uint8Array, method: string): VarlinkReply {
  let reply: unknown;
  try {
    reply = JSON.parse(fromUtf8(bytes));
  } catch {
    // The parser's own message quotes what it has read.
    throw failed(method, "was answered with what is not JSON");
  } finally {
    bytes.fill(0);
  }
  if (!isObject(reply)) throw failed(method, "was answered with what is no reply");
  const { error, parameters = {}, continues = false } = reply;
  if ((error !== undefined && typeof error !== "string") || !isObject(parameters) || continues !== false) {
    throw failed(method, "was answered with what is no reply");
  }
  return { error, parameters };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function failed(method: string, problem: string, cause?: unknown): HostError {
  return new HostError("service-failed", `${method} ${problem}`, { cause });
}
