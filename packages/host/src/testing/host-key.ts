/** The key that systemd-creds uses, out of this machine's way: `systemd-creds` makes it where this variable says. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const variable = "SYSTEMD_CREDENTIAL_SECRET";

// Not below /tmp: systemd takes no key on a file system in memory.
const place = fileURLToPath(new URL("../../../../node_modules/.cache", import.meta.url));

/** A key of one's own until it is disposed of; made when something is first encrypted. */
export function ownHostKey(): Disposable & { readonly path: string } {
  mkdirSync(place, { recursive: true });
  const directory = mkdtempSync(join(place, "host-key-"));
  const path = join(directory, "credential.secret");
  const before = process.env[variable];
  process.env[variable] = path;
  return {
    path,
    [Symbol.dispose]() {
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
