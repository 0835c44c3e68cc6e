/** Shared settings of a version 0 backup, which come in the clear and wait under the device key for the domain key. */
import { fromBase64, toBase64, toUtf8 } from "@signstar/primitives/bytes";
import { object, optional, readJson, text } from "./body.ts";
import type { SharedSetting } from "./paths.ts";

export type Pending = readonly (readonly [SharedSetting, Uint8Array])[];

const pendingRecord = object({
  "backup-salt": optional(text),
  "backup-key": optional(text),
  "cluster-ca": optional(text),
});

export function encodePending(pending: Pending): Uint8Array {
  return toUtf8(JSON.stringify(Object.fromEntries(pending.map(([name, value]) => [name, toBase64(value)]))));
}

/** An empty record is none. */
export function decodePending(record: Uint8Array): Pending {
  if (record.length === 0) return [];
  const values = readJson(record, pendingRecord);
  return (["backup-salt", "backup-key", "cluster-ca"] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [[name, fromBase64(value)] as const];
  });
}
