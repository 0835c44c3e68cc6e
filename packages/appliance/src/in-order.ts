/**
 * Works on up to `width` items of `source` at a time and hands the results to `emit` one by one, in the order of the
 * items and as soon as each is its turn. `source` is asked for more only when there is room, so memory is bounded by
 * `width`. What `work` or `emit` throws ends everything: `stop` is told, so that it can end a `source` that waits.
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
  let last: Promise<void> = Promise.resolve();
  try {
    for await (const item of source) {
      const before = last;
      const result = steps.work(item);
      last = (async () => {
        // Together, so that neither can fail unseen while the other is waited for.
        const [made] = await Promise.all([result, before]);
        await steps.emit(made);
      })();
      last.catch(steps.stop);
      pending.push(last);
      if (pending.length >= width) await pending.shift();
    }
  } catch (thrown) {
    // If the source was ended by `stop`, the reason is what the pending work says.
    await last;
    throw thrown;
  }
  await last;
}
