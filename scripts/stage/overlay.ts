/**
 * A disposable copy of this machine: an overlay of `/` on a tmpfs, in mount and process namespaces of its own, entered
 * by chroot. Users, drop-ins and files made in it are gone with its last process; nothing outside changes, except
 * below the directories that are handed in as writable.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Overlay {
  /** Directories that are visible inside at their own path and that keep what is written to them. */
  readonly writable: readonly string[];
  /** Directories that are visible inside at their own path, also where `/` is another file system. */
  readonly readable: readonly string[];
  readonly command: readonly [string, ...string[]];
}

// Arguments: an empty directory, the number of readable directories, these, the number of writable ones, these, the command.
const script = `
set -eu
umask 022
base=$1; shift
mount -t tmpfs -o mode=0755 tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" overlay "$base/root"
root=$base/root
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc" || mount --rbind /proc "$root/proc"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
n=$1; shift
while [ "$n" -gt 0 ]; do
  mkdir -p "$root$1"; mount --bind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"; shift; n=$((n - 1))
done
n=$1; shift
while [ "$n" -gt 0 ]; do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; n=$((n - 1)); done
exec chroot "$root" "$@"
`;

/**
 * Starts `command` as root inside a new overlay. Every process that it leaves behind dies with it.
 * A writable directory may lie within a readable one, not the other way round.
 */
export function spawnInOverlay({ writable, readable, command }: Overlay): ChildProcess {
  const base = mountPoint();
  const directories = [String(readable.length), ...readable, String(writable.length), ...writable];
  const child = spawn("unshare", [...namespaces, "sh", "-c", script, "sh", base, ...directories, ...command], {
    stdio: ["pipe", "pipe", "inherit"],
    env,
  });
  child.once("close", () => rmdirSync(base));
  return child;
}

/** Undefined if this machine lets us do it, otherwise the reason why not. */
export function whyNoOverlay(): string | undefined {
  if (process.geteuid?.() !== 0) return "it needs root";
  const base = mountPoint();
  const { error, status, stderr } = spawnSync(
    "unshare",
    [...namespaces, "sh", "-c", script, "sh", base, "0", "0", "true"],
    { encoding: "utf8", env },
  );
  rmdirSync(base);
  if (error) return error.message;
  return status === 0 ? undefined : stderr.trim();
}

// Not the caller's: chroot lies where an ordinary PATH does not look.
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LANG: "C.UTF-8" };

const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"];

/** Mounted over in the new namespace only: from outside it stays empty. */
function mountPoint(): string {
  return mkdtempSync(join(tmpdir(), "signstar-overlay-"));
}
