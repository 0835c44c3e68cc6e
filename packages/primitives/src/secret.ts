import { timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

/**
 * Bytes that must not be seen. A Secret owns its bytes, never prints them, compares in constant time and can be
 * wiped; after that every use throws. What the runtime may have copied before is out of its reach (SECURITY.md).
 */
export class Secret implements Disposable {
  #bytes: Uint8Array | undefined;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Copies `bytes` into a new Secret and zeroes the caller's array. */
  static take(bytes: Uint8Array): Secret {
    const own = new Uint8Array(bytes.length);
    own.set(bytes);
    bytes.fill(0);
    return new Secret(own);
  }

  /** The UTF-8 bytes of `text`. The string itself cannot be wiped: prefer `take` wherever bytes are at hand. */
  static fromText(text: string): Secret {
    return new Secret(new TextEncoder().encode(text));
  }

  /** Number of bytes. */
  get length(): number {
    return this.#alive().length;
  }

  /** Lends the bytes to `f`, which must neither keep nor change them. */
  use<T>(f: (bytes: Uint8Array) => T): T {
    return f(this.#alive());
  }

  equals(other: Secret): boolean {
    const a = this.#alive();
    return other.use((b) => a.length === b.length && timingSafeEqual(a, b));
  }

  /** An independent copy, for an owner that disposes of its own. */
  clone(): Secret {
    return new Secret(this.#alive().slice());
  }

  [Symbol.dispose](): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toString(): string {
    return "[Secret]";
  }

  toJSON(): string {
    return "[Secret]";
  }

  [inspect.custom](): string {
    return "[Secret]";
  }

  #alive(): Uint8Array {
    if (this.#bytes === undefined) throw new TypeError("this secret has been wiped");
    return this.#bytes;
  }
}
