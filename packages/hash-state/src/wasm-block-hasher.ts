/** Bulk compression in WebAssembly where it is to be had and right, otherwise in JavaScript. */
import { type BlockHasher, bufferBytes, portableBlockHasher } from "./block-hasher.ts";
import { sameWords } from "./same-words.ts";
import { kernelMemory, sha512Module } from "./sha512-kernel.ts";
import { blockBytes, freshSha512 } from "./sha512-state.ts";
import { compileModule, instantiate, type WasmModule } from "./wasm-runtime.ts";

let shared: WasmModule | "portable" | undefined;
/** A hasher that is not in use: making one costs more than hashing a small file. */
let spare: BlockHasher | undefined;

/** Of so many bytes the portable hasher has made a hash before the module has passed its test. */
const smallBytes = 16 * 1024;
let smallOnes = 0;

/**
 * The fastest hasher that passes its self-test here. The test runs once, and not for the first few small files;
 * hashers in use never share memory.
 * @param expected bytes, if they are known
 */
export function openBlockHasher(expected = Number.POSITIVE_INFINITY): BlockHasher {
  if (shared === undefined && expected <= smallBytes && smallOnes < 8) {
    smallOnes += 1;
    return portableBlockHasher();
  }
  shared ??= provenModule(sha512Module) ?? "portable";
  if (shared === "portable") return portableBlockHasher();
  const hasher = spare ?? wasmBlockHasher(shared);
  spare = undefined;
  return {
    ...hasher,
    close() {
      hasher.close();
      spare = hasher;
    },
  };
}

/** A module that was compiled and gives the right words for one block; undefined if there is none. */
export function provenModule(build: () => Uint8Array<ArrayBuffer>): WasmModule | undefined {
  try {
    const module = compileModule(build());
    return sameWords(wasmBlockHasher(module), portableBlockHasher()) ? module : undefined;
  } catch {
    // No WebAssembly (`--jitless`), no SIMD on this processor: both are reasons to do without.
    return undefined;
  }
}

export function wasmBlockHasher(module: WasmModule): BlockHasher {
  const { memory, run } = instantiate(module);
  const view = new DataView(memory);
  const buffer = new Uint8Array(memory, kernelMemory.buffer, bufferBytes);
  const start = (): void => {
    freshSha512.words.forEach((word, i) => {
      view.setBigUint64(kernelMemory.words + 8 * i, word, true);
    });
  };
  start();
  return {
    buffer,
    compress(count) {
      const length = count * blockBytes;
      if (length > buffer.length) throw new RangeError("more blocks than the buffer holds");
      if (length > 0) run(kernelMemory.buffer + length);
    },
    words: () => freshSha512.words.map((_, i) => view.getBigUint64(kernelMemory.words + 8 * i, true)),
    close() {
      buffer.fill(0);
      start();
    },
  };
}
