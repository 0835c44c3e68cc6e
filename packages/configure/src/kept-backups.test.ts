import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSystemUserId } from "@signstar/config/system-user";
import { pathsUnder } from "@signstar/host/paths";
import { parseUserId } from "@signstar/nethsm/ids";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Desired, type DesiredUser, leadingAdministrator } from "./desired.ts";
import { KeptBackups } from "./kept-backups.ts";
import type { Place } from "./place.ts";

const uid = process.geteuid?.() ?? -1;
const gid = process.getegid?.() ?? -1;
/** Only root can give files to another group. */
const groupOf = (name: string) => (uid === 0 ? 60_000 + name.length : gid);
const content = Buffer.from("a backup");

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "signstar-kept-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function keptFor(...names: readonly string[]): KeptBackups {
  const place: Place = {
    paths: pathsUnder(root),
    lock: join(root, "lock"),
    owner: { uid, gid },
    note: undefined,
    user: (name) => ({ uid: 60_000, gid: groupOf(name), home: join(root, name), login: name }),
  };
  const users = names.map(
    (name): DesiredUser => ({
      id: parseUserId(name),
      role: "Backup",
      tags: [],
      systemUser: parseSystemUserId(name),
    }),
  );
  const desired: Desired = {
    administrators: [leadingAdministrator],
    namespaces: [],
    users,
    keys: [],
    removal: { keys: [], namespaces: [], everything: false },
    passphrases: "plaintext",
  };
  return new KeptBackups(place, desired);
}

const directory = (name = "") => join(root, "var/lib/signstar/backup", name);
const keep = (kept: KeptBackups) => kept.keep(async (write) => write(content));

test("each user of a backup mapping can read theirs, and nobody else can", async () => {
  await keep(keptFor("one", "three"));
  for (const name of ["one", "three"]) {
    const [above, file] = [statSync(directory(name)), statSync(join(directory(name), "latest.bkp"))];
    expect([above.mode & 0o7777, file.mode & 0o7777]).toEqual([0o750, 0o640]);
    expect([above.uid, above.gid, file.uid, file.gid]).toEqual([uid, groupOf(name), uid, groupOf(name)]);
    expect(readFileSync(join(directory(name), "latest.bkp"))).toEqual(content);
  }
});

test("without a mapping it is kept for root", async () => {
  await keep(keptFor());
  const [above, file] = [
    statSync(directory("signstarbackup")),
    statSync(join(directory("signstarbackup"), "latest.bkp")),
  ];
  expect([above.mode & 0o7777, file.mode & 0o7777]).toEqual([0o700, 0o600]);
});

test("one is due from before a change until it is kept, and for whoever has none yet", async () => {
  const kept = keptFor("one");
  expect(kept.isDue()).toBe(true);
  await keep(kept);
  expect(kept.isDue()).toBe(false);
  kept.markDue();
  expect(keptFor("one").isDue()).toBe(true);
  await keep(kept);
  kept.settle();
  expect(kept.isDue()).toBe(false);
  expect(keptFor("one", "three").isDue()).toBe(true);
});

test("one that breaks off leaves the one before", async () => {
  const kept = keptFor("one");
  await keep(kept);
  const failing = kept.keep(async (write) => {
    write(Buffer.from("another"));
    throw new RangeError("it breaks off");
  });
  await expect(failing).rejects.toThrow(RangeError);
  expect(readdirSync(directory("one"))).toEqual(["latest.bkp"]);
  const pieces: Uint8Array[] = [];
  for await (const piece of kept.open().chunks) pieces.push(piece);
  expect(Buffer.concat(pieces)).toEqual(content);
});

test("what a killed run has left is removed by the next", async () => {
  const kept = keptFor("one", "three");
  await keep(kept);
  for (const name of ["one", "three"]) writeFileSync(join(directory(name), ".latest.bkp.0badcafe"), "half of a");
  await keep(kept);
  for (const name of ["one", "three"]) expect(readdirSync(directory(name))).toEqual(["latest.bkp"]);
});
