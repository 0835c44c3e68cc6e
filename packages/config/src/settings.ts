/** `[appliance]`, `[log]` and `[removal]`. */
import { namespaceOf, parseNamespaceId } from "@signstar/nethsm/ids";
import type { Claims } from "./claims.ts";
import { ConfigError } from "./errors.ts";
import type { Field } from "./field.ts";
import { formatKeyRef, parseKeyRef } from "./key-ref.ts";
import type { Appliance, Config } from "./model.ts";
import { parseDuration, parseSize } from "./units.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const kibibyte = 1024;
const gibibyte = 1024 ** 3;

export const defaultAppliance: Appliance = {
  shareTimeoutMs: day,
  uploadLimitBackup: gibibyte,
  uploadLimitUpdate: gibibyte,
  batchConcurrency: 16,
  wireguardPublicKey: "/var/lib/signstar/wireguard/public.key",
};

export function readAppliance(field: Field | undefined): Appliance {
  const table = field?.table([
    "share_timeout",
    "upload_limit_backup",
    "upload_limit_update",
    "batch_concurrency",
    "wireguard_public_key",
  ]);
  if (table === undefined) return defaultAppliance;
  const size = (text: string) => parseSize(text, kibibyte, 64 * gibibyte);
  return {
    shareTimeoutMs:
      table.optional("share_timeout")?.parsed((text) => parseDuration(text, minute, 30 * day)) ??
      defaultAppliance.shareTimeoutMs,
    uploadLimitBackup: table.optional("upload_limit_backup")?.parsed(size) ?? defaultAppliance.uploadLimitBackup,
    uploadLimitUpdate: table.optional("upload_limit_update")?.parsed(size) ?? defaultAppliance.uploadLimitUpdate,
    batchConcurrency: table.optional("batch_concurrency")?.integer(1, 256) ?? defaultAppliance.batchConcurrency,
    wireguardPublicKey:
      table.optional("wireguard_public_key")?.parsed(parseAbsolutePath) ?? defaultAppliance.wireguardPublicKey,
  };
}

export function readLog(field: Field | undefined): Config["log"] {
  const audit = field?.table(["audit"])?.optional("audit")?.choice(["required", "best-effort"]);
  return { audit: audit ?? "required" };
}

/** What mappings use cannot be listed for removal. */
export function readRemoval(field: Field | undefined, claims: Claims): Config["removal"] {
  const table = field?.table(["keys", "namespaces"]);
  const usedKeys = new Set(claims.keys.map(({ value }) => formatKeyRef({ ...value, keyId: value.name })));
  const usedNamespaces = new Set<string | undefined>(claims.hsmUsers.map(({ value }) => namespaceOf(value)));
  return {
    keys: readList(table?.optional("keys"), (text) => {
      if (usedKeys.has(text)) throw new ConfigError("invalid", `key ${text} is in use by a mapping`);
      return parseKeyRef(text);
    }),
    namespaces: readList(table?.optional("namespaces"), (text) => {
      if (usedNamespaces.has(text)) throw new ConfigError("invalid", `namespace ${text} is in use by a mapping`);
      return parseNamespaceId(text);
    }),
  };
}

function readList<T>(field: Field | undefined, parse: (text: string) => T): readonly T[] {
  const items = field?.list() ?? [];
  return items.map((item) => item.parsed(parse)).filter((value) => value !== undefined);
}

function parseAbsolutePath(text: string): string {
  if (/^(?:\/[A-Za-z0-9_@+=:,.-]+)+$/.test(text) && !text.split("/").includes("..")) return text;
  throw new ConfigError(
    "invalid",
    `${JSON.stringify(text)} is not an absolute path of letters, digits and _@+=:,.- without ".."`,
  );
}
