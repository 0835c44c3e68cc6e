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

/**
 * Until it is disposed of, a signal is met between two turns of the event loop, so synchronous work is not torn:
 * `cleanUp` runs, then the signal takes its usual effect.
 */
export function beforeSignal(cleanUp: () => void): Disposable {
  const meet = (signal: NodeJS.Signals): void => {
    dispose();
    cleanUp();
    process.kill(process.pid, signal);
  };
  const dispose = (): void => {
    for (const signal of signals) process.off(signal, meet);
  };
  for (const signal of signals) process.on(signal, meet);
  return { [Symbol.dispose]: dispose };
}
