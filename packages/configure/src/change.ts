import { formatKeyRef } from "@signstar/config/key-ref";
import type { KeyRef } from "@signstar/config/model";
import type { NamespaceId, UserId } from "@signstar/nethsm/ids";
import type { DesiredKey, DesiredUser } from "./desired.ts";
import { describeFlow, type FlowChange, isFlowChange } from "./flow-change.ts";
import { describeSetting, isSettingChange, type SettingChange } from "./setting-change.ts";

/**
 * One step from what is to what should be. `as` is the administrator who may do it: the NetHSM lets only callers of
 * the same namespace change users, and only they see its keys. Each step may be interrupted and, if it is still
 * wanted after a new look at the device, repeated.
 */
export type Change =
  | { readonly kind: "trust-certificate"; readonly sha256: string }
  | {
      readonly kind: "write-admin-credentials";
      readonly users: readonly UserId[];
      /** `iteration`: all of them anew, since the configuration is of another iteration. */
      readonly why: "administrators" | "iteration";
    }
  | { readonly kind: "provision" }
  | { readonly kind: "unlock" }
  | { readonly kind: "set-unlock-passphrase"; readonly as: UserId }
  | { readonly kind: "set-backup-passphrase"; readonly as: UserId }
  | { readonly kind: "create-administrator"; readonly as: UserId; readonly user: UserId }
  | { readonly kind: "set-administrator-passphrase"; readonly as: UserId; readonly user: UserId }
  | { readonly kind: "create-namespace"; readonly as: UserId; readonly namespace: NamespaceId }
  | { readonly kind: "remove-namespace"; readonly as: UserId; readonly namespace: NamespaceId }
  | { readonly kind: "create-user"; readonly as: UserId; readonly user: DesiredUser }
  | { readonly kind: "set-passphrase"; readonly as: UserId; readonly user: DesiredUser }
  /** When every device has answered with the new one. */
  | { readonly kind: "settle-passphrase"; readonly user: DesiredUser }
  | { readonly kind: "settle-admin-credentials" }
  | { readonly kind: "keep-backup" }
  | { readonly kind: "restore-from-leader"; readonly reasons: readonly string[] }
  | { readonly kind: "remove-user"; readonly as: UserId; readonly user: UserId }
  | { readonly kind: "add-user-tag"; readonly as: UserId; readonly user: UserId; readonly tag: string }
  | { readonly kind: "remove-user-tag"; readonly as: UserId; readonly user: UserId; readonly tag: string }
  | { readonly kind: "generate-key"; readonly as: UserId; readonly key: DesiredKey }
  | { readonly kind: "remove-key"; readonly as: UserId; readonly key: KeyRef }
  | { readonly kind: "add-key-tag"; readonly as: UserId; readonly key: KeyRef; readonly tag: string }
  | { readonly kind: "remove-key-tag"; readonly as: UserId; readonly key: KeyRef; readonly tag: string }
  | {
      readonly kind: "make-certificate";
      readonly as: UserId;
      readonly key: DesiredKey;
      readonly userId: string;
      /** Of the certificate it replaces, in seconds; undefined: now. */
      readonly createdAt: number | undefined;
      readonly why: string | undefined;
    }
  /** From the file to the device. */
  | { readonly kind: "store-certificate"; readonly as: UserId; readonly key: KeyRef }
  /** From the device to the file. */
  | { readonly kind: "write-certificate"; readonly as: UserId; readonly key: KeyRef };

export type ChangeKind = Change["kind"];

/** What can be told of: a step of a plan, or to a setting of the device, or what is done to a device as a whole. */
export type AnyChange = Change | SettingChange | FlowChange;

/** One line for people: `+` new, `~` other, `-` gone. */
export function describe(change: AnyChange): string {
  if (isFlowChange(change)) return describeFlow(change);
  if (isSettingChange(change)) return describeSetting(change);
  switch (change.kind) {
    case "trust-certificate":
      return `+ TLS certificate sha256:${change.sha256} is trusted: the device is unprovisioned and showed it first`;
    case "write-admin-credentials":
      return change.why === "iteration"
        ? `~ admin credentials: all passphrases made anew, those of ${change.users.join(", ")} among them`
        : `+ admin credentials on this host for ${change.users.join(", ")}`;
    case "provision":
      return "+ device provisioned, with the passphrases of the admin credentials";
    case "unlock":
      return "~ device unlocked";
    case "set-unlock-passphrase":
      return "~ unlock passphrase, from the admin credentials";
    case "set-backup-passphrase":
      return "~ backup passphrase, from the admin credentials";
    case "create-administrator":
      return `+ administrator ${change.user}`;
    case "set-administrator-passphrase":
      return `~ administrator ${change.user}: passphrase, from the admin credentials`;
    case "create-namespace":
      return `+ namespace ${change.namespace}`;
    case "remove-namespace":
      return `- namespace ${change.namespace} with all its keys`;
    case "create-user":
      return `+ user ${change.user.id} (${change.user.role}, for ${change.user.systemUser})`;
    case "set-passphrase":
      return `~ user ${change.user.id}: fresh passphrase, for ${change.user.systemUser}`;
    case "settle-passphrase":
      return `~ user ${change.user.id}: passphrase is in force, the one before is forgotten`;
    case "settle-admin-credentials":
      return "~ admin credentials: in force on every device, those before are forgotten";
    case "keep-backup":
      return "+ backup kept on this host";
    case "restore-from-leader":
      return `~ restored from a backup of the first device: ${change.reasons.join("; ")}`;
    case "remove-user":
      return `- user ${change.user}`;
    case "add-user-tag":
      return `~ user ${change.user}: + tag ${change.tag}`;
    case "remove-user-tag":
      return `~ user ${change.user}: - tag ${change.tag}`;
    case "generate-key":
      return `+ key ${formatKeyRef(change.key)} (${keyKind(change.key)}, for ${change.key.operator})`;
    case "remove-key":
      return `- key ${formatKeyRef(change.key)}`;
    case "add-key-tag":
      return `~ key ${formatKeyRef(change.key)}: + tag ${change.tag}`;
    case "remove-key-tag":
      return `~ key ${formatKeyRef(change.key)}: - tag ${change.tag}`;
    case "make-certificate": {
      const what = `OpenPGP certificate of key ${formatKeyRef(change.key)} for ${JSON.stringify(change.userId)}`;
      return change.why === undefined ? `+ ${what}` : `~ ${what}: made again, ${change.why}`;
    }
    case "store-certificate":
      return `~ OpenPGP certificate of key ${formatKeyRef(change.key)}: stored on the device`;
    case "write-certificate":
      return `~ OpenPGP certificate of key ${formatKeyRef(change.key)}: written to this host`;
  }
}

export function keyKind(key: Pick<DesiredKey, "type" | "length">): string {
  return key.length === undefined ? key.type : `${key.type} ${key.length}`;
}

/** Whether a device's users, keys or passphrases are others afterwards, so that a backup made before is none of it. */
export function touchesDevice({ kind }: Change): boolean {
  return !besideTheDevice.includes(kind);
}

const besideTheDevice: readonly ChangeKind[] = [
  "trust-certificate",
  "write-admin-credentials",
  "unlock",
  "settle-passphrase",
  "settle-admin-credentials",
  "keep-backup",
  "write-certificate",
];
