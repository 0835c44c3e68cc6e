import type { Config, DeviceConnection, Mapping } from "@signstar/config/model";
import { requireUserScope } from "@signstar/host/systemd-creds";
import { ConfigureError } from "./errors.ts";

/** Refuses what this program does not do, or this machine, before anything is done. Throws Failures (exit 78). */
export async function requireSupported(config: Config): Promise<void> {
  if (config.connections.length === 0) throw new ConfigureError("no-connection", "the configuration names no device");
  if (config.nonAdminSecretHandling === "plaintext" || !config.mappings.some(hasPassphrase)) return;
  await requireUserScope();
}

function hasPassphrase({ kind }: Mapping): boolean {
  return ["backup", "metrics", "hermetic-metrics", "signing"].includes(kind);
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
