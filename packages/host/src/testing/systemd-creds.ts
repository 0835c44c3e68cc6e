/** A program in place of systemd-creds, as far as it is called; for what this machine's systemd is too old for. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// For users it "encrypts" by writing the user before the secret, in base64, and decrypts for nobody else.
// What is for the system, this machine's own program does.
const script = (version: number, log: string, path: string) => `#!/bin/sh
printf '%s\\n' "$*" >>'${log}'
case "$*" in
  --version) echo 'systemd ${version} (${version}.1-1)' ;;
  '--user --name= --uid '*' encrypt - -') { printf '%s\\n' "$4"; cat; } | base64 -w 79 ;;
  '--user --name= --uid '*' decrypt - -')
    base64 -d 2>/dev/null | {
      read -r user
      [ "$user" = "$4" ] || { echo 'Failed to decrypt: Bad message' >&2; exit 1; }
      cat
    } ;;
  '--name= '*) PATH='${path}' exec systemd-creds "$@" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

export interface FakeSystemdCreds extends Disposable {
  /** The arguments of each call so far. */
  calls(): readonly string[];
}

/** Puts it first in PATH until it is disposed of. */
export function fakeSystemdCreds(directory: string, version = 257): FakeSystemdCreds {
  const log = join(directory, "systemd-creds.log");
  const program = join(directory, "systemd-creds");
  writeFileSync(log, "");
  const path = process.env["PATH"] ?? "";
  writeFileSync(program, script(version, log, path));
  chmodSync(program, 0o755);
  process.env["PATH"] = `${directory}:${path}`;
  return {
    calls: () => readFileSync(log, "utf8").split("\n").filter(Boolean),
    [Symbol.dispose]() {
      process.env["PATH"] = path;
    },
  };
}
