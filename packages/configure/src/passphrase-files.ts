/** The passphrases of HSM users, each in the home of the system user it is for. */
import type { Config } from "@signstar/config/model";
import { makeDirectory } from "@signstar/host/atomic-file";
import { effectiveUid } from "@signstar/host/caller";
import { passphraseIn } from "@signstar/host/credentials";
import { HostError } from "@signstar/host/errors";
import { credentialSubdirectory } from "@signstar/host/paths";
import { runAs } from "@signstar/host/run-as";
import { decryptCredential, encryptCredential } from "@signstar/host/systemd-creds";
import { removeAs, writeAs } from "@signstar/host/write-as";
import type { UserId } from "@signstar/nethsm/ids";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { limits } from "@signstar/primitives/limits";
import type { Secret } from "@signstar/primitives/secret";
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
  readonly #form: Form;

  constructor(place: Place, form: Form) {
    this.#place = place;
    this.#form = form;
  }

  async read({ id, systemUser }: DesiredUser): Promise<FoundPassphrase> {
    const user = this.#place.user(systemUser);
    const { content, hasOld } = await probe(user, pathOf(id, this.#form));
    const passphrase = content && (this.#form === "plaintext" ? passphraseIn(content) : await decrypted(content, user));
    return { passphrase, hasOld };
  }

  /**
   * Writes the new passphrase before the device gets it. The one in force stays beside it as `.old` until `settle`;
   * an `.old` that is there already is the one in force, since `settle` was not reached. Throws HostError: write-failed,
   * encryption-failed.
   */
  async stage({ id, systemUser }: DesiredUser, passphrase: Secret, hasOld: boolean): Promise<void> {
    const user = this.#place.user(systemUser);
    // On a system homes come from tmpfiles.d and belong to their users; below a root of the caller's own, to the caller.
    if (user.uid === effectiveUid()) makeDirectory(user.home, 0o700);
    const plain = passphrase.use((each) => each.slice());
    try {
      const content = this.#form === "plaintext" ? plain : await encryptCredential(plain, { user: user.login });
      await writeAs(user, user.home, pathOf(id, this.#form), content, { keepPrevious: !hasOld });
    } finally {
      plain.fill(0);
    }
  }

  /** The device has what was staged: what was before goes, in whatever form. */
  async settle({ id, systemUser }: DesiredUser): Promise<void> {
    const user = this.#place.user(systemUser);
    const other = nameOf(id, this.#form === "plaintext" ? "systemd-creds" : "plaintext");
    await removeAs(user, user.home, `${pathOf(id, this.#form)}.old`, other, `${other}.old`);
  }
}

type Form = Config["nonAdminSecretHandling"];

function nameOf(id: UserId, form: Form): string {
  return `${id}.${form === "plaintext" ? "txt" : "creds"}`;
}

function pathOf(id: UserId, form: Form): string {
  return `${credentialSubdirectory}/${nameOf(id, form)}`;
}

/** What systemd does not decrypt for its reader, there is none of. */
async function decrypted(content: Uint8Array, { login }: PlaceUser): Promise<Secret | undefined> {
  try {
    return passphraseIn(await decryptCredential(content, { user: login }));
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "credential-unusable") return undefined;
    throw thrown;
  }
}

interface Probed {
  readonly content: Uint8Array | undefined;
  readonly hasOld: boolean;
}

/** Longer than any credential file. */
const maxBytes = limits.encryptedCredentialBytes;

// First what the file is, then whether there is an old one, then its content. `-f` and `-L` open nothing, so that a
// FIFO or a link of the user's making holds nobody up.
const script = `set -eu
  cd -- "$1" 2>/dev/null || { printf 'missing\\nnone\\n'; exit 0; }
  if [ -L "$2" ] || [ ! -f "$2" ]; then echo missing; else stat -c '%a %h %u' -- "$2"; fi
  if [ -e "$2.old" ]; then echo old; else echo none; fi
  if [ ! -L "$2" ] && [ -f "$2" ]; then head -c ${maxBytes + 1} -- "$2"; fi`;

async function probe(user: PlaceUser, path: string): Promise<Probed> {
  const directory = `${user.home}/${path.slice(0, path.lastIndexOf("/"))}`;
  const file = path.slice(path.lastIndexOf("/") + 1);
  try {
    return parseProbe(user.uid, await runAs(user, script, [directory, file]));
  } catch (cause) {
    const problem = `cannot be read as uid ${user.uid}: ${messageOf(cause)}`;
    throw new ConfigureError("io", `${user.home}/${path} ${problem}`, { cause });
  }
}

/** What is not regular, private, the user's own and of one name would be refused by its reader: there is none, then. */
function parseProbe(uid: number, output: Uint8Array): Probed {
  const firstEnd = output.indexOf(0x0a);
  const secondEnd = output.indexOf(0x0a, firstEnd + 1);
  const kind = fromUtf8(output.subarray(0, firstEnd));
  const hasOld = fromUtf8(output.subarray(firstEnd + 1, secondEnd)) === "old";
  const content = output.subarray(secondEnd + 1);
  const isUsable = kind === `600 1 ${uid}` && content.length <= maxBytes;
  if (!isUsable) content.fill(0);
  return { content: isUsable ? content : undefined, hasOld };
}
