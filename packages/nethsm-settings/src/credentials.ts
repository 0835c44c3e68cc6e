/** Which user asks a device, and with which passphrase. */
import { parseUserId, type UserId } from "@signstar/nethsm/ids";
import type { Role } from "@signstar/nethsm/types";
import type { Secret } from "@signstar/primitives/secret";
import { SettingsError } from "./errors.ts";
import { readPassphraseFile } from "./load.ts";
import type { DeviceSettings, StoredCredentials } from "./model.ts";
import { openSource } from "./passphrase.ts";

/** A person to ask. Without one the program is not interactive. */
export interface Prompter {
  userName(role: Role): Promise<string>;
  /** `what`: "passphrase of admin". */
  passphrase(what: string): Promise<Secret>;
}

export interface Wanted {
  /** Any of them will do; a person is asked for a user of the first. */
  readonly roles: readonly Role[];
  /** Names to try in this order; empty: the first stored user who has a role. */
  readonly users: readonly string[];
  /** The nth belongs to the nth of `users` (the first also to a user that was not named). */
  readonly passphraseFiles: readonly string[];
  readonly prompter: Prompter | undefined;
  /** For CREDENTIALS_DIRECTORY. */
  readonly env: NodeJS.ProcessEnv;
}

export interface ChosenCredentials {
  readonly user: UserId;
  readonly passphrase: Secret;
}

/**
 * A named user who is not stored is taken to have a wanted role; one who is stored with another role is passed over.
 * The passphrase is the stored one, else that of the file at the name's place, else it is asked for.
 * Throws SettingsError, IdError.
 */
export async function chooseCredentials(device: DeviceSettings, wanted: Wanted): Promise<ChosenCredentials> {
  const { user, stored, index } = await chooseUser(device, wanted);
  return { user, passphrase: await choosePassphrase(user, stored, index, wanted) };
}

interface Candidate {
  readonly user: UserId;
  readonly stored: StoredCredentials | undefined;
  /** Where its passphrase file is. */
  readonly index: number;
}

async function chooseUser(device: DeviceSettings, { roles, users, prompter }: Wanted): Promise<Candidate> {
  const named = users.map((name, index) => {
    const user = parseUserId(name);
    return { user, index, stored: device.credentials.find((each) => each.name === user) };
  });
  const chosen = named.find(({ stored }) => stored === undefined || roles.includes(stored.role));
  if (chosen !== undefined) return chosen;
  const list = roles.join(" or ");
  if (named.length > 0) {
    const which = named.map(({ user, stored }) => `${user} is ${stored?.role}`).join(", ");
    throw new SettingsError("no-credentials", `this takes a user with the role ${list}, but ${which}`);
  }
  const stored = device.credentials.find(({ role }) => roles.includes(role));
  if (stored !== undefined) return { user: stored.name, stored, index: 0 };
  const [first] = roles;
  if (prompter === undefined || first === undefined) {
    throw new SettingsError("no-credentials", `no user with the role ${list} is known for device ${device.label}`, {
      hint: "name one with --user, or store one: nethsm env add credentials NAME ROLE",
    });
  }
  return { user: parseUserId(await prompter.userName(first)), stored: undefined, index: 0 };
}

async function choosePassphrase(
  user: UserId,
  stored: StoredCredentials | undefined,
  index: number,
  { passphraseFiles, prompter, env }: Wanted,
): Promise<Secret> {
  if (stored?.passphrase !== undefined) return await openSource(stored.passphrase, env);
  const file = passphraseFiles[index];
  if (file !== undefined) return await readPassphraseFile(file);
  if (prompter !== undefined) return await prompter.passphrase(`passphrase of ${user}`);
  throw new SettingsError("no-passphrase", `there is no passphrase for user ${user}`, {
    hint: "give its file with --auth-passphrase-file, store it, or run this on a terminal",
  });
}
