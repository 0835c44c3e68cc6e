/** JSON lines on standard error. Bodies and Authorization headers are never handed to it. */
import { destination, pino } from "pino";

export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export function stderrLog(): Log {
  return pino(
    { base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ dest: 2, sync: false, minLength: 0 }),
  );
}

export const silentLog: Log = { info: () => undefined, error: () => undefined };
