/** What is to be signed, and the two ends of it that are the same over every connection. */
import type { HashedFile } from "@signstar/hash-state/hash-file";
import type { StateLayout } from "@signstar/hash-state/sha512-state";
import { armor } from "@signstar/openpgp/armor";
import type { Certificate } from "@signstar/openpgp/certificate";
import type { Exchange } from "./exchange.ts";
import { isThere, requireSignature } from "./existing.ts";
import type { OpenLink } from "./link.ts";
import { checkTarget, type Target } from "./output.ts";
import type { Progress } from "./progress.ts";
import { hashSource } from "./source-file.ts";

export interface SignJob {
  readonly files: readonly string[];
  /** One for each file. */
  readonly targets: readonly Target[];
  /** The plain protocol. */
  readonly exchange: Exchange;
  /** For several files over one connection; without it each has its own. */
  readonly batch: { readonly open: OpenLink; readonly host: string; readonly timeoutMs: number } | undefined;
  readonly layout: StateLayout;
  readonly certificate: Certificate | undefined;
  readonly armor: boolean;
  readonly force: boolean;
  /** A signature that is there already is checked and left. */
  readonly skipExisting: boolean;
  /** Gets signatures that go to standard output. */
  readonly write: (bytes: string | Uint8Array) => void;
  readonly note: (line: string) => void;
  /** The progress line; nothing is shown where there is no terminal. */
  readonly status: (line: string) => void;
}

/** One file of a job. */
export interface Item {
  readonly file: string;
  readonly target: Target;
}

/** Undefined: there is a good signature already. Throws Failures of the file. */
export async function hashUnlessSigned(
  job: Pick<SignJob, "skipExisting" | "force" | "certificate">,
  { file, target }: Item,
  progress: Progress,
): Promise<HashedFile | undefined> {
  const existing = job.skipExisting && isThere(target) ? target : undefined;
  checkTarget(target, file, job.force || existing !== undefined);
  progress.begin(file);
  const hashed = await hashSource(file, (bytes) => progress.hashed(bytes));
  if (existing === undefined) return hashed;
  await requireSignature(existing, hashed, job.certificate);
  return undefined;
}

export function outputOf(packet: Uint8Array, job: Pick<SignJob, "armor">): string | Uint8Array {
  return job.armor ? armor("PGP SIGNATURE", packet) : packet;
}
