/**
 * Works on up to `width` items of `source` at a time and hands the results to `emit`, in the order of the items and as
 * soon as each is its turn; `emit` is not waited for before the next. `source` is asked for more only when there is
 * room, that is when results have been emitted, so memory is bounded by `width`. What `work` or `emit` throws ends everything: `stop` is told, so that it can end a `source` that waits.
 */
export async function inOrder<Item, Result>(
  source: AsyncIterable<Item>,
  width: number,
  steps: {
    work(item: Item): Promise<Result>;
    emit(result: Result): Promise<void>;
    stop(reason: unknown): void;
  },
): Promise<void> {
  const pending: Promise<void>[] = [];
  let turn: Promise<void> = Promise.resolve();
  try {
    for await (const item of source) {
      const before = turn;
      const result = steps.work(item);
      let emitted: Promise<void> | undefined;
      turn = (async () => {
        // Together, so that neither can fail unseen while the other is waited for.
        const [made] = await Promise.all([result, before]);
        emitted = steps.emit(made);
      })();
      const done = turn.then(() => emitted);
      done.catch(steps.stop);
      pending.push(done);
      if (pending.length >= width) await pending.shift();
    }
  } catch (thrown) {
    // If the source was ended by `stop`, the reason is what the pending work says.
    await Promise.all(pending);
    throw thrown;
  }
  await Promise.all(pending);
}
