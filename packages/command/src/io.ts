import type { Readable, Writable } from "node:stream";
import { CommandError } from "./errors.ts";
import { printable } from "./printable.ts";
import { type InputLimit, readAll } from "./read-all.ts";

/** A program's way to its caller. */
export interface Io {
  /** All of standard input, within limits. Throws CommandError (too long 65, too slow 66, unreadable 74). */
  readStdin(limit: InputLimit): Promise<Uint8Array>;
  /** Standard input as a stream, for input of any length. */
  readonly stdin: Readable;
  /** Adds to the payload, which is kept back until the program has ended well. */
  write(payload: string | Uint8Array): void;
  /**
   * Sends payload at once, after whatever was kept back; for payload of any length, once its head is known to be good.
   * Resolves when the next piece may come. Throws CommandError (74) when standard output is closed or full.
   */
  stream(payload: string | Uint8Array): Promise<void>;
  /** A line for the person in front: `NAME: line` on standard error, control characters escaped. */
  note(line: string): void;
  /** Replaces the progress line at the bottom of a terminal (empty: removes it); nothing happens elsewhere. */
  status(line: string): void;
  readonly stderrIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
}

/** The Io of this process. `settle` sends what was kept back, `release` lets the process end. */
export class ProcessIo implements Io {
  readonly #name: string;
  #kept: (string | Uint8Array)[] = [];
  #stdinUsed = false;
  #statusShown = false;
  readonly #stdout = quiet(() => process.stdout);
  readonly #stderr = quiet(() => process.stderr);

  constructor(name: string) {
    this.#name = name;
  }

  get stdin(): Readable {
    this.#stdinUsed = true;
    return process.stdin;
  }

  get stderrIsTerminal(): boolean {
    return this.#stderr().isTTY === true;
  }

  get stdoutIsTerminal(): boolean {
    return this.#stdout().isTTY === true;
  }

  readStdin(limit: InputLimit): Promise<Uint8Array> {
    return readAll(this.stdin, limit);
  }

  write(payload: string | Uint8Array): void {
    this.#kept.push(typeof payload === "string" ? payload : payload.slice());
  }

  async stream(payload: string | Uint8Array): Promise<void> {
    await this.settle();
    await writeTo(this.#stdout(), payload);
  }

  note(line: string): void {
    this.error(`${this.#name}: ${printable(line)}\n`);
  }

  status(line: string): void {
    if (!this.stderrIsTerminal || (line === "" && !this.#statusShown)) return;
    // A terminal that does not know its width says 0.
    const columns = Math.max((this.#stderr().columns || 80) - 1, 1);
    this.#stderr().write(`\r\x1b[K${printable(line).slice(0, columns)}`);
    this.#statusShown = line !== "";
  }

  /** Lines that are ready for standard error. */
  error(lines: string): void {
    this.status("");
    this.#stderr().write(lines);
  }

  /** Sends the payload kept back so far. */
  async settle(): Promise<void> {
    const kept = this.#kept;
    this.#kept = [];
    for (const piece of kept) await writeTo(this.#stdout(), piece);
  }

  /** Forgets the payload kept back. */
  discard(): void {
    this.#kept = [];
  }

  /**
   * Lets go of standard input. Should something else still hold the event loop, the process ends a little later all
   * the same, with the exit code that was set: no session stays open for a forgotten handle.
   */
  release(): void {
    this.status("");
    if (this.#stdinUsed) process.stdin.destroy();
    setTimeout(endNow, 1000).unref();
  }
}

/**
 * Not `process.exit`: it waits for threads, and one that asks a silent name server cannot be stopped for a minute. A
 * shell in our place has no threads.
 */
function endNow(): never {
  if (process.execve === undefined) process.exit();
  return process.execve("/bin/sh", ["sh", "-c", `exit ${process.exitCode ?? 0}`], {});
}

/**
 * A standard stream, opened at its first use: that costs time which a refusal need not pay. A reader that went away is
 * reported where the bytes are written, not as an uncaught event.
 */
function quiet(open: () => NodeJS.WriteStream): () => NodeJS.WriteStream {
  let opened: NodeJS.WriteStream | undefined;
  return () => (opened ??= open().on("error", () => undefined));
}

function writeTo(stream: Writable, payload: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(payload, (cause) => {
      if (cause === null || cause === undefined) resolve();
      else reject(outputError(cause));
    });
  });
}

function outputError(cause: Error & { code?: string }): CommandError {
  if (cause.code === "EPIPE" || cause.code === "ERR_STREAM_DESTROYED") {
    return new CommandError("output-closed", "standard output was closed by its reader", { cause });
  }
  return new CommandError("output-failed", `standard output cannot be written: ${cause.message}`, { cause });
}
