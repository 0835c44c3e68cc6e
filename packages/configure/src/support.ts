import type { Config, Mapping } from "@signstar/config/model";
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
