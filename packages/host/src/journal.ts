import { connect, type Socket } from "node:net";
import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";

/** syslog(3) priorities that are used. */
export const Priority = { error: 3, warning: 4, notice: 5, info: 6 } as const;
export type Priority = (typeof Priority)[keyof typeof Priority];

/** Fields of an entry, `event` naming its kind; undefined ones are left out. See `docs/log-events.md`. */
export interface Fields {
  readonly event: string;
  readonly [name: string]: string | number | boolean | undefined;
}

export interface Journal {
  /** Resolves when the kernel has taken the entry. Throws HostError (journal-unreachable). */
  entry(fields: Fields, priority?: Priority): Promise<void>;
  close(): void;
}

export interface JournalOptions {
  /** The program's name; journald stores it as SYSLOG_IDENTIFIER. */
  readonly identifier: string;
  readonly socketPath: string;
  /** Names this run of the program in every entry. */
  readonly session: string;
  /** For the connection, and for each entry. */
  readonly deadlineMs?: number;
}

/**
 * Connects to journald's stream socket as systemd-cat does. Every entry is one JSON line with `session` and `seq`,
 * counted from 1: a gap shows. The protocol has no acknowledgement, so an entry counts once the kernel has it; a reader
 * that went away fails the next one. Throws HostError (journal-unreachable, exit 75).
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { deadlineMs = 1000 } = options;
  const socket = connect({ path: options.socketPath });
  const stream = new JournalStream(socket, options.session, deadlineMs, header(options.identifier));
  await stream.within((done) => socket.once("connect", () => done()));
  return stream;
}

/** sd_journal_stream_fd(3): identifier, unit, default priority, priorities prefixed to lines, forward to nowhere else. */
function header(identifier: string): string {
  return `${[identifier, "", Priority.info, 1, 0, 0, 0].join("\n")}\n`;
}

class JournalStream implements Journal {
  readonly #socket: Socket;
  readonly #session: string;
  readonly #deadlineMs: number;
  #seq = 0;
  /** What goes into the next write, and that write. */
  #kept: string;
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();
  #broken: HostError | undefined;

  constructor(socket: Socket, session: string, deadlineMs: number, header: string) {
    this.#socket = socket;
    this.#session = session;
    this.#deadlineMs = deadlineMs;
    this.#kept = header;
    socket.on("error", (cause) => this.#break(messageOf(cause), cause));
    socket.on("close", () => this.#break("it was closed"));
    // Nothing comes back, but the end of the other side is noticed only by reading.
    socket.resume();
  }

  entry(fields: Fields, priority: Priority = Priority.info): Promise<void> {
    this.#seq += 1;
    const { event, ...rest } = fields;
    const entry = { event, session: this.#session, seq: this.#seq, ...shortened(rest) };
    this.#kept += `<${priority}>${jsonLine(entry)}\n`;
    this.#next ??= this.#sendKept();
    return this.#next;
  }

  close(): void {
    this.#socket.end();
    this.#socket.unref();
  }

  /**
   * Entries that come in one turn of the event loop, or while the kernel takes those before them, go to it in one piece,
   * and all wait for that: each piece wakes the journal.
   */
  async #sendKept(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    // Should it fail, the connection is broken, and the next write says so.
    await this.#last.catch(() => undefined);
    const text = this.#kept;
    this.#kept = "";
    this.#last = this.within((done) => this.#socket.write(text, (error) => done(error ?? undefined)));
    this.#next = undefined;
    await this.#last;
  }

  /** Waits for `start` to report back, no longer than the deadline and not beyond the end of the connection. */
  within(start: (done: (error?: Error) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        this.#socket.off("close", onClose);
        if (error === undefined) resolve();
        else reject(this.#broken ?? this.#break(error.message, error));
      };
      const onClose = (): void => settle(new Error("it was closed"));
      const timer = setTimeout(() => {
        settle(this.#break(`no answer within ${this.#deadlineMs} ms`));
        this.#socket.destroy();
      }, this.#deadlineMs);
      if (this.#broken !== undefined) {
        settle(this.#broken);
        return;
      }
      this.#socket.once("close", onClose);
      start(settle);
    });
  }

  #break(problem: string, cause?: unknown): HostError {
    this.#broken ??= new HostError("journal-unreachable", `the journal cannot be reached: ${problem}`, { cause });
    return this.#broken;
  }
}

/** journald cuts lines at 48 KiB; no field of ours needs more than this. */
const maxField = 1024;

function shortened(fields: Omit<Fields, "event">): Omit<Fields, "event"> {
  const isLong = (value: Fields[string]) => typeof value === "string" && value.length > maxField;
  if (!Object.values(fields).some(isLong)) return fields;
  const entries = Object.entries(fields).map(([name, value]) => {
    return [name, isLong(value) ? `${String(value).slice(0, maxField)}…` : value] as const;
  });
  return Object.fromEntries(entries);
}

/** JSON on one line in which no character moves a terminal's cursor or reorders text. */
export function jsonLine(value: Record<string, unknown>): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
