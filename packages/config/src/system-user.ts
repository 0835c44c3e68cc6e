import type { Brand } from "@signstar/primitives/brand";
import { ConfigError } from "./errors.ts";

/** The name of a Unix user that may stand in a config. */
export type SystemUserId = Brand<string, "SystemUserId">;

/**
 * Lower-case ASCII only, at most 31 characters: a name that starts with `-` would be an option of `useradd`, and one
 * with other characters could mean something in an sshd or tmpfiles.d file. Throws ConfigError (`invalid`).
 */
export function parseSystemUserId(text: string): SystemUserId {
  if (!isSystemUserId(text)) {
    throw new ConfigError(
      "invalid",
      text === "root"
        ? 'system user "root" cannot serve clients'
        : `${JSON.stringify(text)} is not a system user name (a to z, 0 to 9, _ and -, first a letter or _, up to 31 characters)`,
    );
  }
  return text;
}

function isSystemUserId(text: string): text is SystemUserId {
  return /^[a-z_][a-z0-9_-]{0,30}$/.test(text) && text !== "root";
}
