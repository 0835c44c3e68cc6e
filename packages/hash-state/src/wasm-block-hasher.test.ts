import { afterEach, describe, expect, test, vi } from "vitest";
import { portableBlockHasher } from "./block-hasher.ts";
import { roundConstants, sha512Module } from "./sha512-kernel.ts";
import { openBlockHasher, provenModule, wasmBlockHasher } from "./wasm-block-hasher.ts";
import { encodeModule, FunctionEncoder, i32, i64 } from "./wasm-encoding.ts";
import { compileModule, instantiate } from "./wasm-runtime.ts";

afterEach(() => vi.unstubAllGlobals());

function proven() {
  const module = provenModule(sha512Module);
  if (module === undefined) throw new Error("the kernel does not pass its self-test");
  return module;
}

describe("the kernel", () => {
  test("its constants are the cube roots of the first primes", () => {
    const primes = Array.from({ length: 410 }, (_, n) => n).filter(
      (n) => n > 1 && Array.from({ length: n }, (_, i) => i).every((i) => i < 2 || n % i !== 0),
    );
    expect(roundConstants.length).toBe(80);
    roundConstants.forEach((constant, i) => {
      const cube = BigInt(primes[i] ?? 0) << 192n;
      const whole = BigInt(Math.floor(Math.cbrt(primes[i] ?? 0)));
      const root = (whole << 64n) + constant;
      expect(root ** 3n <= cube && cube < (root + 1n) ** 3n).toBe(true);
    });
  });

  test("every number of blocks that the buffer holds gives what the portable hasher gives", () => {
    const module = proven();
    for (const count of [0, 1, 2, 3, 17, 511, 512]) {
      const words = [wasmBlockHasher(module), portableBlockHasher()].map((hasher) => {
        hasher.buffer.forEach((_, i) => {
          hasher.buffer[i] = i * 89 + (i >> 7);
        });
        hasher.compress(count);
        hasher.compress(count >> 1);
        return hasher.words();
      });
      expect(words[0]).toEqual(words[1]);
    }
  });

  test("never reads beyond its buffer", () => {
    const hasher = wasmBlockHasher(proven());
    expect(() => hasher.compress(513)).toThrow(RangeError);
  });

  test("instances share nothing", () => {
    const module = proven();
    const [one, two] = [wasmBlockHasher(module), wasmBlockHasher(module)];
    one.buffer.fill(1);
    one.compress(3);
    expect(two.words()).toEqual(portableBlockHasher().words());
    expect(two.buffer.every((byte) => byte === 0)).toBe(true);
  });
});

describe("the portable hasher takes over", () => {
  test("when the module is not one", () => {
    expect(provenModule(() => Uint8Array.of(0, 0x61, 0x73, 0x6d))).toBeUndefined();
  });

  test("when the kernel calculates something else: any damaged constant is found", () => {
    for (let i = 0; i < 80; i += 1) {
      const damaged = () => {
        const bytes = sha512Module();
        const at = bytes.length - 640 + 8 * i;
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        return bytes;
      };
      expect(provenModule(damaged)).toBeUndefined();
    }
  });

  test("when the module exports nothing", () => {
    expect(provenModule(() => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))).toBeUndefined();
  });

  test("when there is no WebAssembly", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(provenModule(sha512Module)).toBeUndefined();
    vi.resetModules();
    const { openBlockHasher: openAnew } = await import("./wasm-block-hasher.ts");
    const hasher = openAnew();
    hasher.compress(1);
    vi.unstubAllGlobals();
    const usual = openBlockHasher();
    usual.compress(1);
    expect(hasher.words()).toEqual(usual.words());
  });
});

test("numbers of every length are encoded as WebAssembly reads them", () => {
  for (const value of [
    0,
    1,
    -1,
    63,
    64,
    -64,
    -65,
    127,
    128,
    8191,
    8192,
    -8193,
    65_535,
    65_536,
    2 ** 31 - 1,
    -(2 ** 31),
  ]) {
    for (const offset of [0, 127, 128, 16_383, 16_384, 130_000]) {
      const encoder = new FunctionEncoder("i32");
      const code = i64.store(i32.const(0), offset, i64.const(value));
      const data = { at: 1, bytes: Uint8Array.of(9) };
      const { memory, run } = instantiate(compileModule(encodeModule({ run: encoder, code, memoryPages: 2, data })));
      run(0);
      expect(new DataView(memory).getBigInt64(offset, true)).toBe(BigInt(value));
    }
  }
});
