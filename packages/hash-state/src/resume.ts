/** Goes on from a state, on @noble/hashes: slow for whole files, right for the few bytes that a signature adds. */
import { _SHA512 } from "@noble/hashes/sha2.js";
import { blockBytes, type Sha512State, sizeOfState } from "./sha512-state.ts";

export interface Sha512Hasher {
  /** @throws Error after `digest` */
  update(bytes: Uint8Array): void;
  /** The 64 bytes of SHA-512 over what the state had seen and what `update` added. Once. */
  digest(): Uint8Array;
}

export function resumeSha512(state: Sha512State): Sha512Hasher {
  let size = sizeOfState(state);
  let core: ResumedSha512 | undefined = new ResumedSha512(state);
  const alive = (): ResumedSha512 => {
    if (core === undefined) throw new Error("this hasher has given its digest already");
    return core;
  };
  return {
    update(bytes) {
      alive().update(bytes);
      size += BigInt(bytes.length);
    },
    digest() {
      const last = alive();
      core = undefined;
      last.update(paddingFor(size));
      return last.bytes();
    },
  };
}

/** SHA-512 over exactly what the state has seen. */
export function finishSha512(state: Sha512State): Uint8Array {
  return resumeSha512(state).digest();
}

/** The library's hasher with its chaining words open. Feeding whole blocks needs nothing else of it. */
export class ResumedSha512 extends _SHA512 {
  constructor(state: Sha512State) {
    super();
    const [a, b, c, d, e, f, g, h] = state.words.map(halves);
    if (!a || !b || !c || !d || !e || !f || !g || !h) throw new RangeError("a SHA-512 state has eight words");
    this.set(...a, ...b, ...c, ...d, ...e, ...f, ...g, ...h);
    this.update(state.tail);
  }

  /** The chaining words after the last whole block. */
  words(): bigint[] {
    const view = viewOf(this.bytes());
    return Array.from({ length: 8 }, (_, i) => view.getBigUint64(8 * i));
  }

  /** The same in 64 bytes, big endian. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(64);
    const view = viewOf(bytes);
    const halves = this.get();
    for (let i = 0; i < halves.length; i += 1) view.setInt32(4 * i, halves[i] ?? 0);
    return bytes;
  }
}

/**
 * FIPS 180-4 §5.1.2: a one bit, zeros, the length in bits as a 128-bit number. Made here because the library counts
 * bytes in a `number`, and a state may say more than 2^53 of them.
 */
function paddingFor(size: bigint): Uint8Array {
  const tail = Number(size % BigInt(blockBytes));
  const padding = new Uint8Array(tail < 112 ? blockBytes - tail : 2 * blockBytes - tail);
  padding[0] = 0x80;
  const view = new DataView(padding.buffer);
  const bits = size * 8n;
  view.setBigUint64(padding.length - 16, bits >> 64n);
  view.setBigUint64(padding.length - 8, BigInt.asUintN(64, bits));
  return padding;
}

const word = new DataView(new ArrayBuffer(8));

/** High and low half, as the 32-bit integers that the library calculates with. */
function halves(value: bigint): [number, number] {
  word.setBigUint64(0, value);
  return [word.getInt32(0), word.getInt32(4)];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
