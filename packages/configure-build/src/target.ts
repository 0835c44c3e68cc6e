/** The system that is configured: `/`, or the tree of an image. All reading and writing goes through it. */
import { lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { makeDirectory, removeFile, writeFileAtomic } from "@signstar/host/atomic-file";
import { callerOwns, effectiveUid } from "@signstar/host/caller";
import { systemCode } from "@signstar/host/errors";
import { messageOf } from "@signstar/primitives/failure";
import { ConfigureBuildError } from "./errors.ts";
import type { PresentFile } from "./present.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export class Target {
  /** Absolute, links resolved. */
  readonly root: string;
  /** Whose the files become. */
  readonly owner: Owner;
  /** Whether we are root, and so can make users. */
  readonly privileged: boolean;

  private constructor(root: string, owner: Owner, privileged: boolean) {
    this.root = root;
    this.owner = owner;
    this.privileged = privileged;
  }

  /**
   * Throws ConfigureBuildError: `not-root` for a system that is not the caller's, `bad-root`, also for the empty word,
   * which would be the directory that one happens to be in.
   */
  static open(root: string): Target {
    if (root === "" || statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new ConfigureBuildError("bad-root", `--root ${JSON.stringify(root)} is not a directory`);
    }
    const resolved = realpathSync(root);
    if (effectiveUid() === 0) return new Target(resolved, { uid: 0, gid: 0 }, true);
    if (!callerOwns(resolved)) {
      throw new ConfigureBuildError("not-root", "this program must be run as root", {
        hint: "an ordinary user can name a directory of their own with --root",
      });
    }
    return new Target(resolved, { uid: effectiveUid(), gid: process.getegid?.() ?? 0 }, false);
  }

  /** Undefined if there is nothing at this path. Throws ConfigureBuildError (`outside-root`, `bad-target`). */
  present(path: string): PresentFile | undefined {
    const file = this.#resolve(path);
    return file === undefined ? undefined : presentFile(file);
  }

  /** The text of a file that must be there. Throws ConfigureBuildError (`bad-target`). */
  text(path: string): string {
    const content = this.present(path)?.content;
    if (content !== undefined) return content;
    throw new ConfigureBuildError("bad-target", `there is no ${path} below ${this.root}`, {
      hint: "users can be made only in a system that has been installed",
    });
  }

  /** Writes a file whole or not at all; missing directories are made with mode 0755. */
  write(path: string, content: string, mode: number): void {
    this.#makeDirectory(dirname(path));
    const file = this.#resolve(path);
    if (file === undefined) throw new TypeError(`${dirname(path)} was just made`);
    writeFileAtomic(file, new TextEncoder().encode(content), { mode, ...this.owner });
  }

  remove(path: string): void {
    const file = this.#resolve(path);
    if (file !== undefined) removeFile(file);
  }

  #makeDirectory(path: string): void {
    if (path === "/" || this.#resolve(join(path, "x")) !== undefined) return;
    this.#makeDirectory(dirname(path));
    const directory = this.#resolve(path);
    if (directory === undefined) throw new TypeError(`${dirname(path)} was just made`);
    makeDirectory(directory, 0o755);
  }

  /**
   * The real path of a file, links in its directories resolved; undefined if there is no such directory. An absolute
   * link in an image's tree means a directory of the image, but would lead us into the system we run on.
   */
  #resolve(path: string): string | undefined {
    const whole = join(this.root, path);
    let directory: string;
    try {
      directory = realpathSync(dirname(whole));
    } catch (cause) {
      if (systemCode(cause) === "ENOENT") {
        if (lstatSync(dirname(whole), { throwIfNoEntry: false })?.isSymbolicLink() === true) throw this.#outside(path);
        return undefined;
      }
      throw new ConfigureBuildError("bad-target", `${dirname(whole)} cannot be used: ${messageOf(cause)}`, { cause });
    }
    const inside = this.root === sep || directory === this.root || directory.startsWith(this.root + sep);
    if (!inside) throw this.#outside(path);
    return join(directory, whole.slice(whole.lastIndexOf(sep) + 1));
  }

  #outside(path: string): ConfigureBuildError {
    return new ConfigureBuildError("outside-root", `a symbolic link leads ${path} out of ${this.root}`, {
      hint: "make the links in the tree relative",
    });
  }
}

function presentFile(path: string): PresentFile | undefined {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const content = stats.isFile() ? readFileSync(path, "utf8") : undefined;
    return { content, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
  } catch (cause) {
    throw new ConfigureBuildError("bad-target", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
