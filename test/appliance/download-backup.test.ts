// needs: openssl
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { Secret } from "@signstar/primitives/secret";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { backupOf, backupPieces } from "./backups.ts";
import { liar } from "./liar.ts";
import { refusesOthers } from "./refusals.ts";
import { mappingOf } from "./roles.ts";
import { Stand } from "./stand.ts";

const name = "signstar-download-backup";
const kept = "/var/lib/signstar/backup/signer/latest.bkp";
const last = { SSH_ORIGINAL_COMMAND: "last" };

let stand: Stand;
let whole: Uint8Array;
beforeAll(async () => {
  stand = await Stand.make(name);
  whole = await backupOf({ items: 40, valueBytes: 5000 });
});
beforeEach(() => stand.reset());
afterAll(() => stand[Symbol.asyncDispose]());

const configure = () => {
  stand.configure({ mapping: mappingOf("system_nethsm_backup", 'nethsm_user = "backup"') });
  stand.credential("backup-user-passphrase", "", "backup");
};
const runBytes = (env: Record<string, string> = {}) => stand.runBytes("", env);
const discard = `${name}: hint: discard what has arrived, if anything has\n`;

describe(name, () => {
  refusesOthers(name, () => stand, configure);

  test("sends a fresh backup that opens with its passphrases", async () => {
    stand.devices = [await stand.device("Curve25519")];
    configure();
    const { code, bytes, err } = await runBytes();
    expect([code, err]).toEqual([0, ""]);
    const backup = Secret.fromText("backup-passphrase");
    const unlock = Secret.fromText("unlock-passphrase");
    expect(await validateBackup([bytes], { backup, unlock })).toMatchObject({ depth: "values" });
    const [, begun, ended] = stand.entries();
    expect(begun).toMatchObject({ event: "download", what: "backup", source: "fresh", version: 1 });
    expect(ended).toMatchObject({ event: "downloaded", bytes: bytes.length });
    expect(ended?.["sha256"]).toMatch(/^[0-9a-f]{64}$/);
  });

  test("goes on to the next device if one is gone or sends nonsense", async () => {
    const device = await stand.device("Curve25519");
    await using nonsense = await liar(Buffer.from("<html>not a backup</html>"));
    const gone = { ...device, url: "https://localhost:1/api/v1" };
    stand.devices = [gone, nonsense, device];
    configure();
    for (let i = 0; i < 3; i += 1) expect((await runBytes()).code).toBe(0);
  });

  test("lets no byte out if the head is wrong", async () => {
    await using nonsense = await liar(Buffer.from("_NETHSM_BACKUP_\x07 and more"));
    stand.devices = [nonsense];
    configure();
    const err = `${name}: error: what the device has sent is not a whole backup\n${discard}`;
    expect(await stand.run("")).toEqual({ code: 76, out: "", err });
  });

  test.each([
    ["is cut within an item", 0.7],
    ["lacks its end marker", 0.9999],
  ])("ends 76 if what the device sends %s", async (_, part) => {
    await using cut = await liar(whole.subarray(0, Math.floor(whole.length * part)));
    stand.devices = [cut];
    configure();
    const { code, err } = await runBytes();
    expect([code, err]).toEqual([76, `${name}: error: what the device has sent is not a whole backup\n${discard}`]);
  });

  test("ends 69 if the device breaks off", async () => {
    await using broken = await liar(
      (async function* () {
        yield whole.subarray(0, whole.length / 2);
        await sleep(50);
        throw new Error("breaks off");
      })(),
    );
    stand.devices = [broken];
    configure();
    const { code, bytes, err } = await runBytes();
    expect([code, err]).toEqual([69, `${name}: error: the service is not available\n`]);
    expect(bytes.length).toBeLessThan(whole.length);
    expect(stand.entries().some(({ event }) => event === "downloaded")).toBe(false);
  });

  test("says no more than that the service is not available", async () => {
    const locked = await stand.device("Curve25519", {}, "fresh");
    await locked.request("POST", "/lock", { user: ["admin", "admin-passphrase"] });
    stand.devices = [locked];
    configure();
    const err = `${name}: error: the service is not available\n`;
    expect(await stand.run("")).toEqual({ code: 69, out: "", err });
    stand.credential("another passphrase", "", "backup");
    stand.devices = [await stand.device("Curve25519")];
    stand.configure({ mapping: mappingOf("system_nethsm_backup", 'nethsm_user = "backup"') });
    expect((await stand.run("")).code).toBe(78);
  });

  test("sends the kept one byte by byte, for versions 0 and 1", async () => {
    configure();
    for (const bytes of [whole, await backupOf({ items: 3, valueBytes: 10, version: 0 })]) {
      stand.write(kept, bytes, 0o640);
      const sent = await runBytes(last);
      expect([sent.code, sent.err]).toEqual([0, ""]);
      expect(Buffer.compare(sent.bytes, bytes)).toBe(0);
      expect(stand.entries()[1]).toMatchObject({ event: "download", source: "kept", size: bytes.length });
    }
  });

  test("says that there is none, or that it is damaged", async () => {
    configure();
    const none = await stand.run("", last);
    expect([none.code, none.out]).toEqual([66, ""]);
    expect(none.err).toContain("there is no kept backup yet");
    stand.write(kept, whole.subarray(0, whole.length - 3), 0o640);
    expect((await runBytes(last)).code).toBe(74);
    stand.write(kept, "hello", 0o640);
    const err = `${name}: error: the kept backup is damaged\n${discard}`;
    expect(await stand.run("", last)).toEqual({ code: 74, out: "", err });
    stand.write(kept, whole, 0o666);
    expect((await stand.run("", last)).code).toBe(77);
  });

  test("does not read ahead of a client that does not read, and keeps little in memory", async () => {
    const mebibytes = 64;
    await using endless = await liar(backupPieces({ items: mebibytes * 4, valueBytes: 256 * 1024 }));
    stand.devices = [endless];
    configure();
    const child = stand.start();
    const exit = once(child, "exit");
    child.stdin.end();
    await once(child.stdout, "readable");
    await sleep(500);
    expect(endless.sent()).toBeLessThan(24 * 1024 * 1024);
    let received = 0;
    let highest = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      received += chunk.length;
      highest = Math.max(highest, residentKib(child.pid));
    });
    expect(await exit).toEqual([0, null]);
    expect(received).toBeGreaterThan(mebibytes * 1024 * 1024);
    expect(highest).toBeLessThan(160 * 1024);
  });

  test("ends 74 when the client goes away", async () => {
    stand.write(kept, await backupOf({ items: 100, valueBytes: 100_000 }), 0o640);
    configure();
    const child = stand.start(last);
    await once(child.stdout, "readable");
    child.stdout.destroy();
    expect((await once(child, "exit"))[0]).toBe(74);
  });
});

function residentKib(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
}
