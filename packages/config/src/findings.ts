import { formatPath, type Path } from "./path.ts";

export interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** Collects what is wrong and what is doubtful, so that a reader of the config learns everything at once. */
export class Findings {
  readonly #problems: Finding[] = [];
  readonly #warnings: string[] = [];

  problem(path: Path, message: string): void {
    this.#problems.push({ path, message });
  }

  warn(path: Path, message: string): void {
    const where = formatPath(path);
    this.#warnings.push(where === "" ? message : `${where}: ${message}`);
  }

  get problems(): readonly Finding[] {
    return this.#problems;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }
}
