/** How whole blocks are compressed in bulk, behind a face that lets a reader fill the hasher's own memory. */
import { ResumedSha512 } from "./resume.ts";
import { blockBytes, freshSha512 } from "./sha512-state.ts";

/** 64 KiB stay in the second-level cache: larger buffers cost more in the kernel's copy than they save in calls. */
export const bufferBytes = 64 * 1024;

export interface BlockHasher {
  /** `bufferBytes` to be filled from the start. The hasher wipes nothing in it until `close`. */
  readonly buffer: Uint8Array;
  /** Compresses the first `count` blocks of the buffer. */
  compress(count: number): void;
  /** The eight chaining words. */
  words(): bigint[];
  /** Wipes the buffer: it holds what was hashed. Once; nothing may be done with the hasher afterwards. */
  close(): void;
}

/** Works wherever JavaScript does, at about a tenth of native speed. */
export function portableBlockHasher(): BlockHasher {
  const buffer = new Uint8Array(bufferBytes);
  const core = new ResumedSha512(freshSha512);
  return {
    buffer,
    compress(count) {
      core.update(buffer.subarray(0, count * blockBytes));
    },
    words: () => core.words(),
    close() {
      buffer.fill(0);
      core.destroy();
    },
  };
}
