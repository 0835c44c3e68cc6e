/** Signs files; a bad one does not stop the others. */
import type { HashedFile } from "@signstar/hash-state/hash-file";
import { Failure } from "@signstar/primitives/failure";
import { signatureIn } from "./answer.ts";
import { isConnectionFailure } from "./errors.ts";
import { writeTarget } from "./new-file.ts";
import { requestFor } from "./prepare.ts";
import { Progress } from "./progress.ts";
import { hashUnlessSigned, type Item, outputOf, type SignJob } from "./sign-job.ts";
import { sizeHint } from "./source-file.ts";
import { Tally } from "./tally.ts";
import { uninterrupted } from "./uninterrupted.ts";

/**
 * A single file's failure is thrown as it is. Of several files each failure is told as it happens and a summary is
 * thrown at the end (see Tally). Two files in a row for which no connection came about end the run, as does the end
 * of a connection that they share.
 */
export async function signFiles(job: SignJob): Promise<void> {
  const progress = new Progress(job.files.map(sizeHint), job.status, () => performance.now());
  const items = job.files.map((file, i) => ({ file, target: job.targets[i] }));
  const [only] = items;
  if (items.length === 1 && only !== undefined) {
    await signFile(job, only, progress);
    return;
  }
  const tally = new Tally(items.length, job.note);
  if (job.batch === undefined) {
    await signSingly(job, items, progress, tally);
  } else {
    const { signBatch } = await import("./sign-batch.ts");
    const left = await signBatch({ ...job, ...job.batch }, items, progress, tally);
    if (left.length > 0) {
      job.note(`${job.batch.host} signs one file per connection`);
      await signSingly(job, left, progress, tally);
    }
  }
  tally.finish();
}

/** `hashed` are those that cannot or need not be read again. */
async function signSingly(
  job: SignJob,
  items: readonly (Item & { readonly hashed?: HashedFile })[],
  progress: Progress,
  tally: Tally,
): Promise<void> {
  let unconnected = 0;
  for (const [i, item] of items.entries()) {
    try {
      await signFile(job, item, progress, item.hashed);
      unconnected = 0;
    } catch (thrown) {
      progress.pause();
      if (!(thrown instanceof Failure)) throw thrown;
      tally.fail(item.file, thrown);
      unconnected = isConnectionFailure(thrown) ? unconnected + 1 : 0;
      if (unconnected === 2) {
        tally.leave(items.slice(i + 1).map(({ file }) => file));
        return;
      }
    }
  }
}

async function signFile(job: SignJob, item: Item, progress: Progress, known?: HashedFile): Promise<void> {
  const hashed = known ?? (await hashUnlessSigned(job, item, progress));
  progress.pause();
  if (hashed === undefined) return;
  const answer = await job.exchange(requestFor(hashed, item.file, job.layout));
  const packet = await signatureIn(answer, hashed, job.certificate);
  const output = outputOf(packet, job);
  const { target } = item;
  if (target === undefined) job.write(output);
  else await uninterrupted(() => writeTarget(target, Buffer.from(output), job.force));
}
