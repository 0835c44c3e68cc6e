/** The passphrases of HSM users, each in the home of the system user it is for. */
import { makeDirectory } from "@signstar/host/atomic-file";
import { effectiveUid } from "@signstar/host/caller";
import { credentialSubdirectory } from "@signstar/host/paths";
import { runAs } from "@signstar/host/run-as";
import { removeAs, writeAs } from "@signstar/host/write-as";
import type { UserId } from "@signstar/nethsm/ids";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import { Secret } from "@signstar/primitives/secret";
import type { DesiredUser } from "./desired.ts";
import { ConfigureError } from "./errors.ts";
import type { Place, PlaceUser } from "./place.ts";

export interface FoundPassphrase {
  /** Undefined if there is no file, or none that its reader would accept. */
  readonly passphrase: Secret | undefined;
  /** Whether the one before is kept beside it. */
  readonly hasOld: boolean;
}

/** Everything happens as the system user: root does not go into directories of others. */
export class PassphraseFiles {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  async read({ id, systemUser }: DesiredUser): Promise<FoundPassphrase> {
    return parseProbe(await probe(this.#place.user(systemUser), fileOf(id)));
  }

  /**
   * Writes the new passphrase before the device gets it. The one in force stays beside it as `.old` until `settle`;
   * an `.old` that is there already is the one in force, since `settle` was not reached.
   */
  async stage({ id, systemUser }: DesiredUser, passphrase: Secret, hasOld: boolean): Promise<void> {
    const user = this.#place.user(systemUser);
    // On a system homes come from tmpfiles.d and belong to their users; below a root of the caller's own, to the caller.
    if (user.uid === effectiveUid()) makeDirectory(user.home, 0o700);
    const bytes = passphrase.use((each) => each.slice());
    try {
      await writeAs(user, user.home, fileOf(id), bytes, { keepPrevious: !hasOld });
    } finally {
      bytes.fill(0);
    }
  }

  async settle({ id, systemUser }: DesiredUser): Promise<void> {
    const user = this.#place.user(systemUser);
    await removeAs(user, user.home, `${fileOf(id)}.old`);
  }
}

function fileOf(id: UserId): string {
  return `${credentialSubdirectory}/${id}.txt`;
}

// First what the file is, then whether there is an old one, then its content. `-f` and `-L` open nothing, so that a
// FIFO or a link of the user's making holds nobody up.
const script = `set -eu
  cd -- "$1" 2>/dev/null || { printf 'missing\\nnone\\n'; exit 0; }
  if [ -L "$2" ] || [ ! -f "$2" ]; then echo missing; else stat -c '%a %h %u' -- "$2"; fi
  if [ -e "$2.old" ]; then echo old; else echo none; fi
  if [ ! -L "$2" ] && [ -f "$2" ]; then head -c ${limits.credentialBytes + 1} -- "$2"; fi`;

async function probe(user: PlaceUser, path: string): Promise<{ readonly uid: number; readonly output: Uint8Array }> {
  const directory = `${user.home}/${path.slice(0, path.lastIndexOf("/"))}`;
  const file = path.slice(path.lastIndexOf("/") + 1);
  try {
    return { uid: user.uid, output: await runAs(user, script, [directory, file]) };
  } catch (cause) {
    const problem = `cannot be read as uid ${user.uid}: ${messageOf(cause)}`;
    throw new ConfigureError("io", `${user.home}/${path} ${problem}`, { cause });
  }
}

/** What is not regular, private, the user's own and of one name would be refused by its reader: there is none, then. */
function parseProbe({ uid, output }: { readonly uid: number; readonly output: Uint8Array }): FoundPassphrase {
  const firstEnd = output.indexOf(0x0a);
  const secondEnd = output.indexOf(0x0a, firstEnd + 1);
  const kind = fromUtf8(output.subarray(0, firstEnd));
  const hasOld = fromUtf8(output.subarray(firstEnd + 1, secondEnd)) === "old";
  const content = output.subarray(secondEnd + 1);
  const length = content.at(-1) === 0x0a ? content.length - 1 : content.length;
  const isUsable = kind === `600 1 ${uid}` && length > 0 && content.length <= limits.credentialBytes;
  const passphrase = isUsable ? Secret.take(content.subarray(0, length)) : undefined;
  output.fill(0);
  return { passphrase, hasOld };
}
