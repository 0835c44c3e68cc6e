/** Configured × actual settings of the leading device → what to set. Pure. */
import type { CertificateSubject, DeviceNetwork, DeviceSettings, DeviceTls } from "@signstar/config/model";
import type { Network } from "@signstar/nethsm/config";
import { type Connection, showPin } from "@signstar/nethsm/tls";
import type { ActualSettings, ActualTls } from "./actual-settings.ts";
import type { Plan } from "./plan.ts";
import type { SettingChange } from "./setting-change.ts";

/** Where the device is, how it is trusted, and which certificates this host has learnt to trust. */
export interface Reach {
  readonly connection: Connection;
  readonly learntPins: readonly string[];
}

/**
 * What needs no new connection comes first; the certificate changes the pin, and the network may move the device, so
 * that is last. What is not configured stays as it is.
 */
export function planSettings(
  wanted: DeviceSettings | undefined,
  actual: ActualSettings,
  reach: Reach,
): Plan<SettingChange> {
  const changes: SettingChange[] = [];
  const conflicts: string[] = [];
  const notes: string[] = [];
  if (wanted?.bootMode !== undefined && wanted.bootMode !== actual.bootMode) {
    changes.push({ kind: "set-boot-mode", mode: wanted.bootMode });
  }
  if (wanted?.logging !== undefined && !isSameLogging(wanted.logging, actual.logging)) {
    changes.push({ kind: "set-logging", logging: wanted.logging });
  }
  const tls = planTls(wanted?.tls, actual);
  if (tls.length > 0 && reach.connection.tls.mode === "native") conflicts.push(nativeConflict);
  else changes.push(...tls, ...(tls.length === 0 ? planPins(actual.tls, reach) : []));
  if (wanted?.network !== undefined) {
    const network = { ...wanted.network, ipv6: wanted.network.ipv6 ?? kept(actual.network) };
    if (wanted.network.ipv6 !== undefined && isBefore(4, actual.softwareVersion)) {
      conflicts.push(`the device knows no IPv6: it runs release ${actual.softwareVersion}, and 4.0 is needed`);
    } else if (!isSameNetwork(network, actual.network)) {
      changes.push({ kind: "set-network", network, before: actual.network });
    }
    notes.push(...elsewhere(network, reach.connection));
  }
  return { changes, conflicts, notes };
}

const nativeConflict =
  'the TLS key or certificate is not as [device.tls] says, but with tls_security = "Native" only one that an authority has signed would be trusted: have its request signed, or pin the certificate';

function planTls(wanted: DeviceTls | undefined, actual: ActualSettings): SettingChange[] {
  const found = actual.tls;
  if (wanted === undefined || found === undefined) return [];
  const { keyType: type, keyLength: length, subject } = wanted;
  const isKey = type === found.keyType && (length === undefined || length === found.keyLength);
  const isName = subject === undefined || isCertificateFor(subject, found, actual.softwareVersion);
  return [
    ...(isKey ? [] : [{ kind: "generate-tls-key", type, length, before: found.keyType } as const]),
    ...(subject === undefined || (isKey && isName)
      ? []
      : [{ kind: "issue-tls-certificate", subject: requestable(subject, actual.softwareVersion) } as const]),
  ];
}

/** Before release 3.0 requests have no alternative names. */
function requestable(subject: CertificateSubject, release: string | undefined): CertificateSubject {
  return isBefore(3, release) ? { ...subject, subjectAltNames: undefined } : subject;
}

/** Certificates that were trusted while another took their place, or never did. */
function planPins(tls: ActualTls | undefined, { connection, learntPins }: Reach): SettingChange[] {
  if (connection.tls.mode !== "pinned" || tls?.pin === undefined) return [];
  const stale = learntPins.filter((pin) => pin !== tls.pin);
  return stale.length === 0 ? [] : [{ kind: "forget-tls-pins", pins: stale.map(showPin) }];
}

const attributes = [
  ["CN", "commonName"],
  ["C", "countryName"],
  ["ST", "stateOrProvinceName"],
  ["L", "localityName"],
  ["O", "organizationName"],
  ["OU", "organizationalUnitName"],
  ["emailAddress", "emailAddress"],
] as const;

function isCertificateFor(subject: CertificateSubject, found: ActualTls, release: string | undefined): boolean {
  const isSubject = attributes.every(
    ([short, name]) => subject[name] === undefined || subject[name] === found.subject[short],
  );
  // Before release 4.0 addresses are none to it.
  if (subject.subjectAltNames === undefined || isBefore(3, release)) return isSubject;
  const wanted = new Set(subject.subjectAltNames.map((name) => alternativeName(name, !isBefore(4, release))));
  const have = new Set(found.alternativeNames.map(canonicalName));
  return isSubject && wanted.size === have.size && [...wanted].every((name) => have.has(name));
}

function alternativeName(name: string, addresses: boolean): string {
  const address = name.startsWith("IP:") ? canonical(name.slice(3)) : undefined;
  return addresses && address !== undefined ? `IP Address:${address}` : `DNS:${name}`;
}

function canonicalName(name: string): string {
  const [kind, ...rest] = name.split(":");
  return kind === "DNS" ? name : `${kind}:${canonical(rest.join(":"))}`;
}

function isSameLogging(wanted: NonNullable<DeviceSettings["logging"]>, found: ActualSettings["logging"]): boolean {
  return (
    found !== undefined &&
    canonical(wanted.ipAddress) === canonical(found.ipAddress) &&
    wanted.port === found.port &&
    wanted.logLevel === found.logLevel
  );
}

function isSameNetwork(wanted: DeviceNetwork, found: Network | undefined): boolean {
  if (found === undefined) return false;
  const form = ({ ipAddress, netmask, gateway, ipv6 }: Network) => [
    ...[ipAddress, netmask, gateway].map(canonical),
    ipv6 && canonicalCidr(ipv6.cidr),
    ipv6?.gateway && canonical(ipv6.gateway),
  ];
  return JSON.stringify(form(wanted)) === JSON.stringify(form(found));
}

/** Said whether it is changed or not: the next run has to find the device. */
function elsewhere({ ipAddress, ipv6 }: DeviceNetwork, { url }: Connection): string[] {
  const host = canonical(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
  const own = [ipAddress, ipv6?.cidr.split("/")[0]].flatMap((address) => (address ? (canonical(address) ?? []) : []));
  if (host === undefined || own.includes(host)) return [];
  return [`[device.network] has the device at ${own.join(" and ")}, but the configuration reaches it at ${url}`];
}

/** One spelling for each address; undefined if it is none. */
function canonical(address: string): string | undefined {
  const host = address.includes(":") ? `[${address}]` : address;
  if (!/^(?:[\d.]+|\[[\dA-Fa-f:.]+\])$/.test(host)) return undefined;
  return URL.parse(`http://${host}/`)?.hostname.replace(/^\[(.*)\]$/, "$1");
}

function canonicalCidr(cidr: string): string {
  const [address = "", prefix = ""] = cidr.split("/");
  return `${canonical(address)}/${Number(prefix)}`;
}

function isBefore(major: number, release: string | undefined): boolean {
  return release !== undefined && Number.parseInt(release, 10) < major;
}

/** A device takes the whole of it at once. */
function kept(network: Network | undefined): DeviceNetwork["ipv6"] {
  return network?.ipv6 && { cidr: network.ipv6.cidr, gateway: network.ipv6.gateway };
}
