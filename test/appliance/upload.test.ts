import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { concat, toUtf8, u32be } from "@signstar/primitives/bytes";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { backupOf, backupPieces } from "./backups.ts";
import { refusesOthers } from "./refusals.ts";
import { mappingOf } from "./roles.ts";
import { Stand } from "./stand.ts";

const field = (text: string) => concat(u32be(text.length).subarray(1), toUtf8(text));
const updateOf = (blocks: number) =>
  concat(
    toUtf8("_NETHSM_UPDATE_\0"),
    field("signature"),
    field("notes"),
    field("5.1"),
    u32be(blocks),
    new Uint8Array(blocks * 512),
  );
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Mounting needs more than root: a container may refuse it. */
const mountable = process.geteuid?.() === 0 && spawnSync("unshare", ["-m", "true"]).status === 0;
if (!mountable) console.warn("skipped: a full disk, since no file system can be mounted here");

describe.each([
  {
    what: "backup",
    suffix: ".bkp",
    good: () => backupOf({ items: 20, valueBytes: 5000 }),
    large: () => backupPieces({ items: 256, valueBytes: 256 * 1024 }),
    found: { version: 1, items: 20 },
  },
  {
    what: "update",
    suffix: ".update",
    good: async () => updateOf(200),
    large: () => [updateOf(131_072)],
    found: { version: "5.1" },
  },
])("signstar-upload-$what", ({ what, suffix, good, large, found }) => {
  const name = `signstar-upload-${what}`;
  const err = (sentence: string) => `${name}: error: ${sentence}\n`;
  let stand: Stand;
  let file: Uint8Array;
  let directory: string;

  beforeAll(async () => {
    stand = await Stand.make(name, ["HSM"]);
    file = await good();
    directory = join(stand.root, `/var/lib/signstar/staging/${what}/signer`);
  });
  beforeEach(async () => {
    await stand.reset();
    // Made by the caller, as systemd-tmpfiles would.
    rmSync(stand.write(`/var/lib/signstar/staging/${what}/signer/x`, ""));
    configure();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  const configure = (limit = "1MiB") =>
    stand.configure({
      mapping: mappingOf(`system_only_${what}_upload`),
      tail: `[appliance]\nupload_limit_${what} = "${limit}"`,
    });
  const staged = () => readdirSync(directory).sort();

  refusesOthers(name, () => stand, configure);

  test("stages a good file under its SHA-256 and gives a receipt", async () => {
    const { code, out, err: shown } = await stand.run(file);
    expect([code, shown]).toEqual([0, ""]);
    const receipt = { staged: what, sha256: sha256(file), bytes: file.length, ...found };
    expect(JSON.parse(out)).toEqual(receipt);
    expect(out.endsWith("}\n")).toBe(true);
    expect(staged()).toEqual([`${sha256(file)}${suffix}`]);
    const path = join(directory, `${sha256(file)}${suffix}`);
    expect(Buffer.compare(readFileSync(path), file)).toBe(0);
    expect([statSync(path).mode & 0o7777, statSync(path).nlink]).toEqual([0o600, 1]);
    const { staged: _, ...rest } = receipt;
    expect(stand.entries()[1]).toMatchObject({ event: "staged", what, ...rest });
    expect((await stand.run(file)).code).toBe(0);
    expect(staged().length).toBe(1);
  });

  test("refuses what is not whole, not one, or nothing, and keeps none of it", async () => {
    for (const bytes of [file.subarray(0, -1), concat(file, toUtf8("x")), toUtf8("hello\n"), file.subarray(0, 20)]) {
      const { code, out, err: shown } = await stand.run(bytes);
      expect([code, out]).toEqual([65, ""]);
      expect(shown).toContain(`error: this is not a whole NetHSM ${what}: `);
    }
    expect((await stand.run("")).code).toBe(66);
    expect(staged()).toEqual([]);
  });

  test("refuses what is larger than the config allows", async () => {
    configure("4KiB");
    expect(await stand.run(file)).toEqual({ code: 65, out: "", err: err("the file is larger than 4096 bytes") });
    expect(staged()).toEqual([]);
  });

  test("does not wait for the end of what is larger", async () => {
    configure("4KiB");
    const child = stand.start();
    const exit = once(child, "exit");
    const endless = async () => {
      child.stdin.write(file.subarray(0, -1));
      for (; child.exitCode === null; await sleep(5)) if (child.stdin.writable) child.stdin.write("x".repeat(1000));
    };
    await endless();
    expect(await exit).toEqual([65, null]);
    expect(staged()).toEqual([]);
  });

  test("takes 64 MiB with little memory", async () => {
    configure("128MiB");
    const child = stand.start();
    const exit = once(child, "exit");
    for await (const piece of large()) {
      for (let at = 0; at < piece.length; at += 65_536) {
        if (!child.stdin.write(piece.subarray(at, at + 65_536))) await once(child.stdin, "drain");
      }
    }
    // All but what is in the pipe has been taken.
    const highest = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1];
    child.stdin.end();
    expect(await exit).toEqual([0, null]);
    expect(statSync(join(directory, staged()[0] ?? "")).size).toBeGreaterThan(64 * 1024 * 1024);
    expect(Number(highest)).toBeLessThan(160 * 1024);
  });

  test("keeps the three newest", async () => {
    for (const [i, old] of ["a", "b", "c"].entries()) {
      const path = join(directory, `${old.repeat(64)}${suffix}`);
      stand.write(path.slice(stand.root.length), old);
      spawnSync("touch", ["-d", `2020-01-0${i + 1}`, path]);
    }
    expect((await stand.run(file)).code).toBe(0);
    const left = [`${"b".repeat(64)}${suffix}`, `${"c".repeat(64)}${suffix}`, `${sha256(file)}${suffix}`];
    expect(staged()).toEqual(left.sort());
    expect(stand.entries()[2]).toMatchObject({ event: "unstaged", file: `${"a".repeat(64)}${suffix}` });
  });

  test("leaves nothing behind when it is killed, but a dot file that the next upload removes", async () => {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const child = stand.start();
      child.stdin.write(file.subarray(0, file.length / 2));
      while (staged().length === 0) await sleep(10);
      child.kill(signal);
      await once(child, "exit");
      expect(staged().every((each) => each.startsWith(".") && each.endsWith(".part"))).toBe(true);
    }
    expect((await stand.run(file)).code).toBe(0);
    expect(staged()).toEqual([`${sha256(file)}${suffix}`]);
  });

  test("takes several files at a time, though not any number", async () => {
    const children = [1, 2, 3].map(() => {
      const child = stand.start();
      child.stdin.write(file.subarray(0, 1000));
      return child;
    });
    while (staged().length < 3) await sleep(10);
    const refused = await stand.run(file);
    expect([refused.code, refused.out]).toEqual([75, ""]);
    expect(refused.err).toContain("too many uploads of this account are under way");
    const codes = children.map((child) => once(child, "exit"));
    for (const child of children) child.stdin.end(file.subarray(1000));
    expect(await Promise.all(codes)).toEqual([1, 2, 3].map(() => [0, null]));
    expect(staged()).toEqual([`${sha256(file)}${suffix}`]);
  });

  test("writes into no other directory", async () => {
    rmSync(directory, { recursive: true });
    const wrong = { code: 78, out: "", err: err("the service is not set up correctly") };
    expect(await stand.run(file)).toEqual(wrong);
    mkdirSync(join(stand.root, "elsewhere"), { recursive: true });
    symlinkSync(join(stand.root, "elsewhere"), directory);
    expect(await stand.run(file)).toEqual(wrong);
    rmSync(directory);
    stand.write(directory.slice(stand.root.length), "a file");
    expect(await stand.run(file)).toEqual(wrong);
    rmSync(directory);
    rmSync(stand.write(`/var/lib/signstar/staging/${what}/signer/x`, ""));
    chmodSync(directory, 0o777);
    expect(await stand.run(file)).toEqual(wrong);
    expect(readdirSync(join(stand.root, "elsewhere"))).toEqual([]);
  });

  test.skipIf(!mountable)("says when the disk is full, and keeps nothing but what was there", async () => {
    const script =
      'mount -t tmpfs -o size=32k,mode=0700,uid="$1",gid="$2" tmpfs "$3" && echo old >"$3/old" && shift 3 && "$@"; code=$?; ls -A "$DIR"; exit $code';
    const { uid, gid } = statSync(directory);
    const { status, stdout, stderr } = spawnSync(
      "unshare",
      ["-m", "sh", "-c", script, "sh", String(uid), String(gid), directory, ...stand.command()],
      { input: file, encoding: "utf8", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DIR: directory } },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 73,
      stdout: "old\n",
      stderr: err("there is no room for the file"),
    });
  });
});
