import { formatKeyRef } from "@signstar/config/key-ref";
import type { Config, KeyRef, KeySetup, Mapping } from "@signstar/config/model";
import type { SystemUserId } from "@signstar/config/system-user";
import {
  type NamespaceId,
  namespaceOf,
  parseSystemWideUserId,
  type RestrictionTag,
  type UserId,
} from "@signstar/nethsm/ids";
import type { KeyMechanism, KeyType, Role } from "@signstar/nethsm/types";
import { ConfigureError } from "./errors.ts";

/** The user that provisioning makes, and as whom we work. It is never removed. */
export const leadingAdministrator = parseSystemWideUserId("admin");

/** What a device and this host should hold, as the configuration says it. */
export interface Desired {
  /** System-wide, `admin` first. */
  readonly administrators: readonly UserId[];
  readonly namespaces: readonly DesiredNamespace[];
  /** All but administrators. */
  readonly users: readonly DesiredUser[];
  /** How the passphrases of these users are kept in the homes of their system users. */
  readonly passphrases: Config["nonAdminSecretHandling"];
  readonly keys: readonly DesiredKey[];
  readonly removal: Removal;
}

/** What may be deleted although it is a key, or holds keys. */
export interface Removal {
  readonly keys: readonly KeyRef[];
  readonly namespaces: readonly NamespaceId[];
  /** Whatever the configuration does not have. */
  readonly everything: boolean;
}

export interface DesiredNamespace {
  readonly id: NamespaceId;
  readonly administrators: readonly UserId[];
}

export interface DesiredUser {
  readonly id: UserId;
  readonly role: Exclude<Role, "Administrator">;
  readonly tags: readonly RestrictionTag[];
  /** Whose home holds the passphrase. */
  readonly systemUser: SystemUserId;
}

export interface DesiredKey extends KeyRef {
  readonly type: KeyType;
  readonly mechanisms: readonly KeyMechanism[];
  /** Bits. */
  readonly length: number | undefined;
  readonly tags: readonly RestrictionTag[];
  /** Who signs with it, and thus its certificate. */
  readonly operator: UserId;
  readonly certificate: DesiredCertificate | undefined;
}

export interface DesiredCertificate {
  readonly userId: string;
  /** The only certificate that will do, in lower-case hex. */
  readonly fingerprint: string | undefined;
}

/** Everybody whose passphrase is part of the admin secret. */
export function administratorsOf({ administrators, namespaces }: Desired): readonly UserId[] {
  return [...administrators, ...namespaces.flatMap((each) => each.administrators)];
}

/**
 * Whose passphrases a new admin secret is to have. Of those that the one before has, whoever belongs to a namespace that
 * the configuration no longer has is among them: as long as it is there, nobody else can enter it.
 */
export function nextAdministrators(desired: Desired, known: Iterable<UserId>): readonly UserId[] {
  const configured = new Set(desired.namespaces.map(({ id }) => id));
  const others = [...known].filter((user) => {
    const namespace = namespaceOf(user);
    return namespace !== undefined && !configured.has(namespace);
  });
  return [...new Set([...administratorsOf(desired), ...others])];
}

/** Whether a namespace that the configuration does not have may be deleted. */
export function isRemoved({ removal }: Pick<Desired, "removal">, namespace: NamespaceId): boolean {
  return removal.everything || removal.namespaces.includes(namespace);
}

/** Throws ConfigureError for what the configuration may ask for and no flow here can do. */
export function desiredFrom(config: Config, { allowKeyRemoval = false } = {}): Desired {
  const { mappings } = config;
  const admins = mappings.flatMap((mapping) => (mapping.kind === "admin" ? [mapping.user] : []));
  const users = mappings.flatMap(usersOf);
  if (users.some(({ id }) => id === leadingAdministrator)) {
    throw new ConfigureError("not-supported", `user "${leadingAdministrator}" is configured as no administrator`, {
      hint: `every NetHSM is provisioned with "${leadingAdministrator}" as its administrator; choose another name`,
    });
  }
  const keys = mappings.flatMap((mapping) => (mapping.kind === "signing" ? [keyOf(mapping)] : []));
  for (const name of [...users.map(({ id }) => id), ...keys.map(formatKeyRef)]) requireFileName(name);
  const namespaces = new Set([...admins, ...users.map((user) => user.id)].flatMap((id) => namespaceOf(id) ?? []));
  return {
    administrators: [...new Set([leadingAdministrator, ...admins.filter((id) => namespaceOf(id) === undefined)])],
    namespaces: [...namespaces].map((id) => ({
      id,
      administrators: admins.filter((admin) => namespaceOf(admin) === id),
    })),
    users,
    passphrases: config.nonAdminSecretHandling,
    keys,
    removal: { ...config.removal, everything: allowKeyRemoval },
  };
}

/** A file has a name of 255 bytes at most, and needs some of them for its ending and for what it is called meanwhile. */
const maxFileName = 255 - 25;

function requireFileName(name: string): void {
  if (name.length <= maxFileName) return;
  throw new ConfigureError("not-supported", `${name} is too long for the name of its file`, {
    hint: `choose a shorter namespace or name, ${maxFileName} characters at most together`,
  });
}

function usersOf(mapping: Mapping): DesiredUser[] {
  switch (mapping.kind) {
    case "backup":
      return [{ id: mapping.backendUser, role: "Backup", tags: [], systemUser: mapping.systemUser }];
    case "metrics":
    case "hermetic-metrics": {
      const { systemUser } = mapping;
      const operators = mapping.operatorUsers.map((id) => ({ id, role: "Operator" as const, tags: [], systemUser }));
      return [{ id: mapping.metricsUser, role: "Metrics", tags: [], systemUser }, ...operators];
    }
    case "signing":
      return [{ id: mapping.operator, role: "Operator", tags: [mapping.tag], systemUser: mapping.systemUser }];
    default:
      return [];
  }
}

function keyOf(mapping: Extract<Mapping, { kind: "signing" }>): DesiredKey {
  const { key } = mapping;
  return {
    keyId: key.keyId,
    namespace: key.namespace,
    type: key.type,
    mechanisms: key.mechanisms,
    length: key.length,
    tags: [mapping.tag],
    operator: mapping.operator,
    certificate: certificateOf(key, mapping.certificateFingerprint),
  };
}

function certificateOf(key: KeySetup, fingerprint: string | undefined): DesiredCertificate | undefined {
  if (key.context.kind === "raw") return undefined;
  const [userId] = key.context.userIds;
  if (userId === undefined) {
    throw new ConfigureError("not-supported", `key "${key.keyId}" has an OpenPGP context without a user id`, {
      hint: "put one text into user_ids of its key_context",
    });
  }
  return { userId, fingerprint };
}
