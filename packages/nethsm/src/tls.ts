/** Where a device is and how it proves to be the right one. */
import { createHash } from "node:crypto";
import type { Brand } from "@signstar/primitives/brand";
import { NetHsmError } from "./errors.ts";

/** `https://host[:port][/path]`, usually ending with `/api/v1`; without trailing slash. */
export type DeviceUrl = Brand<string, "DeviceUrl">;

export type TlsSecurity =
  /** Any certificate will do: encrypted, but to whom is unknown. For devices on loopback. */
  | { readonly mode: "unsafe" }
  /** The system's certificate authorities and the host name decide. */
  | { readonly mode: "native" }
  /** One of these certificates: lower-case hex of the SHA-256 of the DER end-entity certificate. */
  | { readonly mode: "pinned"; readonly sha256: readonly string[] };

export interface Connection {
  readonly url: DeviceUrl;
  readonly tls: TlsSecurity;
}

/** Strips one trailing slash. Throws NetHsmError `bad-url` (exit 64). */
export function parseDeviceUrl(text: string): DeviceUrl {
  const bad = (problem: string) =>
    new NetHsmError("bad-url", `device URL ${JSON.stringify(text)} ${problem}`, {
      hint: "write it as https://HOST[:PORT]/api/v1",
    });
  const url = URL.parse(text);
  if (url === null) throw bad("is not a URL");
  if (url.protocol !== "https:") throw bad("does not begin with https://");
  if (url.username !== "" || url.password !== "") throw bad("contains credentials");
  if (/[?#\s\\]/.test(text)) throw bad("has more than host, port and path");
  return text.replace(/\/$/, "") as DeviceUrl;
}

/**
 * A certificate pin, 64 hexadecimal digits of either case, with or without `sha256:`, as it stands in `TlsSecurity`.
 * Throws NetHsmError `bad-pin` (exit 64).
 */
export function parsePin(text: string): string {
  const hex = /^(?:sha256:)?([0-9a-fA-F]{64})$/.exec(text)?.[1];
  if (hex !== undefined) return hex.toLowerCase();
  throw new NetHsmError("bad-pin", `certificate pin ${JSON.stringify(text)} is not a SHA-256 digest`, {
    hint: "write it as sha256: and 64 hexadecimal digits",
  });
}

/** The pin of a DER certificate. */
export function pinOf(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}

/** A pin as people see it. */
export function showPin(sha256: string): string {
  return `sha256:${sha256}`;
}
