/** The settings of a device as they are, of which only what somebody asks for is read. */
import { createPublicKey, X509Certificate } from "node:crypto";
import type { DeviceSettings } from "@signstar/config/model";
import type { Logging, Network } from "@signstar/nethsm/config";
import { NetHsmError } from "@signstar/nethsm/errors";
import { pinOf } from "@signstar/nethsm/tls";
import type { LogLevel, TlsKeyType } from "@signstar/nethsm/types";
import type { Device } from "./device.ts";

/** Undefined: not asked for. */
export interface ActualSettings {
  readonly softwareVersion: string | undefined;
  readonly bootMode: DeviceSettings["bootMode"];
  readonly network: Network | undefined;
  readonly logging: Logging<LogLevel | "app"> | undefined;
  readonly tls: ActualTls | undefined;
}

/** The device's own TLS key and the certificate that it shows for it. */
export interface ActualTls {
  readonly keyType: TlsKeyType;
  /** Bits of an RSA modulus. */
  readonly keyLength: number | undefined;
  /** By the short names of X.500: `CN`, `C`, `ST`, `L`, `O`, `OU`, and `emailAddress`. */
  readonly subject: Readonly<Record<string, string>>;
  /** `DNS:…` and `IP Address:…`. */
  readonly alternativeNames: readonly string[];
  /** SHA-256 of the certificate, as it would be pinned. Undefined of a device that has not been asked. */
  readonly pin: string | undefined;
}

/** What a device has right after it was provisioned, whatever was there before. */
export const freshSettings: ActualSettings = {
  softwareVersion: undefined,
  bootMode: "attended",
  network: { ipAddress: "192.168.1.1", netmask: "255.255.255.0", gateway: "0.0.0.0" },
  logging: { ipAddress: "0.0.0.0", port: 514, logLevel: "info" },
  tls: {
    keyType: "EC_P256",
    keyLength: undefined,
    subject: { CN: "keyfender" },
    alternativeNames: [],
    pin: undefined,
  },
};

/**
 * @param administrator the device as its leading administrator sees it
 * @param askForTls also if nothing about it is configured: to tell which of the trusted certificates it has
 */
export async function readSettings(
  administrator: Device,
  wanted: DeviceSettings | undefined,
  askForTls: boolean,
): Promise<ActualSettings> {
  const { config, system } = administrator;
  const isNewPart = wanted?.network?.ipv6 !== undefined || wanted?.tls?.subject !== undefined;
  return {
    softwareVersion: isNewPart ? (await system.info()).softwareVersion : undefined,
    bootMode:
      wanted?.bootMode &&
      ((await config.getUnattendedBoot()) === "on" ? ("unattended" as const) : ("attended" as const)),
    network: wanted?.network && (await config.getNetwork()),
    logging: wanted?.logging && (await config.getLogging()),
    tls:
      wanted?.tls !== undefined || askForTls
        ? readTls(await config.tls.publicPem(), await config.tls.getCertificate())
        : undefined,
  };
}

/** From the public key and the certificate chain in PEM. Throws NetHsmError (bad-answer). */
export function readTls(publicPem: string, chainPem: string): ActualTls {
  const key = parsed("TLS key", () => createPublicKey(publicPem));
  const certificate = readLeaf(chainPem);
  return {
    keyType: keyTypeOf(key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType),
    keyLength: key.asymmetricKeyDetails?.modulusLength,
    subject: attributesIn(certificate.subject),
    alternativeNames: alternativeNamesIn(certificate.subjectAltName ?? ""),
    pin: pinOf(certificate.raw),
  };
}

/** The first certificate of a chain in PEM. Throws NetHsmError (bad-answer). */
export function readLeaf(chainPem: string): X509Certificate {
  return parsed("TLS certificate", () => new X509Certificate(chainPem));
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new NetHsmError("bad-answer", `the device's ${what} cannot be read`, { cause });
  }
}

/** By the name of the curve, or else of the kind, that OpenSSL uses. */
const keyTypes = new Map<string | undefined, TlsKeyType>([
  ["rsa", "RSA"],
  ["ed25519", "Curve25519"],
  ["prime256v1", "EC_P256"],
  ["secp384r1", "EC_P384"],
  ["secp521r1", "EC_P521"],
  ["brainpoolP256r1", "BrainpoolP256"],
  ["brainpoolP384r1", "BrainpoolP384"],
  ["brainpoolP512r1", "BrainpoolP512"],
]);

function keyTypeOf(name: string | undefined): TlsKeyType {
  const type = keyTypes.get(name);
  if (type === undefined) throw new NetHsmError("bad-answer", `the device has a TLS key of the unknown type ${name}`);
  return type;
}

/**
 * Attributes stand on a line each, those of one set with ` + ` between them; what could be misread follows a backslash.
 * (The legacy object, which has them apart, ends the process for keys on some curves: Node 24.)
 */
function attributesIn(text: string): Readonly<Record<string, string>> {
  const found = text.matchAll(/(?:^|\n| \+ )([A-Za-z0-9.]+)=((?:\\[\s\S]|[^\\\n+])*?)(?=$|\n| \+ )/g);
  return Object.fromEntries([...found].map(([, name = "", value = ""]) => [name, value.replace(/\\(.)/g, "$1")]));
}

/** Node separates them by a comma, and quotes as JSON those that could be misread. */
function alternativeNamesIn(text: string): readonly string[] {
  return [...text.matchAll(/(DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].map(([, kind = "", value = ""]) => {
    const name: unknown = value.startsWith('"') ? JSON.parse(value) : value;
    return `${kind}:${String(name)}`;
  });
}
