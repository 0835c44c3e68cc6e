import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SystemUserId } from "@signstar/config/system-user";
import { effectiveUid } from "@signstar/host/caller";
import { parsePasswd } from "@signstar/host/passwd";
import { type Paths, pathsUnder } from "@signstar/host/paths";
import { ConfigureError } from "./errors.ts";

/** The files of this host, or of the tree below `--root`, and whose they are. */
export interface Place {
  readonly paths: Paths;
  /** Held while something is changed. */
  readonly lock: string;
  /** Of the files that are root's on an appliance. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Said to people, where it is not plainly root's system. */
  readonly note: string | undefined;
  user(name: SystemUserId): PlaceUser;
}

export interface PlaceUser {
  readonly uid: number;
  readonly gid: number;
  /** With the root in front. */
  readonly home: string;
  /** What systemd knows the user by. */
  readonly login: string;
}

/**
 * Root works on `/`, or below a root with a passwd of its own. Below a directory of one's own that has none, anybody
 * may: every file there is the caller's. Throws ConfigureError: not-root, bad-root; `user` throws
 * no-system-user.
 */
export function placeAt(rootOption: string | undefined): Place {
  const root = rootOption === undefined ? "/" : realRoot(rootOption);
  const uid = effectiveUid();
  const isOwn = root !== "/" && statSync(root).uid === uid && (uid !== 0 || !existsSync(pathsUnder(root).passwd));
  if (uid !== 0 && !isOwn) {
    throw new ConfigureError("not-root", root === "/" ? "only root may do this" : `${root} belongs to someone else`, {
      hint: "run it as root, or with --root and a directory of your own",
    });
  }
  return isOwn ? ownPlace(root, uid) : systemPlace(root);
}

function systemPlace(root: string): Place {
  const paths = pathsUnder(root);
  return {
    paths,
    lock: lockOf(paths),
    owner: { uid: 0, gid: 0 },
    note: undefined,
    user(name) {
      const found = passwdEntry(paths, name);
      if (found === undefined) {
        throw new ConfigureError("no-system-user", `system user ${name} does not exist`, {
          hint: "signstar-configure-build makes the users of a configuration",
        });
      }
      if (found.uid === 0) throw new ConfigureError("no-system-user", `system user ${name} has root's uid`);
      return { uid: found.uid, gid: found.gid, home: paths.home(found.home), login: name };
    },
  };
}

function ownPlace(root: string, uid: number): Place {
  const paths = pathsUnder(root);
  const owner = { uid, gid: process.getegid?.() ?? uid };
  return {
    paths,
    lock: lockOf(paths),
    owner,
    note: `no user is changed: every file below ${root} belongs to the caller`,
    user(name) {
      const home = passwdEntry(paths, name)?.home ?? `/var/lib/signstar/home/${name}`;
      return { ...owner, home: paths.home(home), login: String(uid) };
    },
  };
}

/** From the passwd below the root, or the system's where there is none, as the programs of these users look it up. */
function passwdEntry(paths: Paths, name: string) {
  const path = existsSync(paths.passwd) ? paths.passwd : "/etc/passwd";
  return parsePasswd(readFileSync(path, "utf8")).find((entry) => entry.name === name);
}

function lockOf(paths: Paths): string {
  return join(dirname(paths.plan), "configure.lock");
}

/** The empty word would be the directory that one happens to be in. */
function realRoot(root: string): string {
  if (root !== "" && statSync(root, { throwIfNoEntry: false })?.isDirectory() === true) return realpathSync(root);
  throw new ConfigureError("bad-root", `--root ${JSON.stringify(root)} is not a directory`);
}
