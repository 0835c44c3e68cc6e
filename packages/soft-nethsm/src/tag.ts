import { createHash } from "node:crypto";
import type { Device } from "./device.ts";

/** The tag of a stored record: from its encrypted form, so it changes with every rewrite. Undefined if never written. */
export function recordTag(device: Device, path: string): string | undefined {
  const record = device.records.get(path);
  return record && createHash("sha256").update(record).digest("hex").slice(0, 32);
}
