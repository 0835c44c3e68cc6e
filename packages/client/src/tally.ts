import { Exit, type Failure } from "@signstar/primitives/failure";
import { ClientError } from "./errors.ts";

/** Names that a summary spells out; of more it gives the number. */
const namedFiles = 20;

/** What became of the files of one run. */
export class Tally {
  readonly #files: number;
  readonly #note: (line: string) => void;
  readonly #failed: string[] = [];
  readonly #exits: Exit[] = [];
  #untried: readonly string[] = [];

  constructor(files: number, note: (line: string) => void) {
    this.#files = files;
    this.#note = note;
  }

  /** One file's failure: told at once. */
  fail(file: string, failure: Failure): void {
    this.#tell(`${file}: ${failure.message}`, failure);
    this.#failed.push(file);
  }

  /** What ended the run: told once, although `failed` had been asked for and `untried` had not. */
  stop(failure: Failure, failed: readonly string[], untried: readonly string[]): void {
    this.#tell(failure.message, failure);
    this.#failed.push(...failed);
    this.#untried = untried;
  }

  /** The files that are left after failures that `fail` has told of. */
  leave(untried: readonly string[]): void {
    this.#untried = untried;
  }

  /** Throws the summary, if anything failed: exit 76 if any answer was not to be believed, else the first failure's. */
  finish(): void {
    const [first] = this.#exits;
    if (first === undefined) return;
    const exit = this.#exits.includes(Exit.protocol) ? Exit.protocol : first;
    const rest = this.#untried.length === 0 ? "" : `not tried: ${named(this.#untried)}`;
    const parts = [named(this.#failed), rest].filter((part) => part !== "").join("; ");
    const count = this.#failed.length + this.#untried.length;
    throw new ClientError("some-failed", `${count} of ${this.#files} files not signed: ${parts}`, { exit });
  }

  #tell(line: string, failure: Failure): void {
    this.#note(line);
    if (failure.hint !== undefined) this.#note(`hint: ${failure.hint}`);
    this.#exits.push(failure.exit);
  }
}

function named(files: readonly string[]): string {
  const more = files.length - namedFiles;
  return files.slice(0, namedFiles).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
