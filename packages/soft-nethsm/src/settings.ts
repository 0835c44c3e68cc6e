/** How settings are stored, and what they are before anyone sets them. */
import { concat, fromUtf8, toUtf8, u16be, u32be } from "@signstar/primitives/bytes";
import { integer, object, optional, orNull, readJson, text } from "./body.ts";
import { Refusal } from "./http.ts";
import { addressBytes, ipVersion, maskOf, prefixOf } from "./ip.ts";
import type { LocalSetting } from "./paths.ts";

export interface Network {
  readonly address: string;
  /** Bits of the network part. */
  readonly prefix: number;
  readonly gateway: string | null;
  readonly ipv6: { readonly cidr: string; readonly gateway: string | null } | undefined;
}

export interface Logging {
  readonly ipAddress: string;
  readonly port: number;
  readonly logLevel: string;
}

export const defaultNetwork: Network = { address: "192.168.1.1", prefix: 24, gateway: null, ipv6: undefined };
export const defaultLogging: Logging = { ipAddress: "0.0.0.0", port: 514, logLevel: "info" };

export function encodeNetwork(network: Network): Uint8Array {
  const ipv4 = { cidr: `${network.address}/${network.prefix}`, gateway: network.gateway };
  return toUtf8(JSON.stringify(network.ipv6 === undefined ? { ipv4 } : { ipv4, ipv6: network.ipv6 }));
}

export function encodeLogging(logging: Logging): Uint8Array {
  return toUtf8(JSON.stringify(logging));
}

const gateway = orNull(text);
const storedNetwork = object({
  ipv4: object({ cidr: text, gateway }),
  ipv6: optional(object({ cidr: text, gateway })),
});

/** Throws Refusal when the record is not what `encodeNetwork` or a device wrote. */
export function decodeNetwork(record: Uint8Array): Network {
  const { ipv4, ipv6 } = readJson(record, storedNetwork);
  const [address = "", bits = ""] = ipv4.cidr.split("/");
  const isBits = /^\d{1,2}$/.test(bits) && Number(bits) <= 32;
  if (ipVersion(address) !== 4 || !isBits || (ipv4.gateway !== null && ipVersion(ipv4.gateway) !== 4)) {
    throw new Refusal(400, "The stored network is malformed.");
  }
  return { address, prefix: Number(bits), gateway: ipv4.gateway, ipv6 };
}

export const decodeLogging = (record: Uint8Array): Logging =>
  readJson(record, object({ ipAddress: text, port: integer, logLevel: text }));

export const localDefaults: Readonly<Record<LocalSetting, Uint8Array>> = {
  "unlock-salt": new Uint8Array(0),
  certificate: new Uint8Array(0),
  "private-key": new Uint8Array(0),
  "ip-config": encodeNetwork(defaultNetwork),
  "log-config": encodeLogging(defaultLogging),
  "time-offset": toUtf8("0"),
  "unattended-boot": toUtf8("0"),
  "pending-unlock-migrations": new Uint8Array(0),
};

/** Each certificate behind its length (4 bytes, big endian), leaf first. */
export function encodeCertificates(chain: readonly Uint8Array[]): Uint8Array {
  return concat(...chain.flatMap((certificate) => [u32be(certificate.length), certificate]));
}

/** Throws RangeError when a length goes past the end. */
export function decodeCertificates(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chain: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + view.getUint32(at);
    if (end > bytes.length) throw new RangeError("certificate is longer than its record");
    chain.push(bytes.slice(at + 4, end));
    at = end;
  }
  return chain;
}

/** Backup version 0: gateway, address, netmask, 4 bytes each; it knows no IPv6. */
export function encodeNetworkV0({ address, prefix, gateway }: Network): Uint8Array {
  return concat(addressBytes(gateway ?? "0.0.0.0"), addressBytes(address), addressBytes(maskOf(prefix)));
}

/** Throws RangeError. */
export function decodeNetworkV0(bytes: Uint8Array): Network {
  const part = (i: number) => bytes.subarray(4 * i, 4 * i + 4).join(".");
  const prefix = prefixOf(part(2));
  if (bytes.length !== 12 || prefix === undefined) throw new RangeError("network setting is malformed");
  return { address: part(1), prefix, gateway: part(0) === "0.0.0.0" ? null : part(0), ipv6: undefined };
}

/** Backup version 0: address (4 bytes), port (2), level as text; an IPv6 address cannot be said and becomes "off". */
export function encodeLoggingV0({ ipAddress, port, logLevel }: Logging): Uint8Array {
  return concat(
    addressBytes(ipVersion(ipAddress) === 4 ? ipAddress : "0.0.0.0"),
    u16be(port & 0xffff),
    toUtf8(logLevel),
  );
}

/** Throws RangeError. */
export function decodeLoggingV0(bytes: Uint8Array): Logging {
  if (bytes.length < 6) throw new RangeError("logging setting is malformed");
  const port = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint16(4);
  return { ipAddress: bytes.subarray(0, 4).join("."), port, logLevel: fromUtf8(bytes.subarray(6)) };
}
