/** The TOML of the settings, as other programs write it too. Strict: what is not known is a problem. */
import { parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl, type TlsSecurity } from "@signstar/nethsm/tls";
import { roles } from "@signstar/nethsm/types";
import { messageOf } from "@signstar/primitives/failure";
import { Secret } from "@signstar/primitives/secret";
import { parse, TomlError } from "smol-toml";
import { InvalidSettings, type Problem } from "./errors.ts";
import { type DeviceSettings, isLabel, type PassphraseSource, type Settings, type StoredCredentials } from "./model.ts";
import { parseTlsSecurity } from "./tls-words.ts";

/** Throws InvalidSettings (exit 78) with all problems of `file`. No message repeats a passphrase. */
export function parseSettings(text: string, file?: string): Settings {
  const found = new Finder();
  const devices: (DeviceSettings | undefined)[] = [];
  const root = found.table("", document(text, file), ["devices"]);
  const listed = root["devices"] === undefined ? {} : found.table("devices", root["devices"]);
  for (const [label, value] of Object.entries(listed)) {
    const path = `devices.${/^[\w-]+$/.test(label) ? label : JSON.stringify(label)}`;
    if (!isLabel(label)) found.problem(path, "this label cannot be used");
    devices.push(readDevice(found, path, label, value));
  }
  if (found.problems.length > 0) throw new InvalidSettings(found.problems, file);
  return { devices: devices.filter((device) => device !== undefined) };
}

function document(text: string, file: string | undefined): unknown {
  try {
    return parse(text);
  } catch (cause) {
    // The parser shows the lines around the mistake, which may hold passphrases: only its first line, and no cause.
    const [what = ""] = messageOf(cause).split("\n");
    throw new InvalidSettings([{ path: cause instanceof TomlError ? `line ${cause.line}` : "", message: what }], file);
  }
}

class Finder {
  readonly problems: Problem[] = [];

  problem(path: string, message: string): undefined {
    this.problems.push({ path, message });
    return undefined;
  }

  /** The members of a table; with `known` others are problems. */
  table(path: string, value: unknown, known?: readonly string[]): Readonly<Record<string, unknown>> {
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) {
      this.problem(path, value === undefined ? "is missing" : "is not a table");
      return {};
    }
    for (const name of Object.keys(value)) {
      if (known !== undefined && !known.includes(name)) {
        this.problem(path === "" ? name : `${path}.${name}`, `is not known; known here: ${known.join(", ")}`);
      }
    }
    return { ...value };
  }

  text(path: string, value: unknown): string | undefined {
    if (typeof value === "string") return value;
    return this.problem(path, value === undefined ? "is missing" : "is not a string");
  }

  texts(path: string, value: unknown): readonly string[] | undefined {
    const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
    return isList ? value : this.problem(path, "is not a list of strings");
  }

  /** What `parse` makes of the text. */
  parsed<T>(path: string, value: unknown, parse: (text: string) => T): T | undefined {
    const text = this.text(path, value);
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      return this.problem(path, messageOf(error));
    }
  }
}

function readDevice(found: Finder, path: string, label: string, value: unknown): DeviceSettings | undefined {
  const table = found.table(path, value, ["connection", "credentials"]);
  const at = `${path}.connection`;
  const connection = found.table(at, table["connection"], ["url", "tls_security"]);
  const url = "url" in connection ? found.parsed(`${at}.url`, connection["url"], parseDeviceUrl) : undefined;
  const tls = readTls(found, `${at}.tls_security`, connection["tls_security"]);
  if (url === undefined && !("url" in connection)) found.problem(`${at}.url`, "is missing");
  const listed = table["credentials"] ?? [];
  if (!Array.isArray(listed)) found.problem(`${path}.credentials`, "is not a list of tables");
  const credentials = (Array.isArray(listed) ? listed : []).map((item, index) =>
    readCredentials(found, `${path}.credentials[${index}]`, item),
  );
  const good = credentials.filter((item) => item !== undefined);
  const twice = good.find(({ name }, index) => good.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) found.problem(`${path}.credentials`, `${twice.name} is listed twice`);
  return url && tls && { label, connection: { url, tls }, credentials: good };
}

function readTls(found: Finder, path: string, value: unknown): TlsSecurity | undefined {
  if (typeof value === "string") return found.parsed(path, value, parseTlsSecurity);
  const outer = found.table(path, value, ["Fingerprints"]);
  if (value === undefined) return undefined;
  const inner = found.table(`${path}.Fingerprints`, outer["Fingerprints"], ["sha256"]);
  const pins = found.texts(`${path}.Fingerprints.sha256`, inner["sha256"]);
  // Files carry bare hexadecimal digits.
  const joined = pins?.map((pin) => (pin.startsWith("sha256:") ? pin : `sha256:${pin}`)).join(",");
  return joined === undefined ? undefined : found.parsed(`${path}.Fingerprints.sha256`, joined, parseTlsSecurity);
}

function readCredentials(found: Finder, path: string, value: unknown): StoredCredentials | undefined {
  const known = ["role", "name", "passphrase", "passphrase_command", "passphrase_credential"];
  const table = found.table(path, value, known);
  const name = found.parsed(`${path}.name`, table["name"], parseUserId);
  const word = found.text(`${path}.role`, table["role"]);
  const role = roles.find((each) => each === word);
  if (word !== undefined && role === undefined) found.problem(`${path}.role`, `is not one of ${roles.join(", ")}`);
  const sources = known.slice(2).filter((member) => table[member] !== undefined);
  if (sources.length > 1) found.problem(path, `${sources.join(" and ")} exclude each other`);
  const passphrase = readSource(found, path, table);
  return name && role && { name, role, passphrase };
}

function readSource(
  found: Finder,
  path: string,
  table: Readonly<Record<string, unknown>>,
): PassphraseSource | undefined {
  if (table["passphrase"] !== undefined) {
    const text = found.text(`${path}.passphrase`, table["passphrase"]);
    return text === undefined ? undefined : { kind: "stored", passphrase: Secret.fromText(text) };
  }
  if (table["passphrase_command"] !== undefined) {
    const [program, ...others] = found.texts(`${path}.passphrase_command`, table["passphrase_command"]) ?? [];
    return program === undefined ? undefined : { kind: "command", argv: [program, ...others] };
  }
  if (table["passphrase_credential"] === undefined) return undefined;
  const name = found.text(`${path}.passphrase_credential`, table["passphrase_credential"]);
  if (name === undefined) return undefined;
  if (isLabel(name)) return { kind: "systemd", name };
  return found.problem(`${path}.passphrase_credential`, "is not the name of a credential");
}
