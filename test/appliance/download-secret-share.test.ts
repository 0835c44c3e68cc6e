import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { at, contentsOf, filesFor, freshDirectory, type Login, login, setOf, writeState } from "./holders.ts";
import { refusesOthers } from "./refusals.ts";
import { sharing } from "./roles.ts";
import { Stand } from "./stand.ts";

const name = "signstar-download-secret-share";
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const deadline = new Date("2030-01-01T00:00:00.000Z");

let stand: Stand;
let alice: Login;
let bob: Login;
let files: readonly Uint8Array[];
let file: Uint8Array;
let download: string;
let confirmations: string;
beforeAll(async () => {
  stand = await Stand.make(name);
});
beforeEach(async () => {
  await stand.reset();
  rmSync(join(stand.root, "run/signstar"), { recursive: true, force: true });
  [alice, bob] = [login(stand, 1), login(stand, 2)];
  files = await filesFor([alice, bob]);
  file = at(files, 0);
  download = freshDirectory(stand, "download");
  confirmations = freshDirectory(stand, "confirm");
  for (const [position, { key }] of [alice, bob].entries()) {
    stand.write(`/run/signstar/secret-shares/download/signer/${key.hex}.share`, at(files, position), 0o640);
  }
  configure();
});
afterAll(() => stand[Symbol.asyncDispose]());

const configure = () => stand.configure(sharing("system_only_share_download"));
const own = (who: Login) => join(download, `${who.key.hex}.share`);
const fetched = (who: Login, words = "") => stand.run("", { ...who.env, SSH_ORIGINAL_COMMAND: words });
const holder = (who: Login, share: Uint8Array, confirmed: boolean, user = "signer") => ({
  ...{ user, fingerprint: who.key.fingerprint, share: sha256(share), confirmed },
});

