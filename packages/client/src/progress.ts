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
  /** Where hashing and signing overlap: how many files have their signature, and since when. */
  readonly signed?: { readonly files: number; readonly milliseconds: number } | undefined;
}

const barWidth = 20;
const nameWidth = 30;

/** One line, e.g. `a.iso [##########----------] 50 %, 512 MiB/s, 0:12 left, file 1 of 3`. */
export function progressLine({ file, number, files, done, total, milliseconds, signed }: ProgressView): string {
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
    const left = total === undefined ? undefined : Math.max(total - done, 0) / rate;
    const seconds = signed === undefined ? left : Math.max(left ?? 0, secondsToSign(files, signed));
    if (seconds !== undefined && Number.isFinite(seconds)) parts.push(`${asClock(seconds)} left`);
  }
  if (signed !== undefined) parts.push(`${signed.files} of ${files} signed`);
  else if (files > 1) parts.push(`file ${number} of ${files}`);
  return parts.join(", ");
}

/** Infinite before the first. */
function secondsToSign(files: number, signed: { readonly files: number; readonly milliseconds: number }): number {
  return ((files - signed.files) * signed.milliseconds) / signed.files / 1000;
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
  #isHashing = false;
  #signed: number | undefined;
  #began: number | undefined;

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
    this.#began ??= this.#startedAt;
    this.#isHashing = true;
  }

  /** So many bytes of the present file are hashed. */
  hashed(bytes: number): void {
    this.#doneHere = bytes;
    this.#update();
  }

  /** One more file has its signature, or needs none; from the first one on the line counts them. */
  finished(): void {
    this.#signed = (this.#signed ?? 0) + 1;
    this.#update();
  }

  /** Hashing is over for now. The time until the next file does not count as time for hashing. */
  rest(): void {
    if (!this.#isHashing) return;
    this.#isHashing = false;
    this.#hashingMs += this.#now() - this.#startedAt;
    this.#doneBefore += this.#doneHere;
    this.#doneHere = 0;
  }

  /** The same, and takes the line away, so that others may write. */
  pause(): void {
    this.rest();
    this.#shownAt = Number.NEGATIVE_INFINITY;
    this.#show("");
  }

  #update(): void {
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
        milliseconds: this.#hashingMs + (this.#isHashing ? now - this.#startedAt : 0),
        signed:
          this.#signed === undefined ? undefined : { files: this.#signed, milliseconds: now - (this.#began ?? now) },
      }),
    );
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
