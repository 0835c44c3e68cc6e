import { OpenPgpError } from "./error.ts";

/** Reads one buffer in order and never beyond it. `what` names the buffer in errors. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  u8(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw this.#endsEarly();
    this.#offset += 1;
    return byte;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array {
    const part = this.#bytes.subarray(this.#offset, this.#offset + length);
    if (part.length !== length) throw this.#endsEarly();
    this.#offset += length;
    return part;
  }

  /** Call after the last element: bytes that nobody asked for are an error. */
  end(): void {
    if (!this.done) throw new OpenPgpError("malformed", `${this.#what} has bytes after its end`);
  }

  #endsEarly(): OpenPgpError {
    return new OpenPgpError("truncated", `${this.#what} ends early`);
  }
}
