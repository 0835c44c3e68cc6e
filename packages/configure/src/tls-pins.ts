/**
 * `tls-pins.json`: certificates that devices have shown and that are trusted beside those of the configuration.
 * `{"version":1,"devices":{"https://…/api/v1":["<SHA-256 of the DER certificate in hex>"]}}`
 */
import type { DeviceConnection } from "@signstar/config/model";
import { type Connection, type DeviceUrl, parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { ConfigureError } from "./errors.ts";

export type TlsPins = ReadonlyMap<DeviceUrl, readonly string[]>;

/** Throws ConfigureError (bad-pins). */
export function parseTlsPins(bytes: Uint8Array, path: string): TlsPins {
  try {
    const { version, devices, ...others } = object(JSON.parse(fromUtf8(bytes)));
    if (version !== 1) throw new TypeError("version is not 1");
    if (Object.keys(others).length > 0) throw new TypeError("it has unknown members");
    return new Map(
      Object.entries(object(devices)).map(([url, pins]) => {
        if (!Array.isArray(pins)) throw new TypeError("pins are not a list");
        return [parseDeviceUrl(url), pins.map((pin) => parsePin(String(pin)))];
      }),
    );
  } catch (cause) {
    throw new ConfigureError("bad-pins", `${path} cannot be used: ${messageOf(cause)}`, {
      cause,
      hint: "put the fingerprints into the configuration and remove the file",
    });
  }
}

export function encodeTlsPins(pins: TlsPins): Uint8Array {
  return toUtf8(`${JSON.stringify({ version: 1, devices: Object.fromEntries(pins) }, undefined, 2)}\n`);
}

export function withPin(pins: TlsPins, url: DeviceUrl, pin: string): TlsPins {
  return new Map([...pins, [url, [...new Set([...(pins.get(url) ?? []), pin])]]]);
}

/** The connection with what was learnt about its device. Only pinned connections learn. */
export function withLearntPins({ url, tls }: DeviceConnection, pins: TlsPins): Connection {
  if (tls.mode !== "pinned") return { url, tls };
  return { url, tls: { mode: "pinned", sha256: [...new Set([...tls.sha256, ...(pins.get(url) ?? [])])] } };
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new TypeError("it is not an object");
}
