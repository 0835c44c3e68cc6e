import type { Config, DeviceConnection } from "@signstar/config/model";
import { ConfigureError } from "./errors.ts";

/** Refuses what this program does not do, before it does anything. Throws ConfigureError (exit 78). */
export function requireSupported(config: Config): void {
  const { kind } = config.adminSecretHandling;
  if (kind === "systemd-creds") {
    throw new ConfigureError("not-supported", `admin_secret_handling = "${kind}" is not supported by this release`, {
      hint: 'write admin_secret_handling = "plaintext"',
    });
  }
  if (config.nonAdminSecretHandling !== "plaintext") {
    throw new ConfigureError(
      "not-supported",
      `non_admin_secret_handling = "${config.nonAdminSecretHandling}" is not supported by this release`,
      { hint: 'write non_admin_secret_handling = "plaintext", and keep /var on an encrypted disk' },
    );
  }
  if (config.connections.length === 0) throw new ConfigureError("no-connection", "the configuration names no device");
}

/** The device to change. Throws ConfigureError. */
export function onlyConnection(config: Config): DeviceConnection {
  const [connection, ...others] = config.connections;
  if (connection === undefined) throw new ConfigureError("no-connection", "the configuration names no device");
  if (others.length === 0) return connection;
  throw new ConfigureError("not-supported", "apply to more than one device is not supported by this release", {
    hint: "leave one of the connections; devices that do not hold the same keys would make different certificates",
  });
}
