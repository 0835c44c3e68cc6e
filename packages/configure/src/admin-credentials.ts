import { isSystemWide, parseUserId, type UserId } from "@signstar/nethsm/ids";
import { passphraseBytes } from "@signstar/nethsm/types";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { Secret } from "@signstar/primitives/secret";
import { parse, stringify } from "smol-toml";
import { leadingAdministrator } from "./desired.ts";
import { ConfigureError } from "./errors.ts";
import { freshPassphrase } from "./passphrase.ts";

/** What opens a device: the content of `admin-credentials.toml`. */
export interface AdminCredentials {
  /** The generation of the configuration it belongs to. */
  readonly iteration: number;
  readonly backupPassphrase: Secret;
  readonly unlockPassphrase: Secret;
  /** System-wide and of namespaces; `admin` is among them. */
  readonly administrators: ReadonlyMap<UserId, Secret>;
}

export function makeAdminCredentials(iteration: number, users: readonly UserId[]): AdminCredentials {
  return {
    iteration,
    backupPassphrase: freshPassphrase(),
    unlockPassphrase: freshPassphrase(),
    administrators: new Map(users.map((user) => [user, freshPassphrase()])),
  };
}

/** The same and a fresh passphrase for each of these users. */
export function extendAdminCredentials(credentials: AdminCredentials, users: readonly UserId[]): AdminCredentials {
  const added = users.map((user) => [user, freshPassphrase()] as const);
  return { ...credentials, administrators: new Map([...credentials.administrators, ...added]) };
}

export function encodeAdminCredentials(credentials: AdminCredentials): Uint8Array {
  const entries = [...credentials.administrators].map(([name, passphrase]) => ({ name, passphrase: text(passphrase) }));
  const document = {
    iteration: credentials.iteration,
    backup_passphrase: text(credentials.backupPassphrase),
    unlock_passphrase: text(credentials.unlockPassphrase),
    administrators: entries.filter(({ name }) => isSystemWide(name)),
    namespace_administrators: entries.filter(({ name }) => !isSystemWide(name)),
  };
  return toUtf8(stringify(document));
}

/** Throws ConfigureError `bad-credentials`, whose message never quotes the content. */
export function parseAdminCredentials(bytes: Uint8Array, path: string): AdminCredentials {
  const bad = (problem: string) =>
    new ConfigureError("bad-credentials", `admin credentials ${path}: ${problem}`, {
      hint: "it holds iteration, backup_passphrase, unlock_passphrase, [[administrators]] and [[namespace_administrators]]",
    });
  const document = table(parseToml(bytes, bad), "the file", topLevel, bad);
  const administrators = new Map<UserId, Secret>();
  for (const [key, systemWide] of [
    ["administrators", true],
    ["namespace_administrators", false],
  ] as const) {
    for (const entry of list(document[key], key, bad)) {
      const { name, passphrase } = table(entry, key, ["name", "passphrase"], bad);
      const user = userId(name, key, bad);
      if (isSystemWide(user) !== systemWide) throw bad(`${user} does not belong into ${key}`);
      if (administrators.has(user)) throw bad(`${user} occurs twice`);
      administrators.set(user, secret(passphrase, `passphrase of ${user}`, bad));
    }
  }
  if (!administrators.has(leadingAdministrator)) throw bad(`no administrator is called "${leadingAdministrator}"`);
  return {
    iteration: uint32(document["iteration"], bad),
    backupPassphrase: secret(document["backup_passphrase"], "backup_passphrase", bad),
    unlockPassphrase: secret(document["unlock_passphrase"], "unlock_passphrase", bad),
    administrators,
  };
}

const topLevel = ["iteration", "backup_passphrase", "unlock_passphrase", "administrators", "namespace_administrators"];

type Bad = (problem: string) => ConfigureError;

function text(passphrase: Secret): string {
  return passphrase.use(fromUtf8);
}

function parseToml(bytes: Uint8Array, bad: Bad): unknown {
  try {
    return parse(fromUtf8(bytes));
  } catch (thrown) {
    // The parser's message goes on with the lines around the mistake: passphrases.
    throw bad(messageOf(thrown).split("\n")[0] ?? "it is not TOML");
  }
}

function table(value: unknown, where: string, known: readonly string[], bad: Bad): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${where} is not a table`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw bad(`${where} has the unknown key ${JSON.stringify(unknown)}`);
  return { ...value };
}

function list(value: unknown, where: string, bad: Bad): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw bad(`${where} is not a list`);
  return value;
}

function userId(value: unknown, where: string, bad: Bad): UserId {
  if (typeof value !== "string") throw bad(`an entry of ${where} has no name`);
  try {
    return parseUserId(value);
  } catch (thrown) {
    throw bad(`${where}: ${messageOf(thrown)}`);
  }
}

function uint32(value: unknown, bad: Bad): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw bad("iteration is not an integer of 32 bits");
}

function secret(value: unknown, what: string, bad: Bad): Secret {
  if (typeof value !== "string") throw bad(`${what} is not a string`);
  const { min, max } = passphraseBytes;
  const passphrase = Secret.fromText(value);
  if (passphrase.length >= min && passphrase.length <= max) return passphrase;
  throw bad(`${what} is not ${min} to ${max} bytes long`);
}
