import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Everything below a directory: paths, modes, and the content of files. */
export type Tree = readonly { readonly path: string; readonly mode: number; readonly content: Buffer | undefined }[];

export function readTree(root: string, below = ""): Tree {
  return readdirSync(join(root, below))
    .sort()
    .flatMap((name) => {
      const path = join(below, name);
      const stats = lstatSync(join(root, path));
      const mode = stats.mode & 0o7777;
      if (stats.isDirectory()) return [{ path, mode, content: undefined }, ...readTree(root, path)];
      return [{ path, mode, content: readFileSync(join(root, path)) }];
    });
}

export function writeTree(root: string, tree: Tree): void {
  for (const { path, mode, content } of tree) {
    if (content === undefined) mkdirSync(join(root, path));
    else writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  }
}
