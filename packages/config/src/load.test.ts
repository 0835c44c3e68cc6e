import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Exit } from "@signstar/primitives/failure";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultConfigPaths, loadConfig } from "./load.ts";
import { sampleConfig } from "./testing/sample.ts";
import { loadUids } from "./uids.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "signstar-config-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Uint8Array): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

test("the first default location that exists wins, one after the other", async () => {
  for (const [i, path] of [...defaultConfigPaths].reverse().entries()) {
    const file = put(path, sampleConfig({ head: `iteration = ${i}` }));
    expect(await loadConfig({ root })).toMatchObject({ path: file, config: { iteration: i } });
  }
});

test("--config beats them and is not below the root", async () => {
  put(defaultConfigPaths[0], sampleConfig());
  const config = put("elsewhere.toml", sampleConfig({ head: "iteration = 7" }));
  expect(await loadConfig({ root, config })).toMatchObject({ path: config, config: { iteration: 7 } });
});

test("where there is none, the places are named and nothing is made", async () => {
  await expect(loadConfig({ root })).rejects.toMatchObject({
    code: "missing",
    exit: Exit.config,
    message: `no config at ${defaultConfigPaths.map((path) => join(root, path)).join(", ")}`,
  });
  const config = join(root, "none.toml");
  await expect(loadConfig({ root, config })).rejects.toMatchObject({
    code: "missing",
    message: `no config at ${config}`,
  });
  expect(readdirSync(root)).toEqual([]);
});

test("a directory, a FIFO, a large file and one that is not text", async () => {
  mkdirSync(join(root, "directory"));
  execFileSync("mkfifo", [join(root, "fifo")]);
  put("large", new Uint8Array(1024 * 1024 + 1).fill(10));
  put("latin1", Uint8Array.of(0x23, 0xe9));
  for (const [name, message] of [
    ["directory", "not a regular file"],
    ["fifo", "not a regular file"],
    ["large", "larger than 1048576 bytes"],
    ["latin1", "not UTF-8"],
  ] as const) {
    await expect(loadConfig({ config: join(root, name) })).rejects.toMatchObject({
      code: "unreadable",
      message: expect.stringContaining(message),
    });
  }
});

test("an unreadable file is not passed over for the next", async () => {
  mkdirSync(join(root, defaultConfigPaths[0]), { recursive: true });
  put(defaultConfigPaths[1], sampleConfig());
  await expect(loadConfig({ root })).rejects.toMatchObject({ code: "unreadable" });
});

test("a symbolic link is followed, and a dangling one not passed over for the next place", async () => {
  const file = put("real.toml", sampleConfig());
  symlinkSync(file, join(root, "link.toml"));
  expect((await loadConfig({ config: join(root, "link.toml") })).config.iteration).toBe(1);
  mkdirSync(join(root, "etc/signstar"), { recursive: true });
  symlinkSync(join(root, "gone"), join(root, defaultConfigPaths[0]));
  put(defaultConfigPaths[1], sampleConfig());
  for (const options of [{ root }, { config: join(root, defaultConfigPaths[0]) }]) {
    await expect(loadConfig(options)).rejects.toMatchObject({
      code: "unreadable",
      exit: Exit.config,
      message: expect.stringContaining("a symbolic link to nothing"),
    });
  }
});

test("problems come with the name of the file", async () => {
  const config = put("bad.toml", sampleConfig({ head: "iteration = 'x'" }));
  await expect(loadConfig({ config })).rejects.toMatchObject({
    code: "invalid",
    message: `${config}: config has a problem: line 1: iteration: must be an integer, not a string`,
    problems: [{ path: "iteration", line: 1 }],
  });
});

test("uids stand beside the config, and each is given once", async () => {
  const config = put("etc/signstar/config.toml", sampleConfig());
  expect(await loadUids(config)).toBeUndefined();
  put("etc/signstar/uids.toml", "# name = uid\nsigner = 3000\nshare-up = 3001\n");
  expect([...((await loadUids(config)) ?? [])]).toEqual([
    ["signer", 3000],
    ["share-up", 3001],
  ]);
  put("etc/signstar/uids.toml", "a = 3000\nb = 3000\nc = 1000\nroot = 3004\nd = '3005'");
  await expect(loadUids(config)).rejects.toMatchObject({
    problems: [
      { line: 2, path: "b", message: "uid 3000 is that of a already" },
      { line: 3, path: "c", message: "1000 is not in 3000 to 59999" },
      { line: 4, path: "root", message: 'system user "root" cannot serve clients' },
      { line: 5, path: "d", message: "must be an integer, not a string" },
    ],
  });
});
