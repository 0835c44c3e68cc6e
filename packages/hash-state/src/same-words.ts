import type { BlockHasher } from "./block-hasher.ts";
import { blockBytes } from "./sha512-state.ts";

const blocks = 3;

/** The self-test: whether fresh hashers make the same of a few blocks. Closes them. */
export function sameWords(...hashers: readonly BlockHasher[]): boolean {
  const results = hashers.map((hasher) => {
    for (let i = 0; i < blocks * blockBytes; i += 1) hasher.buffer[i] = 31 * i + 7;
    hasher.compress(1);
    hasher.compress(blocks);
    const words = hasher.words().join();
    hasher.close();
    return words;
  });
  return new Set(results).size === 1;
}
