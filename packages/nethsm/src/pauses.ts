/**
 * After a failed login a device refuses that user, from this address, for a second, even with the right passphrase
 * (429). So a whole process keeps quiet for that user on that device a little longer than that.
 */
export const pauseMs = 1_100;

/** Device and user to the time (performance.now) at which the pause is over. */
const until = new Map<string, number>();

const keyOf = (device: string, user: string) => `${device} ${user}`;

/** To be called when a device has refused a user with 401 or 429. */
export function beginPause(device: string, user: string): void {
  until.set(keyOf(device, user), performance.now() + pauseMs);
}

/** Milliseconds that this user still has to keep quiet on this device. */
export function pauseLeft(device: string, user: string): number {
  return Math.max(0, (until.get(keyOf(device, user)) ?? 0) - performance.now());
}
