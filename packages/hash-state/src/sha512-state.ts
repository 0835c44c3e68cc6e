/**
 * The running state of SHA-512 (FIPS 180-4 §6.4) between two blocks, and its two serialised layouts. Both are known
 * as `sha2-0.11-SHA512-state`; they are what two generations of one library write, and the length tells them apart:
 *
 *                                               final (208)   legacy (210)
 *     8 chaining words, u64 little endian           0..63         0..63
 *     number of finished blocks, u128 little endian 64..79        64..79
 *     size of the output in bytes, always 64          -             80
 *     number of waiting bytes, 0 to 127               80            81
 *     the waiting bytes, then zeros                 81..207       82..209
 *
 * The final layout has room for 127 waiting bytes, the legacy one for 128, of which the last is therefore always zero.
 */
import { limits } from "@signstar/primitives/limits";
import { refuseState } from "./errors.ts";

export interface Sha512State {
  /** The eight chaining words H0 to H7. */
  readonly words: readonly bigint[];
  /** Finished blocks of 128 bytes. */
  readonly blocks: bigint;
  /** The 0 to 127 bytes that do not fill a block yet. */
  readonly tail: Uint8Array;
}

export type StateLayout = "final" | "legacy";

export const blockBytes = 128;

/** FIPS 180-4 §5.3.5: H(0), the words before the first block. */
const initialWords: readonly bigint[] = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];

/** What SHA-512 starts from: nothing hashed. */
export const freshSha512: Sha512State = { words: initialWords, blocks: 0n, tail: new Uint8Array(0) };

const wordsAt = 0;
const blocksAt = 64;
const outputSizeAt = 80;
const outputSize = 64;

const layouts = {
  final: { size: 208, positionAt: 80 },
  legacy: { size: 210, positionAt: 81 },
} as const;

/**
 * Reads either layout; each state has exactly one accepted spelling in each. Copies what it keeps.
 * @throws HashStateError (exit 65, safe to show to a client) with its own code for each thing that can be wrong
 */
export function parseSha512State(bytes: Uint8Array): { readonly state: Sha512State; readonly layout: StateLayout } {
  const layout = layoutOf(bytes);
  const { positionAt } = layouts[layout];
  if (layout === "legacy" && bytes[outputSizeAt] !== outputSize) {
    throw refuseState("state-output-size", `hasher state has output size ${bytes[outputSizeAt]} instead of 64`);
  }
  const position = bytes[positionAt] ?? blockBytes;
  if (position >= blockBytes) {
    throw refuseState("state-position", `hasher state has ${position} waiting bytes where at most 127 are possible`);
  }
  const tailAt = positionAt + 1;
  const fill = bytes.subarray(tailAt + position);
  if (fill.some((byte) => byte !== 0)) {
    throw refuseState("state-fill", "hasher state has non-zero bytes after its waiting bytes");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blocks = view.getBigUint64(blocksAt, true) + (view.getBigUint64(blocksAt + 8, true) << 64n);
  if (blocks >= limits.stateBlocks) {
    throw refuseState("state-block-count", "hasher state counts 2^56 blocks or more");
  }
  const words = initialWords.map((_, i) => view.getBigUint64(wordsAt + 8 * i, true));
  if (blocks === 0n && words.some((word, i) => word !== initialWords[i])) {
    throw refuseState("state-initial-words", "hasher state has no finished block but not the initial words of SHA-512");
  }
  return { state: { words, blocks, tail: bytes.slice(tailAt, tailAt + position) }, layout };
}

/** The 208 (`final`) or 210 (`legacy`) bytes of a state; behind the waiting bytes there is nothing but zeros. */
export function encodeSha512State(state: Sha512State, layout: StateLayout = "final"): Uint8Array {
  const { size, positionAt } = layouts[layout];
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  state.words.forEach((word, i) => {
    view.setBigUint64(wordsAt + 8 * i, word, true);
  });
  view.setBigUint64(blocksAt, state.blocks, true);
  if (layout === "legacy") bytes[outputSizeAt] = outputSize;
  bytes[positionAt] = state.tail.length;
  bytes.set(state.tail, positionAt + 1);
  return bytes;
}

/** Bytes hashed so far. */
export function sizeOfState(state: Sha512State): bigint {
  return state.blocks * BigInt(blockBytes) + BigInt(state.tail.length);
}

function layoutOf(bytes: Uint8Array): StateLayout {
  switch (bytes.length) {
    case layouts.final.size:
      return "final";
    case layouts.legacy.size:
      return "legacy";
    default:
      throw refuseState("state-length", `hasher state is ${bytes.length} bytes long instead of 208 or 210`);
  }
}
