import { fromUtf8 } from "@signstar/primitives/bytes";
import { stringify, type TomlTable } from "smol-toml";
import type { PassphraseSource, Settings } from "./model.ts";
import { showTlsSecurity } from "./tls-words.ts";

/** The TOML of these settings, passphrases included. */
export function encodeSettings({ devices }: Settings): string {
  const tables = devices.map(({ label, connection, credentials }): [string, TomlTable] => {
    const { url, tls } = connection;
    const security = tls.mode === "pinned" ? { Fingerprints: { sha256: [...tls.sha256] } } : showTlsSecurity(tls);
    return [
      label,
      {
        connection: { url, tls_security: security },
        ...(credentials.length > 0 && {
          credentials: credentials.map(({ role, name, passphrase }) => ({ role, name, ...encodeSource(passphrase) })),
        }),
      },
    ];
  });
  return stringify({ devices: Object.fromEntries(tables) });
}

function encodeSource(source: PassphraseSource | undefined): TomlTable {
  switch (source?.kind) {
    case "stored":
      return { passphrase: source.passphrase.use(fromUtf8) };
    case "command":
      return { passphrase_command: [...source.argv] };
    case "systemd":
      return { passphrase_credential: source.name };
    case undefined:
      return {};
  }
}
