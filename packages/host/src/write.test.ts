import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { clearDirectory, makeDirectory, writeFileAtomic, writeStreamAtomic } from "./atomic-file.ts";
import { removeAs, writeAs } from "./write-as.ts";

const base = mkdtempSync(join(tmpdir(), "signstar-write-"));
afterAll(() => rmSync(base, { recursive: true }));
const isRoot = process.geteuid?.() === 0;
chmodSync(base, 0o755);
// Root writes as nobody; others can only write as themselves.
const owner = isRoot ? { uid: 65534, gid: 65534 } : { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
const bytes = new Uint8Array(Buffer.from("content\n\0"));
let home = "";
let count = 0;
beforeEach(() => {
  count += 1;
  home = join(base, `home-${count}`);
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, owner.uid, owner.gid);
});

describe("writeFileAtomic", () => {
  test("replaces a file with exactly this mode and leaves nothing beside it", () => {
    const before = process.umask(0o077);
    writeFileSync(join(home, "file"), "older and longer than the new content");
    writeFileAtomic(join(home, "file"), bytes, { mode: 0o644 });
    process.umask(before);
    expect(new Uint8Array(readFileSync(join(home, "file")))).toEqual(bytes);
    expect(statSync(join(home, "file")).mode & 0o7777).toBe(0o644);
    expect(readdirSync(home)).toEqual(["file"]);
  });

  test("replaces a symbolic link, not what it points to", () => {
    writeFileSync(join(home, "target"), "mine");
    symlinkSync("target", join(home, "link"));
    writeFileAtomic(join(home, "link"), bytes, { mode: 0o600 });
    expect(readFileSync(join(home, "target"), "utf8")).toBe("mine");
  });

  test("fails with 73 and cleans up where it cannot write", () => {
    mkdirSync(join(home, "taken"));
    expect(() => writeFileAtomic(join(home, "taken"), bytes, { mode: 0o600 })).toThrow(
      expect.objectContaining({ code: "write-failed", exit: 73 }),
    );
    expect(readdirSync(home)).toEqual(["taken"]);
  });
});

describe("writeStreamAtomic", () => {
  test("what was written in pieces is there as a whole", async () => {
    await writeStreamAtomic(join(home, "file"), { mode: 0o640 }, async (write) => {
      write(bytes.subarray(0, 3));
      expect(existsSync(join(home, "file"))).toBe(false);
      write(bytes.subarray(3));
    });
    expect(new Uint8Array(readFileSync(join(home, "file")))).toEqual(bytes);
    expect(statSync(join(home, "file")).mode & 0o7777).toBe(0o640);
    expect(readdirSync(home)).toEqual(["file"]);
  });

  test("what breaks off leaves the file before, and nothing beside it", async () => {
    writeFileSync(join(home, "file"), "before");
    const failed = writeStreamAtomic(join(home, "file"), { mode: 0o640 }, async (write) => {
      write(bytes);
      throw new RangeError("no more");
    });
    await expect(failed).rejects.toThrow(RangeError);
    expect(readFileSync(join(home, "file"), "utf8")).toBe("before");
    expect(readdirSync(home)).toEqual(["file"]);
  });
});

