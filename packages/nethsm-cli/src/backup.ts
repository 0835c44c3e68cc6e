/** `nethsm backup`: looks into backup files, without a device. */
import type { Command, Option } from "@signstar/command/spec";
import type { BackupHeader, BackupItem } from "@signstar/nethsm-backup/format";
import { openBackup } from "@signstar/nethsm-backup/read";
import { encodingOf, openDomainKey, unlockSaltPath, ValueOpener } from "@signstar/nethsm-backup/stores";
import { bytes, table } from "./answer.ts";
import { CliError } from "./errors.ts";
import { readChunks } from "./inputs.ts";
import { localTask, passphraseOption, type Work } from "./task.ts";

const fileArgument = { name: "FILE", description: "file with the backup", env: "NETHSM_BACKUP_FILE" } as const;
const passphraseOptions: readonly Option[] = [
  passphraseOption("backup-passphrase-file", "b", "NETHSM_BACKUP_PASSPHRASE_FILE", "backup passphrase"),
];
const unlockOption: Option = {
  name: "unlock-passphrase-file",
  short: "U",
  value: "FILE",
  description: "file with the unlock passphrase, which opens users, keys and namespaces",
};

async function openFile(work: Work): Promise<{ header: BackupHeader; items: readonly BackupItem[] }> {
  const passphrase = await work.passphrase("backup-passphrase-file", "backup passphrase");
  const { header, items } = await openBackup(readChunks(work.words.text("FILE")), passphrase);
  const all: BackupItem[] = [];
  for await (const item of items) all.push(item);
  return { header, items: all };
}

const inspect = localTask({
  name: "inspect",
  summary: "list what is in a backup: every path, its kind and the size of its value",
  arguments: [fileArgument],
  options: passphraseOptions,
  run: async (work) => {
    const { header, items } = await openFile(work);
    const rows = items
      .map((item) => ({ path: item.path, sealed: sealOf(item, header), bytes: item.value.length }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    return table(rows, { version: header.version, deviceId: header.deviceId, items: rows });
  },
});

/** Which secret, besides the backup passphrase, opens a value. */
function sealOf({ path }: BackupItem, header: BackupHeader): string {
  const kind = encodingOf(path, header)?.kind;
  if (kind === "store") return "unlock passphrase";
  if (kind === "device-key") return "device";
  return kind === undefined ? "unknown" : "no";
}

const dump = localTask({
  name: "dump",
  summary: "print one value of a backup as the device works with it",
  description:
    "Values of users, keys and namespaces need the unlock passphrase. Private keys are printed too: take care.",
  arguments: [fileArgument, { name: "PATH", description: "which one, as in /config/version" }],
  options: [...passphraseOptions, unlockOption],
  output: { env: "NETHSM_BACKUP_DUMP_OUTPUT_FILE", binary: true },
  run: async (work) => {
    const { header, items } = await openFile(work);
    const path = work.words.text("PATH");
    const item = items.find((each) => each.path === path);
    if (item === undefined)
      throw new CliError("missing-item", `the backup has no ${path}`, { hint: "see nethsm backup inspect" });
    const needsUnlock = encodingOf(path, header)?.kind === "store";
    const value = new ValueOpener(header, needsUnlock ? await domainKey(work, header, items) : undefined).open(item);
    if (value !== undefined) return bytes(value, "value");
    throw new CliError("sealed-item", `${path} is sealed with a key of the device that no backup contains`);
  },
});

async function domainKey(work: Work, header: BackupHeader, items: readonly BackupItem[]) {
  const salt = items.find(({ path }) => path === unlockSaltPath(header));
  const plain = salt && new ValueOpener(header).open(salt);
  if (plain === undefined) throw new CliError("missing-item", "the backup has no salt of the unlock passphrase");
  const passphrase = await work.passphrase("unlock-passphrase-file", "unlock passphrase");
  return await openDomainKey(header.lockedDomainKey, passphrase, plain);
}

export const backup: Command = {
  name: "backup",
  summary: "look into backup files, without a device",
  commands: [inspect, dump],
};
