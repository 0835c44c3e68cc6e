/** Signs files one after the other; a bad one does not stop the others. */
import type { StateLayout } from "@signstar/hash-state/sha512-state";
import { armor } from "@signstar/openpgp/armor";
import type { Certificate } from "@signstar/openpgp/certificate";
import { Exit, Failure } from "@signstar/primitives/failure";
import { signatureIn } from "./answer.ts";
import { ClientError, isConnectionFailure } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { checkTarget, type Target, writeTarget } from "./output.ts";
import { requestFor } from "./prepare.ts";
import { Progress } from "./progress.ts";
import { hashSource, sizeHint } from "./source-file.ts";
import { uninterrupted } from "./uninterrupted.ts";

export interface SignJob {
  readonly files: readonly string[];
  /** One for each file. */
  readonly targets: readonly Target[];
  readonly exchange: Exchange;
  readonly layout: StateLayout;
  readonly certificate: Certificate | undefined;
  readonly armor: boolean;
  readonly force: boolean;
  /** Gets signatures that go to standard output. */
  readonly write: (bytes: string | Uint8Array) => void;
  readonly note: (line: string) => void;
  /** The progress line; nothing is shown where there is no terminal. */
  readonly status: (line: string) => void;
}

/**
 * A single file's failure is thrown as it is. Of several files each failure is told as it happens and a summary is
 * thrown at the end: its exit code is 76 if any answer was not to be believed, else that of the first failure. Two
 * files in a row for which no connection came about end the run.
 */
export async function signFiles(job: SignJob): Promise<void> {
  const progress = new Progress(job.files.map(sizeHint), job.status, () => performance.now());
  const failed: { readonly file: string; readonly failure: Failure }[] = [];
  let unconnected = 0;
  for (const [i, file] of job.files.entries()) {
    try {
      await signFile(job, file, job.targets[i], progress);
      unconnected = 0;
    } catch (thrown) {
      progress.pause();
      if (!(thrown instanceof Failure) || job.files.length === 1) throw thrown;
      job.note(`${file}: ${thrown.message}`);
      if (thrown.hint !== undefined) job.note(`hint: ${thrown.hint}`);
      failed.push({ file, failure: thrown });
      unconnected = isConnectionFailure(thrown) ? unconnected + 1 : 0;
      if (unconnected === 2) {
        const untried = job.files.slice(i + 1);
        throw summary(job.files.length, failed, untried);
      }
    }
  }
  if (failed.length > 0) throw summary(job.files.length, failed, []);
}

async function signFile(job: SignJob, file: string, target: Target, progress: Progress): Promise<void> {
  checkTarget(target, file, job.force);
  progress.begin(file);
  const hashed = await hashSource(file, (bytes) => progress.hashed(bytes));
  progress.pause();
  const answer = await job.exchange(requestFor(hashed, file, job.layout));
  const packet = await signatureIn(answer, hashed, job.certificate);
  const output = job.armor ? armor("PGP SIGNATURE", packet) : packet;
  if (target === undefined) job.write(output);
  else await uninterrupted(() => writeTarget(target, Buffer.from(output), job.force));
}

function summary(
  files: number,
  failed: readonly { readonly file: string; readonly failure: Failure }[],
  untried: readonly string[],
): ClientError {
  const exits = failed.map(({ failure }) => failure.exit);
  const exit = exits.includes(Exit.protocol) ? Exit.protocol : (exits[0] ?? Exit.software);
  const names = failed.map(({ file }) => file).join(", ");
  const rest = untried.length === 0 ? "" : `; not tried: ${untried.join(", ")}`;
  const count = failed.length + untried.length;
  return new ClientError("some-failed", `${count} of ${files} files not signed: ${names}${rest}`, { exit });
}
