/** Many files over one connection: frames leave as files are hashed, answers are written as they come. */
import type { HashedFile } from "@signstar/hash-state/hash-file";
import { toHex } from "@signstar/primitives/bytes";
import { Exit, Failure } from "@signstar/primitives/failure";
import { type BatchAnswer, encodeBatchFrame, parseBatchAnswer } from "@signstar/signing-request/batch";
import { signatureOf } from "./answer.ts";
import { ClientError } from "./errors.ts";
import { maxAnswerBytes, noAnswer, type RemoteEnd, refusalOf, requireSuccess } from "./exchange.ts";
import { type Link, linesOf, type OpenLink } from "./link.ts";
import { requestFor } from "./prepare.ts";
import type { Progress } from "./progress.ts";
import { hashUnlessSigned, type Item, outputOf, type SignJob } from "./sign-job.ts";
import type { Tally } from "./tally.ts";
import { beforeSignal } from "./uninterrupted.ts";
import { Writer } from "./writer.ts";

/** Frames that wait for an answer: more than a server works on at a time, few enough to be kept in memory. */
const window = 128;

export type BatchJob = SignJob & { readonly open: OpenLink; readonly host: string; readonly timeoutMs: number };

interface Hashed extends Item {
  readonly hashed: HashedFile;
}

/**
 * Signs all `items`, each failure going to `tally`. Returns those that are left because the server does not know
 * batches; of them those that were hashed have their hash.
 */
export async function signBatch(
  job: BatchJob,
  items: readonly Item[],
  progress: Progress,
  tally: Tally,
): Promise<readonly (Item & { readonly hashed?: HashedFile })[]> {
  const batch = new Batch(job, items, progress, tally);
  using _ = beforeSignal(() => batch.abandon());
  return await batch.run();
}

class Batch {
  readonly #job: BatchJob;
  readonly #items: readonly Item[];
  readonly #progress: Progress;
  readonly #tally: Tally;
  readonly #writer: Writer;
  /** By id: sent, and not answered yet. */
  readonly #pending = new Map<string, Hashed>();
  #next = 0;
  #frames = 0;
  /** Hashed when the link was already gone. */
  #unsent: Hashed | undefined;
  #link: Link | undefined;
  #answered = 0;
  #lastNews = 0;
  #wake: () => void = () => undefined;

  constructor(job: BatchJob, items: readonly Item[], progress: Progress, tally: Tally) {
    this.#job = job;
    this.#items = items;
    this.#progress = progress;
    this.#tally = tally;
    this.#writer = new Writer(job.force);
  }

  /** Ends everything at once; files that are finished stay. */
  abandon(): void {
    this.#link?.close();
    this.#writer.abandon();
  }

