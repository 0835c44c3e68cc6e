/** An HTTP/1.1 answer, taken apart as its bytes come (RFC 9112). */
import { concat } from "@signstar/primitives/bytes";
import { type Head, maxHeadBytes, parseHead } from "./answer-head.ts";
import { Trouble } from "./trouble.ts";

export interface AnswerReceiver {
  head(head: Head): void;
  /** A piece of the body; it is not copied. */
  body(bytes: Uint8Array): void;
  end(): void;
}

/** Of a line before a chunk, and of one behind the last. */
const maxLine = 1024;
const sizeLine = /^([0-9a-fA-F]{1,12})(?:[ \t]*;[^\r\n]*)?\r\n$/;

type Phase = "head" | "length" | "until-close" | "chunk-size" | "chunk" | "chunk-end" | "trailer" | "ended";

export class AnswerParser {
  readonly #method: string;
  readonly #receiver: AnswerReceiver;
  #phase: Phase = "head";
  /** Of the head, or of a line between chunks. */
  #waiting: Uint8Array = new Uint8Array(0);
  /** Of the body, or of its chunk. */
  #left = 0;
  #trailerBytes = 0;

  constructor(method: string, receiver: AnswerReceiver) {
    this.#method = method;
    this.#receiver = receiver;
  }

  get ended(): boolean {
    return this.#phase === "ended";
  }

  /** Returns how many of the bytes belong to the answer. Throws Trouble `bad-answer`. */
  feed(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#phase !== "ended") at += this.#step(bytes.subarray(at));
    return at;
  }

  /** The connection has ended: so does an answer whose body ends with it. */
  close(): void {
    if (this.#phase === "until-close") this.#end();
  }

  /** Takes some of the bytes, at least one, and returns how many. */
  #step(bytes: Uint8Array): number {
    switch (this.#phase) {
      case "head":
        return this.#head(bytes);
      case "length":
      case "chunk":
        return this.#counted(bytes);
      case "until-close":
        this.#receiver.body(bytes);
        return bytes.length;
      default:
        return this.#line(bytes);
    }
  }

  #head(bytes: Uint8Array): number {
    const before = this.#waiting.length;
    const all = before === 0 ? bytes : concat(this.#waiting, bytes);
    const text = Buffer.from(all.buffer, all.byteOffset, Math.min(all.length, maxHeadBytes));
    const end = text.indexOf("\r\n\r\n", Math.max(0, before - 3), "latin1");
    if (end === -1) {
      if (all.length >= maxHeadBytes) refuse("its head is too long");
      // What cannot become a head need not be waited for.
      if (!"HTTP/1.".startsWith(text.toString("latin1", 0, 7))) refuse("it begins with no status line");
      this.#waiting = before === 0 ? bytes.slice() : all;
      return bytes.length;
    }
    this.#waiting = new Uint8Array(0);
    const head = parseHead(text.toString("latin1", 0, end), this.#method);
    if (head.status === 101) refuse("it goes over to another protocol");
    // Others of that kind precede the answer.
    if (head.status >= 200) this.#begin(head);
    return end + 4 - before;
  }

  #begin(head: Head): void {
    const { body } = head;
    this.#left = typeof body === "number" ? body : 0;
    this.#phase = body === "until-close" ? body : body === "chunked" ? "chunk-size" : "length";
    this.#receiver.head(head);
    if (body === 0) this.#end();
  }

  #counted(bytes: Uint8Array): number {
    const piece = bytes.subarray(0, this.#left);
    this.#left -= piece.length;
    this.#receiver.body(piece);
    if (this.#left === 0) {
      if (this.#phase === "length") this.#end();
      else this.#phase = "chunk-end";
    }
    return piece.length;
  }

  #line(bytes: Uint8Array): number {
    const end = bytes.indexOf(0x0a);
    const piece = end === -1 ? bytes : bytes.subarray(0, end + 1);
    if (this.#waiting.length + piece.length > maxLine) refuse("a line in its body is too long");
    this.#waiting = concat(this.#waiting, piece);
    if (end !== -1) {
      const line = Buffer.from(this.#waiting).toString("latin1");
      this.#waiting = new Uint8Array(0);
      this.#between(line);
    }
    return piece.length;
  }

  #between(line: string): void {
    if (this.#phase === "chunk-end") {
      if (line !== "\r\n") refuse("a chunk is longer than announced");
      this.#phase = "chunk-size";
    } else if (this.#phase === "chunk-size") {
      this.#left = Number.parseInt(sizeLine.exec(line)?.[1] ?? refuse("a chunk has no size"), 16);
      this.#phase = this.#left === 0 ? "trailer" : "chunk";
    } else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > maxHeadBytes || !line.endsWith("\r\n")) refuse("its end is not one");
      if (line === "\r\n") this.#end();
    }
  }

  #end(): void {
    this.#phase = "ended";
    this.#receiver.end();
  }
}

function refuse(problem: string): never {
  throw new Trouble("bad-answer", `answer is not HTTP: ${problem}`);
}
