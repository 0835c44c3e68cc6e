import { setImmediate } from "node:timers/promises";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `work`, which must be synchronous, to its end although a signal comes meanwhile; the signal takes effect
 * afterwards. Everywhere else the default holds: the process ends at once.
 */
export async function uninterrupted<T>(work: () => T): Promise<T> {
  let came: NodeJS.Signals | undefined;
  const remember = (signal: NodeJS.Signals): void => {
    came ??= signal;
  };
  for (const signal of signals) process.on(signal, remember);
  try {
    return work();
  } finally {
    // The event loop tells of a signal when it polls, which it has surely done between two of these.
    await setImmediate();
    await setImmediate();
    for (const signal of signals) process.off(signal, remember);
    if (came !== undefined) process.kill(process.pid, came);
  }
}
