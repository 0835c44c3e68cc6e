/**
 * In place of the shells that work as other users, which take most of the time where there are some thousand of them:
 * the same on files of one's own. What the shells do is shown in `packages/host/src/write.test.ts` and
 * `packages/configure/src/passphrase-files.test.ts`. For `vi.mock`.
 */
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Owner } from "@signstar/host/run-as";

type RunAs = typeof import("@signstar/host/run-as");
type WriteAs = typeof import("@signstar/host/write-as");

/** As the one script does it that is not in `write-as`: what the file is, whether there is an old one, its content. */
export const runAsOwn: Pick<RunAs, "runAs"> = {
  async runAs(_owner, _script, [directory = "", file = ""]) {
    const path = join(directory, file);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    const kind =
      stats?.isFile() === true ? `${(stats.mode & 0o7777).toString(8)} ${stats.nlink} ${stats.uid}` : "missing";
    const content = stats?.isFile() === true ? readFileSync(path) : Buffer.alloc(0);
    return Buffer.concat([Buffer.from(`${kind}\n${existsSync(`${path}.old`) ? "old" : "none"}\n`), content]);
  },
};

export const writeAsOwn: WriteAs = {
  async writeAs(_owner: Owner, home, path, bytes, { keepPrevious = false } = {}) {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (keepPrevious && existsSync(file)) put(`${file}.old`, readFileSync(file));
    put(file, bytes);
  },
  async removeAs(_owner: Owner, home, path, ...names) {
    for (const name of [path, ...names.map((each) => join(dirname(path), each))])
      rmSync(join(home, name), { force: true });
  },
};

function put(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