test("clearDirectory leaves an empty directory and follows no link", () => {
  const directory = join(home, "a/in-use");
  makeDirectory(directory, 0o755);
  writeFileSync(join(home, "kept"), "");
  mkdirSync(join(directory, "sub"));
  writeFileSync(join(directory, "sub/file"), "");
  symlinkSync(home, join(directory, "link"));
  clearDirectory(directory, 0o700);
  expect(readdirSync(directory)).toEqual([]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(existsSync(join(home, "kept"))).toBe(true);
  rmSync(directory, { recursive: true });
  symlinkSync(home, directory);
  clearDirectory(directory, 0o700);
  expect(readdirSync(directory)).toEqual([]);
  expect(existsSync(join(home, "kept"))).toBe(true);
});

describe("makeDirectory", () => {
  test.each([0o000, 0o077])("makes what is missing with these modes, whatever the umask (%o)", (umask) => {
    const before = process.umask(umask);
    makeDirectory(join(home, "a/b/creds"), 0o700);
    process.umask(before);
    const modes = ["a", "a/b", "a/b/creds"].map((path) => statSync(join(home, path)).mode & 0o7777);
    expect(modes).toEqual([0o755, 0o755, 0o700]);
  });

  test("leaves one that is there as it is, and refuses what is none", () => {
    makeDirectory(home, 0o755);
    expect(statSync(home).mode & 0o7777).toBe(0o700);
    writeFileSync(join(home, "file"), "");
    for (const path of ["file", "file/below"]) {
      expect(() => makeDirectory(join(home, path), 0o755)).toThrow(
        expect.objectContaining({ code: "write-failed", exit: 73 }),
      );
    }
  });
});

describe("writeAs", () => {
  const path = ".local/state/signstar/secrets/ns1~operator-1.txt";

  test("makes private directories and a private file of the owner's", async () => {
    await writeAs(owner, home, path, bytes);
    expect(new Uint8Array(readFileSync(join(home, path)))).toEqual(bytes);
    for (const [place, mode] of [
      [path, 0o600],
      [".local", 0o700],
      [".local/state/signstar/secrets", 0o700],
    ] as const) {
      const stats = statSync(join(home, place));
      expect([stats.uid, stats.gid, stats.mode & 0o7777]).toEqual([owner.uid, owner.gid, mode]);
    }
    expect(readdirSync(join(home, ".local/state/signstar/secrets"))).toEqual(["ns1~operator-1.txt"]);
  });

  test("keeps what was there, if asked, and removes it later", async () => {
    await writeAs(owner, home, "a/key.txt", Buffer.from("1"), { keepPrevious: true });
    expect(readdirSync(join(home, "a"))).toEqual(["key.txt"]);
    await writeAs(owner, home, "a/key.txt", Buffer.from("2"), { keepPrevious: true });
    expect(readFileSync(join(home, "a/key.txt.old"), "utf8")).toBe("1");
    expect(statSync(join(home, "a/key.txt.old")).mode & 0o7777).toBe(0o600);
    await writeAs(owner, home, "a/key.txt", Buffer.from("3"));
    expect(readFileSync(join(home, "a/key.txt.old"), "utf8")).toBe("1");
    await removeAs(owner, home, "a/key.txt.old");
    await removeAs(owner, home, "a/key.txt.old");
    expect(readdirSync(join(home, "a"))).toEqual(["key.txt"]);
    expect(readFileSync(join(home, "a/key.txt"), "utf8")).toBe("3");
  });

  test("a writer that dies meanwhile leaves what was there, and not a part of the new", async () => {
    await writeAs(owner, home, "a/key.txt", Buffer.from("in force"));
    const source = JSON.stringify(new URL("./write-as.ts", import.meta.url).href);
    for (const keepPrevious of [false, true]) {
      const words = JSON.stringify([owner, home, "a/key.txt"]).slice(1, -1);
      const dying = `import { writeAs } from ${source};
        writeAs(${words}, new Uint8Array(4_000_000), { keepPrevious: ${keepPrevious} });
        process.kill(process.pid, "SIGKILL");`;
      const { signal } = spawnSync(process.execPath, ["--input-type=module", "--eval", dying]);
      expect(signal).toBe("SIGKILL");
      await vi.waitFor(() => expect(readdirSync(join(home, "a"))).toEqual(["key.txt"]), 5000);
      expect(readFileSync(join(home, "a/key.txt"), "utf8")).toBe("in force");
    }
  });

  test("cannot be led outside by planted links", async () => {
    const outside = join(base, `outside-${count}`);
    mkdirSync(outside, { mode: 0o755 });
    if (isRoot) chownSync(outside, 0, 0);
    else mkdirSync(join(outside, "sealed"), { mode: 0o500 });
    symlinkSync(isRoot ? outside : join(outside, "sealed"), join(home, ".local"));
    await expect(writeAs(owner, home, ".local/file", bytes)).rejects.toMatchObject({ code: "write-failed", exit: 73 });
    expect(readdirSync(isRoot ? outside : join(outside, "sealed"))).toEqual([]);
  });

  test.each(["../escape", "/etc/x", "a/../../b", "a//b", "", "a/.", "-rf", "a b", "x\ny", "$(id)"])(
    "refuses the path %j",
    async (bad) => {
      await expect(writeAs(owner, home, bad, bytes)).rejects.toMatchObject({ code: "write-failed" });
      expect(readdirSync(home)).toEqual([]);
    },
  );
});
