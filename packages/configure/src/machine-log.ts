import type { DeviceUrl } from "@signstar/nethsm/tls";
import { destination, pino } from "pino";
import type { Change } from "./change.ts";
import { changeJson } from "./report.ts";

const standardError = 2;

/** One JSON line on standard error for each change made. Changes hold no secret. */
export function machineLog(): (device: DeviceUrl, change: Change) => void {
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ fd: standardError, sync: true }),
  );
  return (device, change) => {
    const { text, ...fields } = changeJson(change);
    logger.info({ device, ...fields }, String(text));
  };
}
