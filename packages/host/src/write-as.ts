import { spawn } from "node:child_process";
import { effectiveUid } from "./caller.ts";
import { HostError } from "./errors.ts";

/** Whose file it becomes. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

// Everything a planted link could do, it does with the rights of the one who planted it. `set -C` opens with O_EXCL.
// The names of new directories are to be as durable as what is in them.
const prologue = `set -euC; umask 077; cd -- "$1"; mkdir -p -- "$2"
  IFS=/; way=.; for part in $2; do sync -- "$way"; way=$way/$part; done
  cd -- "$2"; trap 'rm -f -- ".$3.$4" ".$3.old.$4"' EXIT; `;
// If we die meanwhile, the end of the pipe is not the end of the content: a part of it is no file.
const receive = `cat >".$3.$4"; sync ".$3.$4"; [ "$(stat -c %s -- ".$3.$4")" = "$5" ] || exit 1; `;
const scripts = {
  write: `${prologue}${receive}mv -fT -- ".$3.$4" "$3"; sync .`,
  keep: `${prologue}${receive}
    if [ -f "$3" ]; then cat -- "$3" >".$3.old.$4"; sync ".$3.old.$4"; mv -fT -- ".$3.old.$4" "$3.old"; fi
    mv -fT -- ".$3.$4" "$3"; sync .`,
  remove: `${prologue}rm -f -- "$3"; sync .`,
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
  await runAs(owner, home, path, keepPrevious ? "keep" : "write", bytes);
}

/** Removes `home`/`path` as `owner`; that it is not there is fine. Throws HostError (write-failed). */
export async function removeAs(owner: Owner, home: string, path: string): Promise<void> {
  await runAs(owner, home, path, "remove", new Uint8Array(0));
}

async function runAs(owner: Owner, home: string, path: string, what: keyof typeof scripts, bytes: Uint8Array) {
  const segments = path.split("/");
  const name = segments.pop() ?? "";
  if (![...segments, name].every((segment) => /^\.?[A-Za-z0-9_][A-Za-z0-9_.~-]*$/.test(segment))) {
    throw new HostError("write-failed", `${JSON.stringify(path)} is not a path below a home`);
  }
  const failed = (problem: string, cause?: unknown): HostError =>
    new HostError("write-failed", `${home}/${path} cannot be written as uid ${owner.uid}: ${problem}`, { cause });
  const directory = segments.length === 0 ? "." : segments.join("/");
  const unique = globalThis.crypto.randomUUID().slice(0, 8);
  const words = [home, directory, name, unique, String(bytes.length)];
  const child = spawn("/bin/sh", ["-c", scripts[what], "sh", ...words], {
    // Only root can become someone else; setting uid and gid also drops all other groups.
    ...(effectiveUid() === 0 ? { uid: owner.uid, gid: owner.gid } : {}),
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    stdio: ["pipe", "ignore", "pipe"],
    timeout: 10_000,
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < 1000) complaint += chunk.toString("utf8");
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", (cause) => reject(failed(cause.message, cause)));
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(failed(complaint.trim() || `the shell ended with ${code}`));
    });
    // A child that gives up early says so with its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(bytes);
  });
}
