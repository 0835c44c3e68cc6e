/** Devices and the users known for them. Values are never changed: what changes something returns new settings. */
import type { UserId } from "@signstar/nethsm/ids";
import type { Connection } from "@signstar/nethsm/tls";
import type { Role } from "@signstar/nethsm/types";
import type { Secret } from "@signstar/primitives/secret";
import { SettingsError } from "./errors.ts";

export type PassphraseSource =
  /** In the file itself. */
  | { readonly kind: "stored"; readonly passphrase: Secret }
  /** What a program prints: its name and its arguments, without a shell. */
  | { readonly kind: "command"; readonly argv: readonly [string, ...string[]] }
  /** A credential that systemd gave to the service (LoadCredential=, LoadCredentialEncrypted=). */
  | { readonly kind: "systemd"; readonly name: string };

export interface StoredCredentials {
  readonly name: UserId;
  readonly role: Role;
  /** Undefined: it comes from a file or is asked for. */
  readonly passphrase: PassphraseSource | undefined;
}

export interface DeviceSettings {
  readonly label: string;
  readonly connection: Connection;
  readonly credentials: readonly StoredCredentials[];
}

export interface Settings {
  /** In the order of the file. */
  readonly devices: readonly DeviceSettings[];
}

export const noSettings: Settings = { devices: [] };

/** A label names a device and becomes part of file names. Throws SettingsError `bad-word`. */
export function parseLabel(text: string): string {
  if (isLabel(text)) return text;
  throw new SettingsError("bad-word", `device label ${JSON.stringify(text)} cannot be used`, {
    hint: "use 1 to 128 characters, without slash, and not a dot first",
  });
}

export function isLabel(text: string): boolean {
  return text.length <= 128 && /^(?!\.)[^/\p{C}]+$/u.test(text);
}

/** The device of this label; without one the only device. Throws SettingsError. */
export function deviceOf({ devices }: Settings, label?: string): DeviceSettings {
  const labels = devices.map((device) => device.label);
  if (label !== undefined) {
    const found = devices.find((device) => device.label === label);
    if (found !== undefined) return found;
    const hint = labels.length === 0 ? "there is none" : `there is ${labels.join(", ")}`;
    throw new SettingsError("unknown-device", `no device is labelled ${JSON.stringify(label)}`, { hint });
  }
  const [first, second] = devices;
  if (first === undefined) {
    throw new SettingsError("no-device", "the settings have no device", {
      hint: "add one: nethsm env add device --label LABEL URL TLS_SECURITY",
    });
  }
  if (second === undefined) return first;
  throw new SettingsError("which-device", `there are ${devices.length} devices`, {
    hint: `name one by its label: ${labels.join(", ")}`,
  });
}

/** Throws SettingsError `known-device`. */
export function addDevice(settings: Settings, label: string, connection: Connection): Settings {
  if (settings.devices.some((device) => device.label === label)) {
    throw new SettingsError("known-device", `there is a device ${JSON.stringify(label)} already`);
  }
  return { devices: [...settings.devices, { label: parseLabel(label), connection, credentials: [] }] };
}

/** Throws SettingsError `unknown-device`. */
export function removeDevice(settings: Settings, label: string): Settings {
  const gone = deviceOf(settings, label);
  return { devices: settings.devices.filter((device) => device !== gone) };
}

/** Throws SettingsError `known-credentials`. */
export function addCredentials(settings: Settings, device: DeviceSettings, added: StoredCredentials): Settings {
  if (device.credentials.some(({ name }) => name === added.name)) {
    throw new SettingsError("known-credentials", `there are credentials for ${added.name} already`, {
      hint: "delete them first",
    });
  }
  return replace(settings, { ...device, credentials: [...device.credentials, added] });
}

/** Throws SettingsError `unknown-credentials`. */
export function removeCredentials(settings: Settings, device: DeviceSettings, name: UserId): Settings {
  const left = device.credentials.filter((each) => each.name !== name);
  if (left.length === device.credentials.length) {
    throw new SettingsError("unknown-credentials", `there are no credentials for ${name}`);
  }
  return replace(settings, { ...device, credentials: left });
}

function replace({ devices }: Settings, changed: DeviceSettings): Settings {
  return { devices: devices.map((device) => (device.label === changed.label ? changed : device)) };
}
