import { handedInSuffixes } from "@signstar/host/handed-in";
import { namesIn } from "@signstar/host/safe-file";
import { noBounds, StagedFile } from "@signstar/host/staging";

export interface Pair {
  readonly directory: string;
  /** Of both files. */
  readonly name: string;
  readonly share: Uint8Array;
  readonly intent: Uint8Array;
}

/**
 * Puts a share and its intent into a directory in which it is our turn. Both are on disk before `announce` is called,
 * and get their names after it, the intent first: a share with a name is complete. Throws HostError and what `announce`
 * throws; then neither has its name.
 */
export async function handIn({ directory, name, share, intent }: Pair, announce: () => Promise<void>): Promise<void> {
  using intentFile = await written(directory, intent);
  using shareFile = await written(directory, share);
  await announce();
  intentFile.commit(`${name}${handedInSuffixes.intent}`);
  shareFile.commit(`${name}${handedInSuffixes.share}`);
  // What takes away an older share of this name, and then its intent, may just have met the new intent.
  const present = namesIn(directory);
  if (present.includes(`${name}${handedInSuffixes.share}`) && !present.includes(`${name}${handedInSuffixes.intent}`)) {
    using again = await written(directory, intent);
    again.commit(`${name}${handedInSuffixes.intent}`);
  }
}

async function written(directory: string, bytes: Uint8Array): Promise<StagedFile> {
  const file = new StagedFile(directory, noBounds);
  try {
    await file.write(bytes);
    file.sync();
    return file;
  } catch (thrown) {
    file[Symbol.dispose]();
    throw thrown;
  }
}
