import { NetHsmError } from "@signstar/nethsm/errors";
import type { UserId } from "@signstar/nethsm/ids";
import type { Run } from "./run.ts";

/** For one second after a wrong passphrase a NetHSM refuses this user from this address, whatever comes. */
export const rateLimitMs = 1_100;

/**
 * Whether an administrator can log in, and with which of the two passphrases; from then on the run uses that one.
 * Undefined if the admin credentials do not have the administrator.
 */
export async function administratorLogin(run: Run, user: UserId): Promise<"current" | "previous" | "none" | undefined> {
  const { current, previous } = run.requireSecrets();
  const [newer, older] = [current, previous].map((credentials) => credentials?.administrators.get(user));
  if (newer !== undefined) {
    run.learn(user, newer);
    if (await authenticates(run, user)) return "current";
  }
  if (older !== undefined) {
    run.learn(user, older);
    if (await authenticates(run, user)) return "previous";
  }
  return newer === undefined && older === undefined ? undefined : "none";
}

/**
 * Whether the device knows the user by the passphrase that the run has. Who may read what differs by role,
 * and a user of a namespace that does not exist may nothing at all; all the same only a wrong passphrase is a 401.
 */
export async function authenticates(run: Run, user: UserId): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await run.as(user).users.get(user);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof NetHsmError)) throw thrown;
      if (thrown.code === "forbidden") return true;
      // The next to log in as this user is to find the second over.
      if (thrown.code === "unauthorized") {
        await run.sleep(rateLimitMs);
        return false;
      }
      // Someone else has just failed as this user, from this very host.
      if (thrown.code !== "too-many-requests" || attempt === 3) throw thrown;
      await run.sleep(rateLimitMs);
    }
  }
}
