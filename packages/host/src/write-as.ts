import { messageOf } from "@signstar/primitives/failure";
import { HostError } from "./errors.ts";
import { type Owner, runAs } from "./run-as.ts";

// Everything a planted link could do, it does with the rights of the one who planted it. `set -C` opens with O_EXCL.
const find = `set -euC; umask 077; cd -- "$1"; mkdir -p -- "$2"; `;
const enter = `cd -- "$2"; trap 'rm -f -- ".$3.$4" ".$3.old.$4"' EXIT; `;
// The names of new directories are to be as durable as what is in them. If we die meanwhile, the end of the pipe is not
// the end of the content: a part of it is no file.
const receive = `${find}(IFS=:; sync -- $6); ${enter}
  cat >".$3.$4"; sync ".$3.$4"; [ "$(stat -c %s -- ".$3.$4")" = "$5" ] || exit 1; `;
const scripts = {
  write: `${receive}mv -fT -- ".$3.$4" "$3"; sync .`,
  keep: `${receive}
    if [ -f "$3" ]; then cat -- "$3" >".$3.old.$4"; sync ".$3.old.$4"; mv -fT -- ".$3.old.$4" "$3.old"; fi
    mv -fT -- ".$3.$4" "$3"; sync .`,
  remove: `${find}${enter}(IFS=:; rm -f -- $5); sync .`,
} as const;

/**
 * Writes `home`/`path` (mode 0600, missing directories 0700) as `owner`, whole or not at all, on disk when it
 * resolves. Root does not touch the directories of another user: a child with that uid, that gid and no other group
 * does it, fed over its standard input. With `keepPrevious` a file that was there stays as `PATH.old`.
 * Throws HostError (write-failed).
 */
export async function writeAs(
  owner: Owner,
  home: string,
  path: string,
  bytes: Uint8Array,
  { keepPrevious = false }: { keepPrevious?: boolean } = {},
): Promise<void> {
  await run(owner, home, path, keepPrevious ? "keep" : "write", bytes);
}

/**
 * Removes `home`/`path` as `owner`, and files of further names in the same directory; that one is not there is fine.
 * Throws HostError (write-failed).
 */
export async function removeAs(owner: Owner, home: string, path: string, ...names: readonly string[]): Promise<void> {
  await run(owner, home, path, "remove", new Uint8Array(0), names);
}

async function run(
  owner: Owner,
  home: string,
  path: string,
  what: keyof typeof scripts,
  bytes: Uint8Array,
  names: readonly string[] = [],
): Promise<void> {
  const segments = path.split("/");
  const name = segments.pop() ?? "";
  if (![...segments, name, ...names].every((segment) => /^\.?[A-Za-z0-9_][A-Za-z0-9_.~-]*$/.test(segment))) {
    throw new HostError("write-failed", `${JSON.stringify(path)} is not a path below a home`);
  }
  const directory = segments.length === 0 ? "." : segments.join("/");
  const unique = globalThis.crypto.randomUUID().slice(0, 8);
  // From the home to the directory above the file's. No name has a colon.
  const way = [".", ...segments.slice(0, -1).map((_, i) => segments.slice(0, i + 1).join("/"))].join(":");
  try {
    const fifth = what === "remove" ? [name, ...names].join(":") : String(bytes.length);
    await runAs(owner, scripts[what], [home, directory, name, unique, fifth, way], bytes);
  } catch (cause) {
    const problem = `cannot be written as uid ${owner.uid}: ${messageOf(cause)}`;
    throw new HostError("write-failed", `${home}/${path} ${problem}`, { cause });
  }
}
