/**
 * SHA-512's compression function (FIPS 180-4 §6.4.2) as a WebAssembly module, assembled when it is needed.
 *
 * The message schedule is calculated two words at a time in vectors, sixteen words in eight of them; the rounds are
 * scalar, as each waits for the one before. A group is sixteen rounds; after each pair of rounds' words is taken, the
 * same vector is moved on by sixteen words for the next group. The last group needs no further words.
 */
import { type Code, encodeModule, FunctionEncoder, i32, i64, i64x2, type Local, repeatWhile } from "./wasm-encoding.ts";

const pageBytes = 64 * 1024;

/** Where things are in the module's memory, in bytes. */
export const kernelMemory = { words: 0, constants: 64, buffer: pageBytes, end: 2 * pageBytes } as const;

const groupBytes = 16 * 8;
const blockBytes = 128;
const reversedWords = [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8];
const upperThenLower = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];

/**
 * `run(end)` compresses the blocks from `kernelMemory.buffer` to the address `end`, at least one and whole ones, into
 * the eight little-endian words at `kernelMemory.words`, which are there before.
 */
export function sha512Module(): Uint8Array<ArrayBuffer> {
  const run = new FunctionEncoder("i32");
  return encodeModule({
    run,
    code: compress(run),
    memoryPages: kernelMemory.end / pageBytes,
    data: { at: kernelMemory.constants, bytes: littleEndian(roundConstants) },
  });
}

function compress(encoder: FunctionEncoder): Code {
  const end = encoder.parameter(0);
  const block = encoder.local("i32");
  const group = encoder.local("i32");
  const vars = encoder.locals("i64", 8);
  const differences = encoder.locals("i64", 2);
  const schedule = encoder.locals("v128", 8);
  const scratch = encoder.local("v128");
  const sums = encoder.local("v128");
  const zero = i32.const(0);

  const twoRounds = schedule.map((_, pair) => [
    round(vars, differences, 2 * pair, i64.lane(sums.get, 0)),
    round(vars, differences, 2 * pair + 1, i64.lane(sums.get, 1)),
  ]);
  const sixteenRounds = (constantsAt: Code, offset: number, more: boolean): Code =>
    twoRounds.map((rounds, pair) => [
      sums.set(i64x2.add(cyclic(schedule, pair).get, i64x2.load(constantsAt, offset + 16 * pair))),
      more ? nextWords(schedule, pair, scratch) : [],
      rounds,
    ]);

  return [
    vars.map((word, i) => word.set(i64.load(zero, kernelMemory.words + 8 * i))),
    block.set(i32.const(kernelMemory.buffer)),
    repeatWhile(
      [
        schedule.map((words, i) => words.set(bigEndianWords(block.get, 16 * i, scratch))),
        cyclic(differences, 0).set(i64.xor(cyclic(vars, 1).get, cyclic(vars, 2).get)),
        group.set(zero),
        repeatWhile(
          [
            sixteenRounds(group.get, kernelMemory.constants, true),
            group.set(i32.add(group.get, i32.const(groupBytes))),
          ],
          i32.ne(group.get, i32.const(4 * groupBytes)),
        ),
        sixteenRounds(zero, kernelMemory.constants + 4 * groupBytes, false),
        vars.map((word, i) => word.set(i64.add(word.get, i64.load(zero, kernelMemory.words + 8 * i)))),
        vars.map((word, i) => i64.store(zero, kernelMemory.words + 8 * i, word.get)),
        block.set(i32.add(block.get, i32.const(blockBytes))),
      ],
      i32.ne(block.get, end.get),
    ),
  ];
}

/**
 * One round. Instead of moving a to b, b to c and so on, the variables change roles: after eight rounds each has its
 * own again. Maj(a,b,c) is b ^ ((a ^ b) & (b ^ c)), and this round's a ^ b is the next one's b ^ c.
 */
function round(vars: readonly Local[], differences: readonly Local[], index: number, wordPlusConstant: Code): Code {
  const role = (position: number): Local => cyclic(vars, position - index);
  const [a, b, d, e, f, g, h] = [role(0), role(1), role(3), role(4), role(5), role(6), role(7)];
  const bXorC = cyclic(differences, index);
  const aXorB = cyclic(differences, index + 1);
  const choice = i64.xor(i64.and(i64.xor(f.get, g.get), e.get), g.get);
  const majority = i64.xor(i64.and(aXorB.get, bXorC.get), b.get);
  return [
    h.set(i64.add(h.get, wordPlusConstant, choice, rotations(e.get, 14, 18, 41))),
    d.set(i64.add(d.get, h.get)),
    aXorB.set(i64.xor(a.get, b.get)),
    h.set(i64.add(h.get, majority, rotations(a.get, 28, 34, 39))),
  ];
}

