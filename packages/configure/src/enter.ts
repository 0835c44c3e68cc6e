/** Ways into a device while two sets of admin credentials may be in force: what shall be, then what was. */
import { NetHsmError } from "@signstar/nethsm/errors";
import type { Secret } from "@signstar/primitives/secret";
import { administratorLogin, rateLimitMs } from "./authenticates.ts";
import { leadingAdministrator } from "./desired.ts";
import type { Device } from "./device.ts";
import { ConfigureError, refusedHint } from "./errors.ts";
import type { Run } from "./run.ts";

/** From Locked to Operational. Throws ConfigureError (credentials-refused, no-credentials), NetHsmError. */
export async function unlock(run: Run): Promise<void> {
  const { unlockPassphrase } = run.requireAdminCredentials();
  const earlier = run.secrets?.previous?.unlockPassphrase;
  for (const passphrase of earlier === undefined ? [unlockPassphrase] : [unlockPassphrase, earlier]) {
    if (await unlocksWith(run, passphrase)) return;
  }
  throw refused("the unlock passphrase");
}

async function unlocksWith(run: Run, passphrase: Secret): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await run.device.unlock(passphrase);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof NetHsmError)) throw thrown;
      const isOver = thrown.code === "forbidden";
      // Someone else has just failed, from this very host.
      if (!isOver && (thrown.code !== "too-many-requests" || attempt === 3)) throw thrown;
      await run.sleep(rateLimitMs);
      if (isOver) return false;
    }
  }
}

/**
 * The device as its leading administrator sees it, which `run.as` is from then on. Throws ConfigureError
 * (credentials-refused, no-credentials), NetHsmError.
 */
export async function logIn(run: Run): Promise<Device> {
  const login = await administratorLogin(run, leadingAdministrator);
  if (login === "current" || login === "previous") return run.as(leadingAdministrator);
  throw refused(`the admin credentials of ${leadingAdministrator}`);
}

function refused(what: string): ConfigureError {
  return new ConfigureError("credentials-refused", `the device refuses ${what} of this host`, { hint: refusedHint });
}
