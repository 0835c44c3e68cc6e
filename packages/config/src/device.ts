/** `[device]`: settings of the HSM itself. */
import { logLevels, tlsKeyTypes } from "@signstar/nethsm/types";
import { ConfigError } from "./errors.ts";
import type { Field } from "./field.ts";
import { type KeyTypeName, keyTypeNames } from "./key-names.ts";
import type { CertificateSubject, DeviceLogging, DeviceNetwork, DeviceSettings, DeviceTls } from "./model.ts";

export function readDevice(field: Field | undefined): DeviceSettings | undefined {
  const table = field?.table(["boot_mode", "network", "logging", "tls"]);
  if (table === undefined) return undefined;
  return {
    bootMode: table.optional("boot_mode")?.choice(["attended", "unattended"]),
    network: readNetwork(table.optional("network")),
    logging: readLogging(table.optional("logging")),
    tls: readTls(table.optional("tls")),
  };
}

function readNetwork(field: Field | undefined): DeviceNetwork | undefined {
  const table = field?.table(["ip_address", "netmask", "gateway", "ipv6"]);
  if (table === undefined) return undefined;
  const ipAddress = table.required("ip_address")?.parsed(parseIpv4);
  const netmask = table.required("netmask")?.parsed(parseNetmask);
  const gatewayField = table.optional("gateway");
  const gateway = gatewayField === undefined ? "0.0.0.0" : gatewayField.parsed(parseIpv4);
  const ipv6Field = table.optional("ipv6");
  const ipv6 = readIpv6(ipv6Field);
  if (ipv6Field !== undefined && ipv6 === undefined) return undefined;
  if (ipAddress === undefined || netmask === undefined || gateway === undefined) return undefined;
  return { ipAddress, netmask, gateway, ipv6 };
}

function readIpv6(field: Field | undefined): DeviceNetwork["ipv6"] {
  const table = field?.table(["cidr", "gateway"]);
  const cidr = table?.required("cidr")?.parsed(parseIpv6Cidr);
  return cidr === undefined ? undefined : { cidr, gateway: table?.optional("gateway")?.parsed(parseIpv6) };
}

function readLogging(field: Field | undefined): DeviceLogging | undefined {
  const table = field?.table(["ip_address", "port", "log_level"]);
  if (table === undefined) return undefined;
  const ipAddress = table.required("ip_address")?.parsed(parseIp);
  const portField = table.optional("port");
  const port = portField === undefined ? 514 : portField.integer(1, 65535);
  const levelField = table.optional("log_level");
  const logLevel = levelField === undefined ? "info" : levelField.choice(logLevels);
  if (ipAddress === undefined || port === undefined || logLevel === undefined) return undefined;
  return { ipAddress, port, logLevel };
}

/** The types that the device takes for TLS and a config can spell. */
const tlsKeyTypeNames = ["Curve25519", "EcP256", "EcP384", "EcP521", "Rsa"] as const satisfies readonly KeyTypeName[];

function readTls(field: Field | undefined): DeviceTls | undefined {
  const table = field?.table(["key_type", "key_length", "subject"]);
  if (table === undefined) return undefined;
  const name = table.required("key_type")?.choice(tlsKeyTypeNames);
  const keyType = tlsKeyTypes.find((type) => name !== undefined && type === keyTypeNames[name]);
  const lengthField = name === "Rsa" ? table.required("key_length") : table.optional("key_length");
  const keyLength = lengthField?.integer(2048, 8192);
  if (name !== undefined && name !== "Rsa") lengthField?.problem(`a key of type ${name} has no key_length`);
  const subject = readSubject(table.optional("subject"));
  return keyType && { keyType, keyLength, subject };
}

function readSubject(field: Field | undefined): CertificateSubject | undefined {
  const table = field?.table([
    "common_name",
    "country_name",
    "state_or_province_name",
    "locality_name",
    "organization_name",
    "organizational_unit_name",
    "email_address",
    "subject_alt_names",
  ]);
  if (table === undefined) return undefined;
  const commonName = table.required("common_name")?.parsed(parseNamePart);
  if (commonName === undefined) return undefined;
  return {
    commonName,
    countryName: table.optional("country_name")?.parsed(parseCountry),
    stateOrProvinceName: table.optional("state_or_province_name")?.parsed(parseNamePart),
    localityName: table.optional("locality_name")?.parsed(parseNamePart),
    organizationName: table.optional("organization_name")?.parsed(parseNamePart),
    organizationalUnitName: table.optional("organizational_unit_name")?.parsed(parseNamePart),
    emailAddress: table.optional("email_address")?.parsed(parseNamePart),
    subjectAltNames: table
      .optional("subject_alt_names")
      ?.list()
      ?.map((item) => item.parsed(parseNamePart))
      .filter((name) => name !== undefined),
  };
}

function checked(what: string, accepts: (text: string) => boolean): (text: string) => string {
  return (text) => {
    if (accepts(text)) return text;
    throw new ConfigError("invalid", `${JSON.stringify(text)} is not ${what}`);
  };
}

/** Without leading zeros, which some programs take for octal. */
function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
}

/** RFC 4291 §2.2, without a zone. */
function isIpv6(text: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(text) && URL.canParse(`http://[${text}]/`);
}

const parseIpv4 = checked("an IPv4 address", isIpv4);
const parseIpv6 = checked("an IPv6 address", isIpv6);
const parseIp = checked("an IP address", (text) => isIpv4(text) || isIpv6(text));
const parseIpv6Cidr = checked("an IPv6 address with prefix length, as in fd00::2/64", (text) => {
  const [, address = "", prefix = ""] = /^([^/]*)\/([0-9]{1,3})$/.exec(text) ?? [];
  return isIpv6(address) && Number(prefix) <= 128;
});
/** The device refuses a mask with holes. */
const parseNetmask = checked("a netmask, as in 255.255.255.0", (text) => {
  if (!isIpv4(text)) return false;
  const bits = text.split(".").map((part) => Number(part).toString(2).padStart(8, "0"));
  return /^1+0*$/.test(bits.join(""));
});
/** RFC 5280, appendix A: two letters. */
const parseCountry = checked("a country code of two letters", (text) => /^[A-Z]{2}$/.test(text));
const parseNamePart = checked(
  "a name (1 to 256 characters, none of them a control character)",
  (text) => text.length > 0 && text.length <= 256 && !/\p{Cc}/u.test(text),
);
