import type { SystemState } from "@signstar/nethsm/types";

/** What is done to a device as a whole, outside of any plan. */
export type FlowChange =
  | { readonly kind: "reboot" }
  | { readonly kind: "shutdown" }
  | { readonly kind: "factory-reset" }
  /** Into a device in this state. */
  | { readonly kind: "restore"; readonly state: SystemState; readonly sha256: string }
  /** Uploaded and committed; the device is about to start with it. */
  | {
      readonly kind: "update";
      readonly from: string;
      readonly to: string;
      /** The vendor's own words. */
      readonly releaseNotes: string;
    }
  | { readonly kind: "updated"; readonly to: string };

const kinds: readonly string[] = [
  "reboot",
  "shutdown",
  "factory-reset",
  "restore",
  "update",
  "updated",
] satisfies FlowChange["kind"][];

export function isFlowChange(change: { readonly kind: string }): change is FlowChange {
  return kinds.includes(change.kind);
}

/** One line for people: `+` new, `~` other, `-` gone. */
export function describeFlow(change: FlowChange): string {
  switch (change.kind) {
    case "reboot":
      return "~ device restarts";
    case "shutdown":
      return "~ device shuts down";
    case "factory-reset":
      return "- all that was on the device";
    case "restore":
      return change.state === "Unprovisioned"
        ? `+ device restored from backup ${change.sha256}: settings, users, keys`
        : `~ device restored from backup ${change.sha256}: users, keys, passphrases`;
    case "update":
      return `~ update from ${change.from} to ${change.to} installed, device restarts: ${JSON.stringify(change.releaseNotes)}`;
    case "updated":
      return `~ device runs ${change.to}`;
  }
}
