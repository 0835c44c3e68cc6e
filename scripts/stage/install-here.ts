/** A package of ours, unpacked into the system that this runs in: only for one that is thrown away afterwards. */
import { copyFileSync } from "node:fs";
import { installFiles } from "../install.ts";

/** Node and our files where a distribution's packages would put them; the programs have been built before. */
export function installHere(): void {
  copyFileSync(process.execPath, "/usr/bin/node");
  installFiles("/");
}
