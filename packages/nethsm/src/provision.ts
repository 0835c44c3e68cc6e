/** Bringing a device into operation and out of it: provision, unlock, lock. */
import type { Secret } from "@signstar/primitives/secret";
import { jsonBody, lateText } from "./body.ts";
import { requireNewPassphrase } from "./checks.ts";
import type { Session } from "./session.ts";
import { deviceTime } from "./time.ts";

export interface Provisioning {
  /** Opens the device's keys; who loses it loses them. */
  readonly unlockPassphrase: Secret;
  /** Of the first Administrator, whose name is `admin`. */
  readonly adminPassphrase: Secret;
  readonly systemTime: Date;
}

/** POST /provision: Unprovisioned to Operational. */
export async function provision(session: Session, input: Provisioning): Promise<void> {
  requireNewPassphrase("unlock passphrase", input.unlockPassphrase);
  requireNewPassphrase("admin passphrase", input.adminPassphrase);
  const body = jsonBody({
    unlockPassphrase: lateText(input.unlockPassphrase),
    adminPassphrase: lateText(input.adminPassphrase),
    systemTime: deviceTime(input.systemTime),
  });
  await session.done({ method: "POST", path: "/provision", body, auth: "anyone", slow: true });
}

/**
 * POST /unlock: Locked to Operational. A wrong passphrase is `forbidden`; for a second after it the device answers
 * `too-many-requests` to this address.
 */
export async function unlock(session: Session, passphrase: Secret): Promise<void> {
  requireNewPassphrase("unlock passphrase", passphrase);
  const body = jsonBody({ passphrase: lateText(passphrase) });
  await session.done({ method: "POST", path: "/unlock", body, auth: "anyone", slow: true });
}

/** POST /lock: Operational to Locked. Administrator without namespace. */
export async function lock(session: Session): Promise<void> {
  await session.done({ method: "POST", path: "/lock" });
}
