/**
 * The backup that is kept after each change, for the system user of each backup mapping, and beside it the one of before
 * the last restore.
 */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDirectory, removeFile, writeFileAtomic, writeStreamAtomic } from "@signstar/host/atomic-file";
import { namesIn, streamSafeFile } from "@signstar/host/safe-file";
import type { FileSource } from "@signstar/nethsm/system";
import type { Desired } from "./desired.ts";
import type { Place } from "./place.ts";

interface Kept {
  readonly directory: string;
  readonly directoryMode: number;
  readonly ownership: { readonly mode: number; readonly uid: number; readonly gid: number };
}

const latest = "latest.bkp";
type KeptName = typeof latest | "before-restore.bkp";

type Fill = (write: (piece: Uint8Array) => void) => Promise<void>;

export class KeptBackups {
  readonly #place: Place;
  readonly #all: readonly [Kept, ...Kept[]];
  /** There from before the first change until a backup with it is kept. */
  readonly #due: string;
  /** There from before a restore until the site is as configured again. */
  readonly #restoring: string;

  constructor(place: Place, desired: Desired) {
    this.#place = place;
    const directory = place.paths.keptBackups;
    this.#due = `${directory}/.due`;
    this.#restoring = `${directory}/.restoring`;
    const [first, ...others] = desired.users
      .filter(({ role }) => role === "Backup")
      .map(({ systemUser }): Kept => {
        const { gid } = place.user(systemUser);
        const ownership = { mode: 0o640, uid: place.owner.uid, gid };
        return { directory: `${directory}/${systemUser}`, directoryMode: 0o750, ownership };
      });
    // Nobody is to have it, but whoever repairs the device may need it.
    const own = { mode: 0o600, ...place.owner };
    this.#all = [
      first ?? { directory: `${directory}/signstarbackup`, directoryMode: 0o700, ownership: own },
      ...others,
    ];
  }

  isDue(): boolean {
    return existsSync(this.#due) || this.#all.some(({ directory }) => !existsSync(join(directory, latest)));
  }

  /** To be called before a device is changed. */
  markDue(): void {
    this.#mark(this.#due);
  }

  settle(): void {
    removeFile(this.#due);
  }

  /** Whether a restore was begun of which the site has not recovered: what was there before it is kept already. */
  get isRestoring(): boolean {
    return existsSync(this.#restoring);
  }

  /** To be called right before a restore. */
  beginRestore(): void {
    this.#mark(this.#restoring);
  }

  /** To be called when the site is as configured again. */
  endRestore(): void {
    if (this.isRestoring) removeFile(this.#restoring);
  }

  /** What `fill` writes is kept for everybody it is for, if it resolves. */
  async keep(fill: Fill, name: KeptName = latest): Promise<void> {
    const [first, ...others] = this.#all;
    await this.#write(first, name, fill);
    for (const other of others) {
      await this.#write(other, name, async (write) => {
        for await (const piece of this.open(name).chunks) write(piece);
      });
    }
  }

  /** The backup that is kept, to be read once. Throws HostError. */
  open(name: KeptName = latest): FileSource & { readonly size: number } {
    const path = join(this.#all[0].directory, name);
    const { size, pieces } = streamSafeFile(path, { owners: [this.#place.owner.uid], mode: "readable" });
    return { size, chunks: pieces };
  }

  #mark(path: string): void {
    if (existsSync(path)) return;
    makeDirectory(dirname(path), 0o755);
    writeFileAtomic(path, new Uint8Array(0), { mode: 0o600, ...this.#place.owner });
  }

  async #write({ directory, directoryMode, ownership }: Kept, name: KeptName, fill: Fill): Promise<void> {
    const { uid, gid } = ownership;
    makeDirectory(directory, directoryMode, { uid, gid });
    // Only one run at a time writes here: what begins like this was left by one that was killed, and may be large.
    for (const each of namesIn(directory)) if (each.startsWith(`.${name}.`)) removeFile(join(directory, each));
    await writeStreamAtomic(join(directory, name), ownership, fill);
  }
}
