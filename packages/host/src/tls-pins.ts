/**
 * `tls-pins.json`: certificates that devices have shown and that are trusted beside those of the config.
 * `{"version":1,"devices":{"https://…/api/v1":["<SHA-256 of the DER certificate in hex>"]}}`
 */
import { type Connection, type DeviceUrl, parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";
import { readSafeFile } from "./safe-file.ts";

export type TlsPins = ReadonlyMap<DeviceUrl, readonly string[]>;

/** Some hundred devices. */
const maxBytes = 64 * 1024;

/** The pins in the file at `path`; none if it is missing. Throws HostError (pins-unusable). */
export function readTlsPins(path: string, owners: readonly number[]): TlsPins {
  let bytes: Uint8Array;
  try {
    bytes = readSafeFile(path, { maxBytes, owners, mode: "readable" });
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "file-missing") return new Map();
    throw unusable(path, thrown);
  }
  return parseTlsPins(bytes, path);
}

/** Throws HostError (pins-unusable). */
export function parseTlsPins(bytes: Uint8Array, path: string): TlsPins {
  try {
    const { version, devices, ...others } = object(JSON.parse(fromUtf8(bytes)));
    if (version !== 1) throw new TypeError("version is not 1");
    if (Object.keys(others).length > 0) throw new TypeError("it has unknown members");
    return new Map(
      Object.entries(object(devices)).map(([url, pins]) => {
        if (!Array.isArray(pins)) throw new TypeError("pins are not a list");
        return [parseDeviceUrl(url), pins.map(pinIn)];
      }),
    );
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): HostError {
  return new HostError("pins-unusable", `${path} cannot be used: ${messageOf(cause)}`, {
    cause,
    hint: "put the fingerprints into the config and remove the file",
  });
}

export function encodeTlsPins(pins: TlsPins): Uint8Array {
  return toUtf8(`${JSON.stringify({ version: 1, devices: Object.fromEntries(pins) }, undefined, 2)}\n`);
}

/** The connection with what was learnt about its device. Only pinned connections learn. */
export function withLearntPins({ url, tls }: Connection, pins: TlsPins): Connection {
  if (tls.mode !== "pinned") return { url, tls };
  return { url, tls: { mode: "pinned", sha256: [...new Set([...tls.sha256, ...(pins.get(url) ?? [])])] } };
}

function pinIn(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a pin is not text");
  return parsePin(value);
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new TypeError("it is not an object");
}
