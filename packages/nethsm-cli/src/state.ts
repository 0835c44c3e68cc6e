/** Commands that change a device's state: `provision`, `lock`, `unlock`; and `random`. */
import { bytes } from "./answer.ts";
import { admin, operator } from "./common.ts";
import { deviceTask, passphraseOption, type Work } from "./task.ts";
import { utcTime, wholeNumber } from "./words.ts";

export const systemTimeOption = {
  name: "system-time",
  short: "s",
  value: "TIME",
  description: "the device's clock from now on, in UTC as in 2026-11-21T12:00:00Z",
  env: "NETHSM_SYSTEM_TIME",
} as const;

export function systemTimeIn({ options }: Work): Date | undefined {
  const text = options.text("system-time");
  return text === undefined ? undefined : utcTime("--system-time", text);
}

export const provision = deviceTask({
  name: "provision",
  summary: "bring an Unprovisioned device into operation",
  description: "Afterwards there is an Administrator named admin. Whoever loses the unlock passphrase loses the keys.",
  options: [
    passphraseOption("admin-passphrase-file", "A", "NETHSM_ADMIN_PASSPHRASE_FILE", "passphrase of the user admin"),
    passphraseOption("unlock-passphrase-file", "U", "NETHSM_UNLOCK_PASSPHRASE_FILE", "unlock passphrase"),
    systemTimeOption,
  ],
  run: async (work, hsm) => {
    const unlockPassphrase = await work.newPassphrase("unlock-passphrase-file", "unlock passphrase");
    const adminPassphrase = await work.newPassphrase("admin-passphrase-file", "passphrase of the user admin");
    await hsm.provision({ unlockPassphrase, adminPassphrase, systemTime: systemTimeIn(work) ?? new Date() });
  },
});

export const lock = deviceTask({
  name: "lock",
  summary: "lock a device, so that its keys cannot be used",
  roles: admin,
  run: (_work, hsm) => hsm.lock(),
});

export const unlock = deviceTask({
  name: "unlock",
  summary: "unlock a device",
  options: [passphraseOption("unlock-passphrase-file", "U", "NETHSM_UNLOCK_PASSPHRASE_FILE", "unlock passphrase")],
  run: async (work, hsm) => hsm.unlock(await work.passphrase("unlock-passphrase-file", "unlock passphrase")),
});

export const random = deviceTask({
  name: "random",
  summary: "get random bytes from a device",
  roles: operator,
  arguments: [{ name: "LENGTH", description: "how many, 1 to 1024", env: "NETHSM_RANDOM_LENGTH" }],
  output: { env: "NETHSM_RANDOM_OUTPUT_FILE", binary: true },
  run: async ({ words }, hsm) => bytes(await hsm.random(wholeNumber("LENGTH", words.text("LENGTH"))), "random"),
});
