/** Provision, unlock, lock. */
import { rootOnly } from "../access.ts";
import { object, readJson, readPassphrase, readTime, text } from "../body.ts";
import { done, Refusal } from "../http.ts";
import { lock, provision, unlock } from "../lifecycle.ts";
import type { Context, Resource } from "../resource.ts";

const provisionBody = object({ unlockPassphrase: text, adminPassphrase: text, systemTime: text });
const unlockBody = object({ passphrase: text });

export const stateRoutes: readonly Resource[] = [
  {
    path: "/provision",
    states: ["Unprovisioned"],
    operations: {
      POST: {
        changes: true,
        run: async ({ device }, body) => {
          const input = readJson(body, provisionBody);
          await provision(device, {
            unlockPassphrase: readPassphrase(input.unlockPassphrase, "unlockPassphrase"),
            adminPassphrase: readPassphrase(input.adminPassphrase, "adminPassphrase"),
            systemTime: readTime(input.systemTime),
          });
          return done();
        },
      },
    },
  },
  {
    path: "/unlock",
    states: ["Locked"],
    operations: { POST: { changes: true, run: (context, body) => tryUnlock(context, body) } },
  },
  {
    path: "/lock",
    operations: {
      POST: {
        allow: rootOnly("Administrator"),
        changes: true,
        run: async ({ device }) => {
          await lock(device);
          return done();
        },
      },
    },
  },
];

/** Wrong passphrases and those of an impossible length count, per address. */
async function tryUnlock({ device, peer }: Context, body: Uint8Array) {
  if (device.unlocks.blocked(peer)) throw new Refusal(429, "Service unavailable: too many requests");
  const { passphrase } = readJson(body, unlockBody);
  try {
    await unlock(device, readPassphrase(passphrase, "passphrase"));
  } catch (error) {
    if (error instanceof Refusal) device.unlocks.failed(peer);
    throw error;
  }
  return done();
}
