import type { UserId } from "@signstar/nethsm/ids";
import type { Secret } from "@signstar/primitives/secret";
import type { DesiredUser } from "./desired.ts";
import { freshPassphrase } from "./passphrase.ts";
import type { Run } from "./run.ts";

export function createUser(run: Run, as: UserId, user: DesiredUser): Promise<void> {
  const { id, role } = user;
  return withFreshPassphrase(run, user, (passphrase) =>
    run.as(as).users.create(id, { realName: `${role} user ${id}`, role, passphrase }),
  );
}

export function setPassphrase(run: Run, as: UserId, user: DesiredUser): Promise<void> {
  return withFreshPassphrase(run, user, (passphrase) => run.as(as).users.setPassphrase(user.id, passphrase));
}

/**
 * File first, device second: whatever happens in between, one of the two files is what the device answers to, and
 * what was never set is found out and made anew. The one before is forgotten when all devices have this one.
 */
async function withFreshPassphrase(
  run: Run,
  user: DesiredUser,
  set: (passphrase: Secret) => Promise<void>,
): Promise<void> {
  const { hasOld } = await run.passphraseFiles.read(user);
  const passphrase = freshPassphrase();
  await run.passphraseFiles.stage(user, passphrase, hasOld);
  await set(passphrase);
  run.learn(user.id, passphrase);
  run.unsettled.add(user);
}
