/** The backup that is kept after each change, for the system user of each backup mapping. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { makeDirectory, removeFile, writeFileAtomic, writeStreamAtomic } from "@signstar/host/atomic-file";
import { streamSafeFile } from "@signstar/host/safe-file";
import type { FileSource } from "@signstar/nethsm/system";
import type { Desired } from "./desired.ts";
import type { Place } from "./place.ts";

interface Kept {
  readonly path: string;
  readonly directoryMode: number;
  readonly ownership: { readonly mode: number; readonly uid: number; readonly gid: number };
}

export class KeptBackups {
  readonly #place: Place;
  readonly #all: readonly [Kept, ...Kept[]];
  /** There from before the first change until a backup with it is kept. */
  readonly #due: string;

  constructor(place: Place, desired: Desired) {
    this.#place = place;
    const directory = place.paths.keptBackups;
    this.#due = `${directory}/.due`;
    const [first, ...others] = desired.users
      .filter(({ role }) => role === "Backup")
      .map(({ systemUser }): Kept => {
        const { gid } = place.user(systemUser);
        const ownership = { mode: 0o640, uid: place.owner.uid, gid };
        return { path: `${directory}/${systemUser}/latest.bkp`, directoryMode: 0o750, ownership };
      });
    // Nobody is to have it, but whoever repairs the device may need it.
    const own = { mode: 0o600, ...place.owner };
    this.#all = [
      first ?? { path: `${directory}/signstarbackup/latest.bkp`, directoryMode: 0o700, ownership: own },
      ...others,
    ];
  }

  isDue(): boolean {
    return existsSync(this.#due) || this.#all.some(({ path }) => !existsSync(path));
  }

  /** To be called before a device is changed. */
  markDue(): void {
    if (existsSync(this.#due)) return;
    makeDirectory(dirname(this.#due), 0o755);
    writeFileAtomic(this.#due, new Uint8Array(0), { mode: 0o600, ...this.#place.owner });
  }

  settle(): void {
    removeFile(this.#due);
  }

  /** What `fill` writes is kept for everybody it is for, if it resolves. */
  async keep(fill: (write: (piece: Uint8Array) => void) => Promise<void>): Promise<void> {
    const [first, ...others] = this.#all;
    await this.#write(first, fill);
    for (const other of others) {
      await this.#write(other, async (write) => {
        for await (const piece of this.open().chunks) write(piece);
      });
    }
  }

  /** The backup that is kept, to be read once. Throws HostError. */
  open(): FileSource & { readonly size: number } {
    const [{ path }] = this.#all;
    const { size, pieces } = streamSafeFile(path, { owners: [this.#place.owner.uid], mode: "readable" });
    return { size, chunks: pieces };
  }

  async #write({ path, directoryMode, ownership }: Kept, fill: (write: (piece: Uint8Array) => void) => Promise<void>) {
    const { uid, gid } = ownership;
    makeDirectory(dirname(path), directoryMode, { uid, gid });
    await writeStreamAtomic(path, ownership, fill);
  }
}