describe(name, () => {
  refusesOthers(name, () => stand, configure);

  test("gives each key its own share, and nothing of it to the journal", async () => {
    for (const [position, who] of [alice, bob].entries()) {
      const { code, out, err } = await fetched(who);
      expect([code, out, err]).toEqual([0, Buffer.from(at(files, position)).toString(), ""]);
      expect(stand.entries()[1]).toMatchObject({ event: "download", what: "share", index: position + 1 });
      const secret = /"share": "([^"]*)"/.exec(out)?.[1] ?? "nothing";
      expect(JSON.stringify(stand.entries())).not.toContain(secret.slice(0, 16));
    }
  });

  test("takes a confirmation of the very file, durably and for root to read", async () => {
    const { code, out, err } = await fetched(bob, `confirm ${sha256(at(files, 1)).toUpperCase()}`);
    expect([code, err]).toEqual([0, ""]);
    const digest = sha256(at(files, 1));
    expect(JSON.parse(out)).toEqual({ confirmed: digest, set: setOf(file).set, index: 2 });
    expect(contentsOf(confirmations)).toEqual({ [bob.key.hex]: `${digest}\n` });
    const { mode, nlink } = statSync(join(confirmations, bob.key.hex));
    expect([mode & 0o7777, nlink]).toEqual([0o600, 1]);
    expect(stand.entries()[1]).toMatchObject({ event: "confirmed", index: 2, sha256: digest });
    expect((await fetched(bob, `confirm ${digest}`)).code).toBe(0);
  });

  test("takes no confirmation of anything else", async () => {
    for (const digest of [sha256(at(files, 1)), "0".repeat(64)]) {
      const { code, out, err } = await fetched(alice, `confirm ${digest}`);
      expect([code, out]).toEqual([65, ""]);
      expect(err).toContain("this is not the SHA-256 of your share");
    }
    for (const words of ["confirm", `confirm ${"0".repeat(63)}`, `confirm ${"0".repeat(64)} x`, "confirm ../../x"]) {
      expect((await fetched(alice, words)).code).toBe(64);
    }
    expect(readdirSync(confirmations)).toEqual([]);
  });

  test("says again that a share is confirmed when it is gone already", async () => {
    rmSync(own(alice));
    const digest = sha256(file);
    writeState(stand, {
      pending: { ...setOf(file), deadline, holders: [holder(alice, file, true), holder(bob, at(files, 1), false)] },
    });
    const { code, out } = await fetched(alice, `confirm ${digest}`);
    expect([code, JSON.parse(out)]).toEqual([0, { confirmed: digest, set: setOf(file).set }]);
    expect((await fetched(alice, `confirm ${"0".repeat(64)}`)).code).toBe(66);
    expect(readdirSync(confirmations)).toEqual([]);
  });

  test("does not know who asks without the key of the login", async () => {
    const { code, out, err } = await stand.run("");
    expect([code, out]).toEqual([78, ""]);
    expect(err).toContain("error: this host does not know with which key you have logged in\n");
    expect(err).toContain("hint: its sshd needs ExposeAuthInfo for this account\n");
  });

  test("says why no share is waiting", async () => {
    rmSync(own(alice));
    const why = async () => {
      const { code, out, err } = await fetched(alice);
      expect([code, out]).toEqual([66, ""]);
      return err.split("\n")[0]?.replace(`${name}: error: `, "");
    };
    const { set, ...numbers } = setOf(file);
    const pending = (...holders: ReturnType<typeof holder>[]) =>
      writeState(stand, { pending: { set, ...numbers, deadline, holders } });
    expect(await why()).toBe("no share is waiting");
    pending(holder(bob, at(files, 1), false));
    expect(await why()).toBe("shares wait for their holders, but your key is not one of theirs");
    pending(holder(alice, file, true));
    expect(await why()).toBe("your share is confirmed already, there is nothing to fetch");
    pending(holder(alice, file, false));
    expect(await why()).toBe("your share is not there yet");
    pending(holder(alice, file, false, "other"));
    expect(await why()).toBe("your share waits in another account of this host");
    const holders = [alice.key.fingerprint, bob.key.fingerprint];
    writeState(stand, { sets: [{ set, ...numbers, standing: "in-force", holders }] });
    expect(await why()).toBe(`no share is waiting: you have confirmed yours of set ${set}`);
    writeState(stand, { sets: [{ set, ...numbers, standing: "void", holders }] });
    expect(await why()).toBe("no share is waiting");
  });

  test("hands out nothing that is not the share of its holder", async () => {
    const nothing = { code: 74, out: "", err: `${name}: error: input or output failed\n` };
    for (const content of [at(files, 1), file.subarray(0, -2), "hello\n", ""]) {
      writeFileSync(own(alice), content);
      expect(await fetched(alice)).toEqual(nothing);
      expect((await fetched(alice, `confirm ${sha256(Buffer.from(content))}`)).code).toBe(74);
    }
    expect(readdirSync(confirmations)).toEqual([]);
  });

  test.each<[string, (path: string) => void]>([
    ["a symbolic link", (path) => symlinkSync("/etc/hostname", path)],
    ["a link to another's share", (path) => symlinkSync(own(bob), path)],
    ["a hard link", (path) => linkSync(own(bob), path)],
    ["a FIFO", (path) => void spawnSync("mkfifo", [path])],
    ["a directory", (path) => mkdirSync(path)],
  ])("hands out nothing through %s", async (_, plant) => {
    rmSync(own(alice));
    plant(own(alice));
    const { code, out } = await fetched(alice);
    expect(out).toBe("");
    expect([74, 77]).toContain(code);
  });

  test("hands out nothing that others could have written", async () => {
    chmodSync(own(alice), 0o662);
    expect(await fetched(alice)).toEqual({ code: 77, out: "", err: `${name}: error: this is not allowed\n` });
  });

  test("confirms in no other directory", async () => {
    rmSync(confirmations, { recursive: true });
    const elsewhere = join(stand.root, "elsewhere");
    mkdirSync(elsewhere, { recursive: true });
    symlinkSync(elsewhere, confirmations);
    const wrong = { code: 78, out: "", err: `${name}: error: the service is not set up correctly\n` };
    expect(await fetched(alice, `confirm ${sha256(file)}`)).toEqual(wrong);
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
