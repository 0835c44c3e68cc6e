/** Files that people name: read whole within a limit, or as they are sent. */
import { closeSync, createReadStream, openSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { Io } from "@signstar/command/io";
import { hashFile } from "@signstar/hash-state/hash-file";
import type { Sha512State } from "@signstar/hash-state/sha512-state";
import { messageOf } from "@signstar/primitives/failure";
import { CliError } from "./errors.ts";

/** What the device itself takes at most of a message. */
export const messageBytes = 50_000_000;

/** The whole file; `-` is standard input. Throws CliError `input-unreadable` (66), `input-too-large` (65). */
export async function readInput(path: string, maxBytes: number, io: Io): Promise<Uint8Array> {
  if (path === "-") return await io.readStdin({ bytes: maxBytes, deadlineMs: 600_000 });
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of readChunks(path)) {
    total += chunk.length;
    if (total > maxBytes) throw new CliError("input-too-large", `${path} is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** The file piece by piece. Throws CliError `input-unreadable`. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** SHA-512 of a file of any size, not finished; `-` is standard input. Throws CliError, HashStateError. */
export async function hashInput(path: string): Promise<Sha512State> {
  if (path === "-") return (await hashFile(0)).state;
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    return (await hashFile(fd)).state;
  } finally {
    closeSync(fd);
  }
}

/** A regular file that is to be sent, with a line at the bottom of a terminal while it is. */
export async function upload(path: string, io: Io): Promise<{ size: number; chunks: AsyncIterable<Uint8Array> }> {
  try {
    const file = await stat(path);
    if (!file.isFile()) throw new Error("it is not a regular file");
    return { size: file.size, chunks: withProgress(readChunks(path), `sending ${path}`, io, file.size) };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Passes the pieces on and says how far it is, ten times a second at most. */
export async function* withProgress(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
  io: Pick<Io, "status">,
  total?: number,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  let shownAt = Number.NEGATIVE_INFINITY;
  try {
    for await (const chunk of chunks) {
      yield chunk;
      done += chunk.length;
      if (performance.now() - shownAt < 100) continue;
      shownAt = performance.now();
      const share = total === undefined || total === 0 ? "" : `, ${Math.floor((done / total) * 100)} %`;
      io.status(`${what}: ${(done / 1024).toFixed(0)} KiB${share}`);
    }
  } finally {
    io.status("");
  }
}

function unreadable(path: string, cause: unknown): CliError {
  return new CliError("input-unreadable", `${path} cannot be read: ${messageOf(cause)}`, { cause });
}
