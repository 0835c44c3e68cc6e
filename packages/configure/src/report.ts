import { printable } from "@signstar/command/printable";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import type { SystemState } from "@signstar/nethsm/types";
import { type AnyChange, describe } from "./change.ts";
import type { Plan } from "./plan.ts";

export interface DevicePlan {
  readonly url: DeviceUrl;
  readonly state: SystemState | "Unreachable";
  readonly plan: Plan<AnyChange>;
}

/** Whether there is something to do, or to decide. */
export function isPending({ plan }: DevicePlan): boolean {
  return plan.changes.length > 0 || plan.conflicts.length > 0;
}

/** For people: `+` new, `~` other, `-` gone, `!` in the way, `=` left as it is. */
export function planText(devices: readonly DevicePlan[]): string {
  return devices.map(deviceText).join("\n");
}

function deviceText(device: DevicePlan): string {
  const { changes, conflicts, notes } = device.plan;
  const lines = [
    ...changes.map(describe),
    ...conflicts.map((conflict) => `! ${conflict}`),
    ...(isPending(device) ? [] : ["nothing to do"]),
    ...notes.map((note) => `= ${note}`),
  ];
  return [`${device.url} (${device.state})`, ...lines.map((line) => `  ${printable(line)}`), ""].join("\n");
}

/** `{"devices":[{"url","state","changes":[{"text","kind",…}],"conflicts","notes"}]}` */
export function planJson(devices: readonly DevicePlan[]): string {
  const document = devices.map(({ url, state, plan: { changes, conflicts, notes } }) => ({
    url,
    state,
    changes: changes.map(changeJson),
    conflicts,
    notes,
  }));
  return `${JSON.stringify({ devices: document })}\n`;
}

export interface Made {
  readonly device: DeviceUrl;
  readonly change: AnyChange;
}

/** `{"url","changes":[…]}` for one device, `{"devices":[{"url","changes":[…]}]}` for several. */
export function madeJson(connections: readonly { readonly url: DeviceUrl }[], made: readonly Made[]): string {
  const devices = connections.map(({ url }) => ({
    url,
    changes: made.filter(({ device }) => device === url).map(({ change }) => changeJson(change)),
  }));
  const [only, ...others] = devices;
  return `${JSON.stringify(others.length === 0 ? only : { devices })}\n`;
}

export function changeJson(change: AnyChange): Readonly<Record<string, unknown>> {
  return { text: describe(change), ...change };
}
