/** Records by path, changed in whole steps: a commit is durable in full when it resolves, and never in part. */
export type Records = ReadonlyMap<string, Uint8Array>;
/** `undefined` removes the record. */
export type Changes = ReadonlyMap<string, Uint8Array | undefined>;

export interface Storage {
  readonly records: Records;
  /** Applies all changes or, when it rejects, none. Commits must not overlap. */
  commit(changes: Changes): Promise<void>;
  close(): Promise<void>;
}

export function applied(records: Records, changes: Changes): Map<string, Uint8Array> {
  const next = new Map(records);
  for (const [path, value] of changes) {
    if (value === undefined) next.delete(path);
    else next.set(path, value);
  }
  return next;
}

/** For tests and throw-away devices: what is committed lives as long as the process. */
export class MemoryStorage implements Storage {
  #records: Records;

  constructor(records: Records = new Map()) {
    this.#records = records;
  }

  get records(): Records {
    return this.#records;
  }

  async commit(changes: Changes): Promise<void> {
    this.#records = applied(this.#records, changes);
  }

  async close(): Promise<void> {}
}
