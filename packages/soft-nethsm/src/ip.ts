/** Addresses as bytes, for certificates and stored settings. */
import { isIP } from "node:net";

/** 0: no address. */
export function ipVersion(text: string): 0 | 4 | 6 {
  const version = isIP(text);
  return version === 4 || version === 6 ? version : 0;
}

/** 4 or 16 bytes of what `ipVersion` calls an address. */
export function addressBytes(address: string): Uint8Array {
  return ipVersion(address) === 4 ? ipv4Bytes(address) : ipv6Bytes(address);
}

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

function ipv6Bytes(address: string): Uint8Array {
  const [, before = "", tail] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  if (tail !== undefined) return ipv6Bytes(before + groupsOf(ipv4Bytes(tail)));
  const [front = "", back] = (address.split("%")[0] ?? "").split("::");
  const first = front === "" ? [] : front.split(":");
  const last = back === undefined || back === "" ? [] : back.split(":");
  const groups = [...first, ...Array<string>(8 - first.length - last.length).fill("0"), ...last];
  return Uint8Array.from(
    groups.flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >>> 8, value & 0xff];
    }),
  );
}

function groupsOf([a = 0, b = 0, c = 0, d = 0]: Uint8Array): string {
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** The mask of this many leading ones, in dotted notation. */
export function maskOf(prefix: number): string {
  const bits = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join(".");
}

/** The inverse of `maskOf`; undefined if the ones are not together in front. */
export function prefixOf(mask: string): number | undefined {
  return Array.from({ length: 33 }, (_, prefix) => prefix).find((prefix) => maskOf(prefix) === mask);
}
