/**
 * The part of the WebAssembly binary format (WebAssembly 2.0, chapter 5) that one arithmetic function needs.
 * An expression is the bytes that leave its value on the stack, so an operation is its operands and then its opcode.
 * Code is nested while it is put together and written out once, at the end of a function: copying at every level would
 * take longer than compiling.
 */
export type Code = readonly (number | Code | Uint8Array)[];
export type ValueType = keyof typeof valueTypes;

const valueTypes = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;
const noResult = 0x40;

export interface Local {
  readonly get: Code;
  set(value: Code): Code;
}

export const i32 = {
  const: (value: number): Code => [0x41, signed(value)],
  add: (a: Code, b: Code): Code => [a, b, 0x6a],
  ne: (a: Code, b: Code): Code => [a, b, 0x47],
} as const;

export const i64 = {
  const: (value: number): Code => [0x42, signed(value)],
  load: (address: Code, offset: number): Code => [address, 0x29, 3, unsigned(offset)],
  store: (address: Code, offset: number, value: Code): Code => [address, value, 0x37, 3, unsigned(offset)],
  add: (...terms: readonly Code[]): Code => chain([0x7c], terms),
  and: (a: Code, b: Code): Code => [a, b, 0x83],
  xor: (...terms: readonly Code[]): Code => chain([0x85], terms),
  rotr: (a: Code, bits: number): Code => [a, i64.const(bits), 0x8a],
  /** One of the two lanes of a vector. */
  lane: (vector: Code, index: 0 | 1): Code => [vector, 0xfd, 0x1d, index],
} as const;

/** Two 64-bit lanes; lane 0 is the one at the lower address. */
export const i64x2 = {
  load: (address: Code, offset: number): Code => [address, 0xfd, 0x00, 4, unsigned(offset)],
  add: (...terms: readonly Code[]): Code => chain([0xfd, 0xce, 0x01], terms),
  xor: (...terms: readonly Code[]): Code => chain([0xfd, 0x51], terms),
  or: (a: Code, b: Code): Code => [a, b, 0xfd, 0x50],
  shl: (a: Code, bits: number): Code => [a, i32.const(bits), 0xfd, 0xcb, 0x01],
  shr: (a: Code, bits: number): Code => [a, i32.const(bits), 0xfd, 0xcd, 0x01],
  rotr: (a: Code, bits: number): Code => i64x2.or(i64x2.shr(a, bits), i64x2.shl(a, 64 - bits)),
  /** Sixteen bytes out of the 32 of `a` and then `b`, by their indices. */
  shuffle: (a: Code, b: Code, indices: readonly number[]): Code => [a, b, 0xfd, 0x0d, indices],
} as const;

/** Runs `body`, and again as long as `condition` (an i32) is not zero after it. */
export function repeatWhile(body: Code, condition: Code): Code {
  return [0x03, noResult, body, condition, 0x0d, 0, 0x0b];
}

/** One function without a result: its parameters first, then as many locals as it asks for. */
export class FunctionEncoder {
  readonly #parameters: readonly ValueType[];
  readonly #locals: ValueType[] = [];

  constructor(...parameters: readonly ValueType[]) {
    this.#parameters = parameters;
  }

  parameter(index: number): Local {
    return localAt(index);
  }

  local(type: ValueType): Local {
    this.#locals.push(type);
    return localAt(this.#parameters.length + this.#locals.length - 1);
  }

  locals(type: ValueType, count: number): readonly Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  type(): Code {
    return [0x60, vector(this.#parameters.map((type) => valueTypes[type])), vector([])];
  }

  body(code: Code): Code {
    return sized([vector(this.#locals.map((type) => [1, valueTypes[type]])), code, 0x0b]);
  }
}

/** A module of one function and one memory of fixed size, which it exports as `run` and `memory`. */
export function encodeModule(module: {
  readonly run: FunctionEncoder;
  readonly code: Code;
  /** Of 64 KiB. */
  readonly memoryPages: number;
  /** What the memory holds from the start. */
  readonly data: { readonly at: number; readonly bytes: Uint8Array };
}): Uint8Array<ArrayBuffer> {
  const { run, code, memoryPages, data } = module;
  const pages = unsigned(memoryPages);
  return written([
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, [run.type()]),
    section(3, [0]),
    section(5, [[0x01, pages, pages]]),
    section(7, [
      [name("memory"), 0x02, 0],
      [name("run"), 0x00, 0],
    ]),
    section(10, [run.body(code)]),
    section(11, [[0x00, i32.const(data.at), 0x0b, unsigned(data.bytes.length), data.bytes]]),
  ]);
}

function localAt(index: number): Local {
  const at = unsigned(index);
  return { get: [0x20, at], set: (value) => [value, 0x21, at] };
}

function section(id: number, entries: Code): Code {
  return [id, sized(vector(entries))];
}

function vector(entries: Code): Code {
  return [unsigned(entries.length), entries];
}

function sized(content: Code): Code {
  const bytes = written(content);
  return [unsigned(bytes.length), bytes];
}

function name(text: string): Code {
  return vector([...new TextEncoder().encode(text)]);
}

/** a op b op c …, from the left. */
function chain(operation: Code, terms: readonly Code[]): Code {
  return terms.map((term, i) => (i === 0 ? term : [term, operation]));
}

function written(code: Code): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeOf(code));
  write(code, bytes, 0);
  return bytes;
}

// Counted loops here and below: they run once, uncompiled, where an iterator costs several times as much.
function sizeOf(code: Code): number {
  let size = 0;
  for (let i = 0; i < code.length; i += 1) {
    const part = code[i];
    if (typeof part !== "object") size += 1;
    else size += part instanceof Uint8Array ? part.length : sizeOf(part);
  }
  return size;
}

/** Writes `code` from `at` on; gives the offset after it. */
function write(code: Code, into: Uint8Array, at: number): number {
  let next = at;
  for (let i = 0; i < code.length; i += 1) {
    const part = code[i];
    if (typeof part !== "object") {
      into[next] = part ?? 0;
      next += 1;
    } else if (part instanceof Uint8Array) {
      into.set(part, next);
      next += part.length;
    } else {
      next = write(part, into, next);
    }
  }
  return next;
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, unsigned(value >>> 7)];
}

function signed(value: number): Code {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, signed(value >> 7)];
}
