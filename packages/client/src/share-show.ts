/** What `signstar-share show` does. */
import type { Invocation } from "@signstar/command/spec";
import { sha256 } from "@signstar/secret-sharing/share";
import { exposedNote, readShare } from "./share-file.ts";

export function showShare({ args: [file = ""], io }: Invocation): void {
  const { bytes, share, exposed } = readShare(file);
  if (exposed) io.note(exposedNote(file));
  const lines = [
    `set: ${share.set}`,
    `iteration: ${share.iteration}`,
    `share: ${share.index} of ${share.numberOfShares}`,
    `threshold: ${share.threshold}`,
    `holder: ${share.holder}`,
    `file: ${sha256(bytes)}`,
    ...share.commitments.map((commitment, position) => `commitment ${position + 1}: ${commitment}`),
  ];
  share.share[Symbol.dispose]();
  bytes.fill(0);
  io.write(lines.map((line) => `${line}\n`).join(""));
}
