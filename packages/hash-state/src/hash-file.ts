/** SHA-512 of a file, kept as a state. The only submodule that reads files. */
import { fstatSync, readSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import { messageOf } from "@signstar/primitives/failure";
import type { BlockHasher } from "./block-hasher.ts";
import { readFailed } from "./errors.ts";
import { openNativeHasher } from "./native-block-hasher.ts";
import { finishSha512 } from "./resume.ts";
import { blockBytes, type Sha512State, sizeOfState } from "./sha512-state.ts";
import { openBlockHasher } from "./wasm-block-hasher.ts";

export interface HashedFile {
  /** After the last byte, not finished: the signer adds its own bytes. */
  readonly state: Sha512State;
  /** SHA-512 of the file itself, 64 bytes. */
  readonly digest: Uint8Array;
  /** Bytes. */
  readonly size: bigint;
}

/** Between two of these the event loop gets a turn, so that signals and connections stay alive. */
const bytesPerTurn = 8 * 1024 * 1024;

/**
 * Hashes what `fd` gives from its present position to its end: a file, a pipe, a device. Memory is constant (one
 * 64 KiB buffer); a read that has to wait for a pipe holds up the thread.
 * @param onProgress gets the bytes hashed so far, every 8 MiB and at the end
 * @throws HashStateError `file-read` (exit 74)
 */
export async function hashFile(fd: number, onProgress?: (bytes: number) => void): Promise<HashedFile> {
  const read: ReadSome = (buffer, offset) => readSome(fd, buffer, offset);
  const size = sizeOf(fd);
  const from = size !== undefined && size >= nativeBytes ? 0 : nativeBytes;
  return await hashFrom(read, { first: openBlockHasher(size), later: openNativeHasher, from }, onProgress);
}

/** From here on finding and testing the native hasher costs less than it saves. */
const nativeBytes = 64 * 1024 * 1024;

/** Reads into `buffer` from `offset` on: how many bytes, 0 at the end, "later" if there are none yet. */
export type ReadSome = (buffer: Uint8Array, offset: number) => number | "later";

export interface Hashers {
  readonly first: BlockHasher;
  /** Takes over when `from` bytes are hashed, if there is one. */
  later?(words: readonly bigint[]): Promise<BlockHasher | undefined>;
  readonly from?: number;
}

/** Closes the hashers. */
export async function hashFrom(
  read: ReadSome,
  { first, later, from = 0 }: Hashers,
  onProgress?: (bytes: number) => void,
): Promise<HashedFile> {
  let hasher = first;
  let mayChange = later !== undefined;
  let waiting = 0;
  let blocks = 0;
  let untilTurn = bytesPerTurn;
  try {
    for (;;) {
      if (mayChange && blocks * blockBytes >= from) {
        mayChange = false;
        const next = await later?.(hasher.words());
        if (next !== undefined) {
          next.buffer.set(hasher.buffer.subarray(0, waiting));
          hasher.close();
          hasher = next;
        }
      }
      const { buffer } = hasher;
      const count = read(buffer, waiting);
      if (count === 0) break;
      if (count === "later") {
        await setTimeout(5);
        continue;
      }
      waiting += count;
      const whole = Math.floor(waiting / blockBytes);
      if (whole > 0) {
        hasher.compress(whole);
        blocks += whole;
        buffer.copyWithin(0, whole * blockBytes, waiting);
        waiting -= whole * blockBytes;
      }
      untilTurn -= count;
      if (untilTurn <= 0) {
        untilTurn = bytesPerTurn;
        onProgress?.(blocks * blockBytes + waiting);
        await setImmediate();
      }
    }
    const state = { words: hasher.words(), blocks: BigInt(blocks), tail: hasher.buffer.slice(0, waiting) };
    onProgress?.(blocks * blockBytes + waiting);
    return { state, digest: finishSha512(state), size: sizeOfState(state) };
  } finally {
    hasher.close();
  }
}

/** Undefined for what has no size. */
function sizeOf(fd: number): number | undefined {
  try {
    const found = fstatSync(fd);
    return found.isFile() ? found.size : undefined;
  } catch {
    // Reading will tell.
    return undefined;
  }
}

function readSome(fd: number, buffer: Uint8Array, offset: number): number | "later" {
  try {
    return readSync(fd, buffer, offset, buffer.length - offset, null);
  } catch (error) {
    // A pipe that another process has set to non-blocking.
    if (hasCode(error, "EAGAIN")) return "later";
    if (hasCode(error, "EISDIR")) {
      throw readFailed("cannot hash a directory", { hint: "name a file", cause: error });
    }
    throw readFailed(`cannot read what is to be hashed: ${messageOf(error)}`, { cause: error });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
