/** `nethsm system`: the device as a machine, its backups and updates. */
import type { Command } from "@signstar/command/spec";
import type { NetHsm } from "@signstar/nethsm/client";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { AtomicFile, requireWritable } from "@signstar/nethsm-settings/write-file";
import { Exit, Failure } from "@signstar/primitives/failure";
import { record, text, verdict } from "./answer.ts";
import { admin } from "./common.ts";
import { CliError } from "./errors.ts";
import { readChunks, upload, withProgress } from "./inputs.ts";
import { systemTimeIn, systemTimeOption } from "./state.ts";
import { deviceTask, forceOption, localTask, passphraseOption, type Work } from "./task.ts";

const backup = deviceTask({
  name: "backup",
  summary: "fetch a backup of users, keys and settings",
  description:
    "The file is encrypted with the backup passphrase. It is checked to be whole before it gets its name, by default " +
    "LABEL-TIME.bkp in the present directory.",
  roles: ["Backup"],
  options: [
    { name: "output", short: "o", value: "FILE", description: "where to write it", env: "NETHSM_BACKUP_OUTPUT_FILE" },
    forceOption,
  ],
  run: async (work, hsm) => {
    const now = new Date().toISOString().replace(/\.\d+/, "");
    const path = work.options.text("output") ?? `${(await work.device()).label}-${now}.bkp`;
    const force = work.options.flag("force");
    requireWritable(path, force);
    const chunks = await hsm.system.backup();
    await using file = await AtomicFile.create(path, { force, mode: 0o600 });
    let size = 0;
    for await (const chunk of withProgress(chunks, "receiving the backup", work.io)) {
      size += chunk.length;
      await file.write(chunk);
    }
    const { version, items } = await validateBackup(readChunks(file.temporary));
    await file.commit();
    return { ...record({ file: path, size, version, items }), payload: () => "" };
  },
});

const restore = localTask({
  name: "restore",
  summary: "restore a device from a backup",
  description:
    "Of an Unprovisioned device everything is restored and no user is needed. Of an Operational one users, keys and " +
    "namespaces are replaced, and an Administrator has to ask. The whole file is checked before it is sent.",
  arguments: [{ name: "INPUT", description: "file with the backup", env: "NETHSM_BACKUP_FILE" }],
  options: [
    passphraseOption("backup-passphrase-file", "b", "NETHSM_BACKUP_PASSPHRASE_FILE", "backup passphrase"),
    systemTimeOption,
  ],
  run: async (work) => {
    const path = work.words.text("INPUT");
    const hsm = await restorer(work);
    const backupPassphrase = await work.passphrase("backup-passphrase-file", "backup passphrase");
    await validateBackup(readChunks(path), { backup: backupPassphrase });
    await hsm.system.restore({ backup: await upload(path, work.io), backupPassphrase, systemTime: systemTimeIn(work) });
  },
});

async function restorer(work: Work): Promise<NetHsm> {
  const nobody = await work.anonymous();
  const state = await nobody.health.state();
  if (state === "Unprovisioned") return nobody;
  if (state === "Operational") return await work.as(admin);
  throw new CliError("device-locked", `the device is ${state} and takes no backup`, {
    hint: state === "Locked" ? "unlock it first: nethsm unlock" : "reset it first: nethsm system factory-reset",
  });
}

const validate = localTask({
  name: "validate-backup",
  summary: "check a backup without a device; ends with 1 if it is bad",
  description:
    "With the backup passphrase every item is decrypted; with the unlock passphrase every value of users, keys and " +
    "namespaces too. Without a passphrase only the structure is looked at.",
  arguments: [{ name: "INPUT", description: "file with the backup", env: "NETHSM_VALIDATE_BACKUP_FILE" }],
  options: [
    {
      name: "backup-passphrase-file",
      short: "b",
      value: "FILE",
      description: "file with the backup passphrase",
      env: "NETHSM_VALIDATE_BACKUP_PASSPHRASE_FILE",
    },
    { name: "unlock-passphrase-file", short: "U", value: "FILE", description: "file with the unlock passphrase" },
  ],
  run: async (work) => {
    const hasBackup = work.options.text("backup-passphrase-file") !== undefined;
    const hasUnlock = work.options.text("unlock-passphrase-file") !== undefined;
    const needed = hasBackup || hasUnlock;
    const passphrases = needed && {
      backup: await work.passphrase("backup-passphrase-file", "backup passphrase"),
      ...(hasUnlock && { unlock: await work.passphrase("unlock-passphrase-file", "unlock passphrase") }),
    };
    try {
      const { version, items, depth } = await validateBackup(
        readChunks(work.words.text("INPUT")),
        passphrases || undefined,
      );
      return verdict({ valid: true, version, items, depth }, Exit.ok);
    } catch (error) {
      if (!(error instanceof Failure) || error.exit !== Exit.data) throw error;
      // The answer to the question is no; why, is said like an error.
      work.io.note(`not valid: ${error.message}`);
      return verdict({ valid: false, code: error.code, message: error.message }, Exit.no);
    }
  },
});

const action = (name: string, summary: string, run: (hsm: NetHsm) => Promise<void>): Command =>
  deviceTask({ name, summary, roles: admin, run: (_work, hsm) => run(hsm) });

export const system: Command = {
  name: "system",
  summary: "the device as a machine, its backups and updates",
  commands: [
    backup,
    action("cancel-update", "forget an update that was uploaded", (hsm) => hsm.system.cancelUpdate()),
    action("commit-update", "restart with the update that was uploaded", (hsm) => hsm.system.commitUpdate()),
    action("factory-reset", "erase everything on the device", (hsm) => hsm.system.factoryReset()),
    deviceTask({
      name: "info",
      summary: "show release, hardware and attestation keys of the device",
      roles: admin,
      run: async (_work, hsm) => {
        const { pcr, akPub, ...rest } = await hsm.system.info();
        return record({ ...rest, akPub: { ...akPub }, pcr: Object.fromEntries(pcr) });
      },
    }),
    action("reboot", "restart the device", (hsm) => hsm.system.reboot()),
    restore,
    localTask({
      name: "shutdown",
      summary: "switch the device off",
      description:
        "Of an Operational device an Administrator has to ask. Any other needs no user (release 3.0 and later; those " +
        "before switch off Operational only).",
      run: async (work) => {
        const nobody = await work.anonymous();
        const isOperational = (await nobody.health.state()) === "Operational";
        await (isOperational ? await work.as(admin) : nobody).system.shutdown();
      },
    }),
    deviceTask({
      name: "upload-update",
      summary: "send an update to the device and show its release notes",
      roles: admin,
      arguments: [{ name: "INPUT", description: "file with the update", env: "NETHSM_UPDATE_FILE" }],
      run: async (work, hsm) => {
        const notes = await hsm.system.update(await upload(work.words.text("INPUT"), work.io));
        return text(notes, { releaseNotes: notes });
      },
    }),
    validate,
  ],
};
