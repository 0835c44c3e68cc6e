/** Bulk compression by OpenSSL's own SHA-512, where koffi is installed: an optional dependency, twice as fast. */
import { type BlockHasher, bufferBytes, portableBlockHasher } from "./block-hasher.ts";
import { sameWords } from "./same-words.ts";
import { blockBytes, freshSha512 } from "./sha512-state.ts";

/** What is used of OpenSSL: the functions that Node's binary, or the system's library, exports. */
export interface NativeSha512 {
  init(context: Uint8Array): unknown;
  update(context: Uint8Array, bytes: Uint8Array, length: number): unknown;
}

/** SHA512_CTX has 216 bytes, the eight chaining words first, in the processor's byte order. */
const contextBytes = 256;

let proven: Promise<NativeSha512 | undefined> | undefined;

/** A hasher that goes on from `words`; undefined where there is no OpenSSL to be called, or it fails its self-test. */
export async function openNativeHasher(words: readonly bigint[]): Promise<BlockHasher | undefined> {
  proven ??= provenNative();
  const native = await proven;
  return native && nativeBlockHasher(native, words);
}

/** Undefined if what is found does not give the right words. */
export async function provenNative(find: () => Promise<NativeSha512> = load): Promise<NativeSha512 | undefined> {
  try {
    const native = await find();
    const test = nativeBlockHasher(native, freshSha512.words);
    return sameWords(test, portableBlockHasher()) ? native : undefined;
  } catch {
    // Not installed, not for this platform, or an OpenSSL without these functions: all reasons to do without.
    return undefined;
  }
}

export function nativeBlockHasher(native: NativeSha512, words: readonly bigint[]): BlockHasher {
  const buffer = new Uint8Array(bufferBytes);
  const context = new Uint8Array(contextBytes);
  const view = new DataView(context.buffer);
  native.init(context);
  words.forEach((word, i) => {
    view.setBigUint64(8 * i, word, true);
  });
  return {
    buffer,
    compress(count) {
      const length = count * blockBytes;
      if (length > buffer.length) throw new RangeError("more blocks than the buffer holds");
      if (length > 0) native.update(context, buffer, length);
    },
    words: () => freshSha512.words.map((_, i) => view.getBigUint64(8 * i, true)),
    close() {
      buffer.fill(0);
      context.fill(0);
    },
  };
}

async function load(): Promise<NativeSha512> {
  const { default: koffi } = await import("koffi");
  // Most builds of Node carry OpenSSL and export it; those of distributions use the system's library.
  for (const library of [null, "libcrypto.so.3"]) {
    try {
      const found = koffi.load(library);
      const init = found.func("int SHA512_Init(void *context)");
      const update = found.func("int SHA512_Update(void *context, const void *bytes, size_t length)");
      return { init, update };
    } catch {}
  }
  throw new Error("no OpenSSL exports SHA512_Update");
}