/** W(t) = s1(W(t-2)) + W(t-7) + s0(W(t-15)) + W(t-16), for the two words in the place of W(t-16) and W(t-15). */
function nextWords(schedule: readonly Local[], pair: number, scratch: Local): Code {
  const vector = (distance: number): Code => cyclic(schedule, pair + distance).get;
  const minus15 = i64x2.shuffle(vector(0), vector(1), upperThenLower);
  const minus7 = i64x2.shuffle(vector(4), vector(5), upperThenLower);
  const minus2 = vector(7);
  const old = scratch.get;
  const s0 = i64x2.xor(i64x2.rotr(old, 1), i64x2.rotr(old, 8), i64x2.shr(old, 7));
  const s1 = i64x2.xor(i64x2.rotr(minus2, 19), i64x2.rotr(minus2, 61), i64x2.shr(minus2, 6));
  return [scratch.set(minus15), cyclic(schedule, pair).set(i64x2.add(vector(0), s0, minus7, s1))];
}

function bigEndianWords(address: Code, offset: number, scratch: Local): Code {
  return [scratch.set(i64x2.load(address, offset)), i64x2.shuffle(scratch.get, scratch.get, reversedWords)];
}

function rotations(x: Code, first: number, second: number, third: number): Code {
  return i64.xor(i64.rotr(x, first), i64.rotr(x, second), i64.rotr(x, third));
}

function cyclic<T>(list: readonly T[], index: number): T {
  const found = list.at(index % list.length);
  if (found === undefined) throw new RangeError("empty list");
  return found;
}

/** FIPS 180-4 §4.2.3: the first 64 fractional bits of the cube roots of the first 80 primes. */
export const roundConstants: readonly bigint[] = `
  428a2f98d728ae22 7137449123ef65cd b5c0fbcfec4d3b2f e9b5dba58189dbbc
  3956c25bf348b538 59f111f1b605d019 923f82a4af194f9b ab1c5ed5da6d8118
  d807aa98a3030242 12835b0145706fbe 243185be4ee4b28c 550c7dc3d5ffb4e2
  72be5d74f27b896f 80deb1fe3b1696b1 9bdc06a725c71235 c19bf174cf692694
  e49b69c19ef14ad2 efbe4786384f25e3 0fc19dc68b8cd5b5 240ca1cc77ac9c65
  2de92c6f592b0275 4a7484aa6ea6e483 5cb0a9dcbd41fbd4 76f988da831153b5
  983e5152ee66dfab a831c66d2db43210 b00327c898fb213f bf597fc7beef0ee4
  c6e00bf33da88fc2 d5a79147930aa725 06ca6351e003826f 142929670a0e6e70
  27b70a8546d22ffc 2e1b21385c26c926 4d2c6dfc5ac42aed 53380d139d95b3df
  650a73548baf63de 766a0abb3c77b2a8 81c2c92e47edaee6 92722c851482353b
  a2bfe8a14cf10364 a81a664bbc423001 c24b8b70d0f89791 c76c51a30654be30
  d192e819d6ef5218 d69906245565a910 f40e35855771202a 106aa07032bbd1b8
  19a4c116b8d2d0c8 1e376c085141ab53 2748774cdf8eeb99 34b0bcb5e19b48a8
  391c0cb3c5c95a63 4ed8aa4ae3418acb 5b9cca4f7763e373 682e6ff3d6b2b8a3
  748f82ee5defb2fc 78a5636f43172f60 84c87814a1f0ab72 8cc702081a6439ec
  90befffa23631e28 a4506cebde82bde9 bef9a3f7b2c67915 c67178f2e372532b
  ca273eceea26619c d186b8c721c0c207 eada7dd6cde0eb1e f57d4f7fee6ed178
  06f067aa72176fba 0a637dc5a2c898a6 113f9804bef90dae 1b710b35131c471b
  28db77f523047d84 32caab7b40c72493 3c9ebe0a15c9bebc 431d67c49c100d4c
  4cc5d4becb3e42b6 597f299cfc657e2a 5fcb6fab3ad6faec 6c44198c4a475817
`
  .trim()
  .split(/\s+/)
  .map((digits) => BigInt(`0x${digits}`));

function littleEndian(words: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(8 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setBigUint64(8 * i, word, true);
  });
  return bytes;
}
