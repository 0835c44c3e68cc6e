/** What the line at the bottom of a terminal says while files are hashed. */

export interface ProgressView {
  readonly file: string;
  /** Counted from 1. */
  readonly number: number;
  readonly files: number;
  /** Bytes hashed of all files, and of how many; undefined when a file has no size (a pipe). */
  readonly done: number;
  readonly total: number | undefined;
  readonly milliseconds: number;
}

const barWidth = 20;
const nameWidth = 30;

/** One line, e.g. `a.iso [##########----------] 50 %, 512 MiB/s, 0:12 left, file 1 of 3`. */
export function progressLine({ file, number, files, done, total, milliseconds }: ProgressView): string {
  const rate = milliseconds < 200 ? undefined : (done / milliseconds) * 1000;
  const parts: string[] = [];
  if (total === undefined || total === 0) {
    parts.push(`${shorten(file)} ${inUnits(done)}`);
  } else {
    const share = Math.min(done / total, 1);
    const filled = Math.floor(share * barWidth);
    const bar = "#".repeat(filled) + "-".repeat(barWidth - filled);
    parts.push(`${shorten(file)} [${bar}] ${Math.floor(share * 100)} %`);
  }
  if (rate !== undefined && rate > 0) {
    parts.push(`${inUnits(rate)}/s`);
    if (total !== undefined) parts.push(`${asClock(Math.max(total - done, 0) / rate)} left`);
  }
  if (files > 1) parts.push(`file ${number} of ${files}`);
  return parts.join(", ");
}

/** Keeps the count over all files and shows a line at most ten times a second. */
export class Progress {
  readonly #show: (line: string) => void;
  readonly #now: () => number;
  readonly #files: number;
  readonly #total: number | undefined;
  #file = "";
  #number = 0;
  #doneBefore = 0;
  #doneHere = 0;
  #hashingMs = 0;
  #startedAt = 0;
  #shownAt = Number.NEGATIVE_INFINITY;

  /** @param sizes bytes of each file, undefined where there is no size */
  constructor(sizes: readonly (number | undefined)[], show: (line: string) => void, now: () => number) {
    this.#files = sizes.length;
    this.#total = sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    this.#show = show;
    this.#now = now;
  }

  /** The next file's hashing begins. */
  begin(file: string): void {
    this.#file = file;
    this.#number += 1;
    this.#doneHere = 0;
    this.#startedAt = this.#now();
  }

  /** So many bytes of the present file are hashed. */
  hashed(bytes: number): void {
    this.#doneHere = bytes;
    const now = this.#now();
    if (now - this.#shownAt < 100) return;
    this.#shownAt = now;
    this.#show(
      progressLine({
        file: this.#file,
        number: this.#number,
        files: this.#files,
        done: this.#doneBefore + this.#doneHere,
        total: this.#total,
        milliseconds: this.#hashingMs + now - this.#startedAt,
      }),
    );
  }

  /** Hashing is over: takes the line away, so that others may write. Waiting for the server does not count as time. */
  pause(): void {
    this.#hashingMs += this.#now() - this.#startedAt;
    this.#doneBefore += this.#doneHere;
    this.#doneHere = 0;
    this.#shownAt = Number.NEGATIVE_INFINITY;
    this.#show("");
  }
}

function shorten(name: string): string {
  const characters = [...name];
  return characters.length <= nameWidth ? name : `…${characters.slice(1 - nameWidth).join("")}`;
}

function inUnits(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.floor(value) : value.toFixed(1)} ${units[unit]}`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

function asClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = String(rest).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${padded}` : `${minutes}:${padded}`;
}
