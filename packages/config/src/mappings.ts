/** `[[users]]`: each entry holds one mapping under the name of its kind. */
import { namespaceOf, parseSystemWideUserId, parseTag, parseUserId } from "@signstar/nethsm/ids";
import { parseAuthorizedKey } from "./authorized-key.ts";
import type { Claim, Claims } from "./claims.ts";
import { ConfigError } from "./errors.ts";
import type { Field, Table } from "./field.ts";
import { namesOf } from "./key-names.ts";
import { readKeySetup } from "./key-setup.ts";
import type { AuthorizedKey, Mapping, SystemOnlyKind } from "./model.ts";
import { parseSystemUserId, type SystemUserId } from "./system-user.ts";

/** The name of each kind in the file. */
export const mappingNames = {
  nethsm_only_admin: "admin",
  system_nethsm_backup: "backup",
  system_nethsm_metrics: "metrics",
  hermetic_system_nethsm_metrics: "hermetic-metrics",
  system_nethsm_operator_signing: "signing",
  system_only_share_download: "share-download",
  system_only_share_upload: "share-upload",
  system_only_wireguard_download: "wireguard-download",
  system_only_key_certificates: "key-certificates",
  system_only_backup_upload: "backup-upload",
  system_only_update_upload: "update-upload",
} as const satisfies Record<string, Mapping["kind"]>;

export function readMapping(entry: Field, claims: Claims): Mapping | undefined {
  const tagged = entry.only(namesOf(mappingNames));
  if (tagged === undefined) return undefined;
  const kind = mappingNames[tagged.key];
  claims.mappings.push({ value: undefined, path: entry.path, kind });
  const reader = new MappingReader(tagged.field, kind, claims);
  switch (kind) {
    case "admin":
      return reader.admin();
    case "backup":
      return reader.backup();
    case "metrics":
      return reader.metrics();
    case "hermetic-metrics":
      return reader.hermeticMetrics();
    case "signing":
      return reader.signing();
    default:
      return reader.systemOnly(kind);
  }
}

/** Reads the fields of one mapping and notes what they claim. */
class MappingReader {
  readonly #field: Field;
  readonly #kind: Mapping["kind"];
  readonly #claims: Claims;

  constructor(field: Field, kind: Mapping["kind"], claims: Claims) {
    this.#field = field;
    this.#kind = kind;
    this.#claims = claims;
  }

  admin(): Mapping | undefined {
    const user = this.#claim(this.#claims.hsmUsers, this.#field, parseUserId);
    return user && { kind: "admin", user };
  }

  backup(): Mapping | undefined {
    const table = this.#field.table(["nethsm_user", "ssh_authorized_key", "system_user"]);
    if (table === undefined) return undefined;
    const systemUser = this.#systemUser(table);
    const authorizedKeys = this.#oneKey(table);
    const backendUser = this.#claim(this.#claims.hsmUsers, table.required("nethsm_user"), parseSystemWideUserId);
    return systemUser && authorizedKeys && backendUser && { kind: "backup", systemUser, authorizedKeys, backendUser };
  }

  metrics(): Mapping | undefined {
    const table = this.#field.table(["nethsm_users", "ssh_authorized_key", "system_user"]);
    if (table === undefined) return undefined;
    const systemUser = this.#systemUser(table);
    const authorizedKeys = this.#oneKey(table);
    const users = this.#metricsUsers(table.required("nethsm_users"));
    return systemUser && authorizedKeys && users && { kind: "metrics", systemUser, authorizedKeys, ...users };
  }

  hermeticMetrics(): Mapping | undefined {
    const table = this.#field.table(["nethsm_users", "system_user"]);
    if (table === undefined) return undefined;
    const systemUser = this.#systemUser(table);
    const users = this.#metricsUsers(table.required("nethsm_users"));
    return systemUser && users && { kind: "hermetic-metrics", systemUser, ...users };
  }

