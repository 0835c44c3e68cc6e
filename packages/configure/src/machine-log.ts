import { destination, pino } from "pino";
import type { Tell } from "./ceremony/hall.ts";
import { changeJson } from "./report.ts";
import type { Site } from "./site.ts";

export interface MachineLog {
  readonly change: Site["done"];
  readonly event: Tell;
}

const standardError = 2;

/** JSON lines on standard error. Neither changes nor events hold a secret. */
export function machineLog(): MachineLog {
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ fd: standardError, sync: true }),
  );
  return {
    change(device, change) {
      const { text, ...fields } = changeJson(change);
      logger.info({ device, ...fields }, String(text));
    },
    event(event, text, fields) {
      logger.info({ event, ...fields }, text);
    },
  };
}