  async run(): Promise<readonly (Item & { readonly hashed?: HashedFile })[]> {
    try {
      for (;;) {
        this.#unsent ??= await this.#hashNext();
        if (this.#unsent === undefined) return [];
        const outcome = await this.#overOneLink();
        if (outcome === "unknown-word") return this.#leftovers();
        if (outcome !== undefined) {
          const names = this.#leftovers().map(({ file }) => file);
          this.#tally.stop(outcome, names.slice(0, this.#pending.size), names.slice(this.#pending.size));
          return [];
        }
      }
    } finally {
      this.#progress.pause();
      await this.#writer.finish();
    }
  }

  /** Undefined: all that was sent is answered, and the next file, if there is one, needs a new link. */
  async #overOneLink(): Promise<Failure | "unknown-word" | undefined> {
    const { open, host } = this.#job;
    const link = open("batch");
    this.#link = link;
    this.#answered = 0;
    const over = new AbortController();
    const watch = this.#watch(over);
    try {
      const reading = this.#read(link).finally(() => {
        over.abort();
        this.#wake();
      });
      // Both to their end, so that every file is where `#leftovers` finds it.
      const [fed] = await Promise.allSettled([this.#feed(link, over.signal), reading]);
      if (fed.status === "rejected") throw fed.reason;
      await reading;
      const end = await link.ended;
      if (this.#answered === 0 && isUnknownWord(end)) return "unknown-word";
      // A server that ends between two frames (it has waited for the next one too long) has done what it was asked.
      if (this.#pending.size === 0 && this.#answered > 0) return undefined;
      requireSuccess(end, host);
      throw new ClientError("bad-answer", `${host} ended and left ${this.#pending.size} requests without an answer`);
    } catch (thrown) {
      const failure = over.signal.reason instanceof Failure ? over.signal.reason : thrown;
      if (!(failure instanceof Failure)) throw failure;
      return failure;
    } finally {
      clearInterval(watch);
      link.close();
      this.#link = undefined;
    }
  }

  /** Hashes and sends until there is nothing more to send or nobody to send it to. */
  async #feed(link: Link, over: AbortSignal): Promise<void> {
    for (;;) {
      while (this.#pending.size >= window && !over.aborted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (over.aborted) return;
      this.#unsent ??= await this.#hashNext();
      if (this.#unsent === undefined) {
        link.finish();
        return;
      }
      if (over.aborted) return;
      const item = this.#unsent;
      this.#unsent = undefined;
      this.#frames += 1;
      const id = String(this.#frames);
      if (this.#pending.size === 0) this.#lastNews = performance.now();
      this.#pending.set(id, item);
      await link.send(`${encodeBatchFrame(id, requestFor(item.hashed, item.file, this.#job.layout))}\n`);
    }
  }

  /** The next file that needs a signature and can be read. */
  async #hashNext(): Promise<Hashed | undefined> {
    for (let item = this.#items[this.#next]; item !== undefined; item = this.#items[this.#next]) {
      this.#next += 1;
      try {
        const hashed = await hashUnlessSigned(this.#job, item, this.#progress);
        this.#progress.rest();
        if (hashed !== undefined) return { ...item, hashed };
        this.#progress.finished();
      } catch (thrown) {
        this.#progress.rest();
        this.#failed(item, thrown);
      }
    }
    return undefined;
  }

  async #read(link: Link): Promise<void> {
    for await (const line of linesOf(link.output, maxAnswerBytes, this.#job.host)) {
      const answer = parseBatchAnswer(line);
      const item = this.#pending.get(answer.id ?? "");
      if (answer.id === null || item === undefined) {
        throw new ClientError("bad-answer", `${this.#job.host} answered what it was not asked`);
      }
      try {
        await this.#take(answer, item);
      } catch (thrown) {
        this.#failed(item, thrown);
      }
      this.#pending.delete(answer.id);
      this.#answered += 1;
      this.#lastNews = performance.now();
      this.#wake();
    }
  }

  async #take(answer: BatchAnswer, item: Hashed): Promise<void> {
    if ("error" in answer) throw refusalOf(answer.error, this.#job.host);
    if (answer.digest !== toHex(item.hashed.digest)) {
      throw new ClientError("not-this-file", "the answer is about another file");
    }
    const packet = await signatureOf(answer.signature, item.hashed, this.#job.certificate);
    const output = outputOf(packet, this.#job);
    const { target } = item;
    if (target === undefined) {
      this.#job.write(output);
      this.#progress.finished();
      return;
    }
    await this.#writer.write(target, Buffer.from(output), (failure) => {
      if (failure !== undefined) this.#failed(item, failure);
      else this.#progress.finished();
    });
  }

  #failed(item: Item, thrown: unknown): void {
    if (!(thrown instanceof Failure)) throw thrown;
    this.#progress.pause();
    this.#tally.fail(item.file, thrown);
  }

  /** Ends a link whose answers stay away. */
  #watch(over: AbortController): NodeJS.Timeout {
    const { host, timeoutMs } = this.#job;
    return setInterval(() => {
      if (this.#pending.size === 0 || performance.now() - this.#lastNews < timeoutMs) return;
      over.abort(noAnswer(host, timeoutMs));
      this.#wake();
      this.#link?.close();
    }, 200);
  }

  /** Everything that has neither a signature nor a failure. */
  #leftovers(): readonly (Item & { readonly hashed?: HashedFile })[] {
    const hashed = [...this.#pending.values(), ...(this.#unsent === undefined ? [] : [this.#unsent])];
    return [...hashed, ...this.#items.slice(this.#next)];
  }
}

/** 64 says that there is no such word; 1 comes from a server that takes the first frame for a request of its own. */
function isUnknownWord({ exit }: RemoteEnd): boolean {
  return exit === Exit.usage || exit === 1;
}