  signing(): Mapping | undefined {
    const table = this.#field.table([
      "nethsm_user",
      "nethsm_key_setup",
      "ssh_authorized_key",
      "system_user",
      "tag",
      "certificate_fingerprint",
    ]);
    if (table === undefined) return undefined;
    const systemUser = this.#systemUser(table);
    const authorizedKeys = this.#oneKey(table);
    const operator = this.#claim(this.#claims.hsmUsers, table.required("nethsm_user"), parseUserId);
    const namespace = operator && namespaceOf(operator);
    const setup = readKeySetup(table.required("nethsm_key_setup"), (field, keyId) => {
      if (operator) this.#note(this.#claims.keys, field, { namespace, name: keyId });
    });
    const tagField = table.required("tag");
    const tag = tagField?.parsed(parseTag);
    const fingerprintField = table.optional("certificate_fingerprint");
    const certificateFingerprint = fingerprintField?.parsed(parseFingerprint);

    if (operator && tagField && tag) this.#note(this.#claims.tags, tagField, { namespace, name: tag });
    if (!systemUser || !authorizedKeys || !operator || !setup || !tag) return undefined;
    if (fingerprintField && !certificateFingerprint) return undefined;
    const key = { ...setup, namespace };
    return { kind: "signing", systemUser, authorizedKeys, operator, key, tag, certificateFingerprint };
  }

  /** The later grammar has one key where the first one has a list; either form is accepted. */
  systemOnly(kind: SystemOnlyKind): Mapping | undefined {
    const table = this.#field.table(["system_user", "ssh_authorized_keys", "ssh_authorized_key"]);
    if (table === undefined) return undefined;
    const systemUser = this.#systemUser(table);
    if (table.has("ssh_authorized_key") && table.has("ssh_authorized_keys")) {
      return table.problem("ssh_authorized_key and ssh_authorized_keys exclude each other");
    }
    const authorizedKeys = table.has("ssh_authorized_key") ? this.#oneKey(table) : this.#severalKeys(table);
    return systemUser && authorizedKeys && { kind, systemUser, authorizedKeys };
  }

  #systemUser(table: Table<"system_user">): SystemUserId | undefined {
    return this.#claim(this.#claims.systemUsers, table.required("system_user"), parseSystemUserId);
  }

  #oneKey(table: Table<"ssh_authorized_key">): readonly AuthorizedKey[] | undefined {
    const key = this.#claim(this.#claims.sshKeys, table.required("ssh_authorized_key"), parseAuthorizedKey);
    return key && [key];
  }

  #severalKeys(table: Table<"ssh_authorized_keys">): readonly AuthorizedKey[] | undefined {
    const field = table.required("ssh_authorized_keys");
    const items = field?.list();
    if (items === undefined) return undefined;
    if (items.length === 0) return field?.problem("is empty, one key is needed at least");
    const keys = items.map((item) => this.#claim(this.#claims.sshKeys, item, parseAuthorizedKey));
    return allOf(keys);
  }

  #metricsUsers(field: Field | undefined) {
    const table = field?.table(["metrics_user", "operator_users"]);
    if (table === undefined) return undefined;
    const metricsUser = this.#claim(this.#claims.hsmUsers, table.required("metrics_user"), parseSystemWideUserId);
    const items = table.required("operator_users")?.list();
    const operatorUsers = items && allOf(items.map((item) => this.#claim(this.#claims.hsmUsers, item, parseUserId)));
    return metricsUser && operatorUsers && { metricsUser, operatorUsers };
  }

  #claim<C, T extends C>(list: Claim<C>[], field: Field | undefined, parse: (text: string) => T): T | undefined {
    const value = field?.parsed(parse);
    if (field !== undefined && value !== undefined) this.#note(list, field, value);
    return value;
  }

  #note<T>(list: Claim<T>[], field: Field, value: T): void {
    list.push({ value, path: field.path, kind: this.#kind });
  }
}

function allOf<T>(values: readonly (T | undefined)[]): readonly T[] | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === values.length ? present : undefined;
}

function parseFingerprint(text: string): string {
  if (/^[0-9A-Fa-f]{40}$/.test(text)) return text.toLowerCase();
  throw new ConfigError(
    "invalid",
    `${JSON.stringify(text)} is not the fingerprint of an OpenPGP v4 key (40 hexadecimal digits)`,
  );
}
