import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
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
import { parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultSettingsPath, loadSettings, readPassphraseFile, saveSettings, updateSettings } from "./load.ts";
import { addCredentials, addDevice, deviceOf, noSettings, type Settings } from "./model.ts";
import { AtomicFile, writeFileAtomic } from "./write-file.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "settings-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string) => join(directory, name);

function sample(): Settings {
  const one = addDevice(noSettings, "one", { url: parseDeviceUrl("https://a/api/v1"), tls: { mode: "native" } });
  return addCredentials(one, deviceOf(one), {
    name: parseUserId("admin"),
    role: "Administrator",
    passphrase: { kind: "stored", passphrase: Secret.fromText("clear") },
  });
}

describe("the file of settings", () => {
  test("is in the place that the desktop's rules name", () => {
    expect(defaultSettingsPath({ XDG_CONFIG_HOME: "/x", HOME: "/h" })).toBe("/x/nethsm/config.toml");
    expect(defaultSettingsPath({ XDG_CONFIG_HOME: "relative", HOME: "/h" })).toBe("/h/.config/nethsm/config.toml");
    expect(defaultSettingsPath({ HOME: "/h" }, "other")).toBe("/h/.config/other/config.toml");
    expect(() => defaultSettingsPath({ HOME: "" })).toThrow(expect.objectContaining({ exit: 78 }));
  });

  test("is not made by reading", async () => {
    expect((await loadSettings(at("none/config.toml"))).settings).toEqual(noSettings);
    expect(existsSync(at("none"))).toBe(false);
  });

  test("is written for its owner alone, directory too, whatever the umask", async () => {
    const path = at("new/nethsm/config.toml");
    const before = process.umask(0);
    try {
      await saveSettings(path, sample());
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(at("new/nethsm")).mode & 0o777).toBe(0o700);
    expect((await loadSettings(path)).warnings).toEqual([]);
    expect(deviceOf((await loadSettings(path)).settings).credentials).toHaveLength(1);
  });

  test("keeps a symbolic link, and tightens what was open", async () => {
    mkdirSync(at("dotfiles"));
    writeFileSync(at("dotfiles/real"), "", { mode: 0o644 });
    symlinkSync("dotfiles/real", at("link"));
    await saveSettings(at("link"), sample());
    expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
    expect(statSync(at("dotfiles/real")).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual(["dotfiles", "link"]);
  });

  test("keeps what everybody adds who changes it at the same time", async () => {
    const connection = { url: parseDeviceUrl("https://a/api/v1"), tls: { mode: "native" } } as const;
    const labels = Array.from({ length: 12 }, (_, at) => `device${at}`);
    await Promise.all(labels.map((label) => updateSettings(at("c"), (now) => addDevice(now, label, connection))));
    const { settings } = await loadSettings(at("c"));
    expect(settings.devices.map(({ label }) => label).sort()).toEqual(labels.sort());
    expect(readdirSync(directory)).toEqual(["c"]);
  });

  test("is not changed while another changes it, nor when the change is refused", async () => {
    await saveSettings(at("c"), sample());
    await expect(updateSettings(at("c"), (now) => addDevice(now, "one", deviceOf(now).connection))).rejects.toThrow(
      /already/,
    );
    writeFileSync(at(".c.lock"), "");
    const refused = { code: "settings-busy", exit: 75, hint: expect.stringContaining(`remove ${at(".c.lock")}`) };
    await expect(updateSettings(at("c"), () => noSettings, 30)).rejects.toMatchObject(refused);
    expect((await loadSettings(at("c"))).settings.devices).toHaveLength(1);
    expect(readdirSync(directory).sort()).toEqual([".c.lock", "c"]);
  });

  test("is named when it is wrong", async () => {
    writeFileSync(at("c"), "other = 1");
    await expect(loadSettings(at("c"))).rejects.toMatchObject({
      exit: 78,
      message: `${at("c")}: other: is not known; known here: devices`,
    });
  });

  test("warns of passphrases that others can read", async () => {
    await saveSettings(at("c"), sample());
    chmodSync(at("c"), 0o640);
    expect((await loadSettings(at("c"))).warnings).toEqual([expect.stringContaining("chmod 600")]);
  });

  test.each(["directory", "binary", "long"])("refuses what is no text file: %s", async (kind) => {
    const path = at("c");
    if (kind === "directory") mkdirSync(path);
    else writeFileSync(path, kind === "binary" ? Uint8Array.of(0xff) : "#".repeat(1024 * 1024 + 1));
    await expect(loadSettings(path)).rejects.toMatchObject({ code: "settings-unreadable", exit: 66 });
  });
});

describe("readPassphraseFile", () => {
  test.each([
    ["plain", "plain"],
    ["line\n", "line"],
    ["dos\r\n", "dos"],
    ["two\n\n", "two\n"],
    [" blanks ", " blanks "],
    ["", ""],
    ["\n", ""],
  ])("reads %j as %j", async (content, passphrase) => {
    writeFileSync(at("p"), content);
    expect((await readPassphraseFile(at("p"))).use(fromUtf8)).toBe(passphrase);
  });

  test("reads a pipe", async () => {
    execFileSync("mkfifo", [at("pipe")]);
    const reading = readPassphraseFile(at("pipe"));
    writeFileSync(at("pipe"), "from the pipe\n");
    expect((await reading).use(fromUtf8)).toBe("from the pipe");
  });

  test("refuses what is missing, long or no text", async () => {
    await expect(readPassphraseFile(at("none"))).rejects.toMatchObject({ exit: 66 });
    writeFileSync(at("long"), "x".repeat(4097));
    await expect(readPassphraseFile(at("long"))).rejects.toMatchObject({ code: "passphrase-unreadable" });
    writeFileSync(at("binary"), Uint8Array.of(0xff));
    await expect(readPassphraseFile(at("binary"))).rejects.toMatchObject({ code: "bad-passphrase", exit: 65 });
  });
});

describe("writing", () => {
  const bytes = toUtf8("content");

  test("does not replace without force", async () => {
    await writeFileAtomic(at("a"), bytes, { force: false });
    await expect(writeFileAtomic(at("a"), toUtf8("new"), { force: false })).rejects.toMatchObject({
      code: "file-exists",
      exit: 73,
    });
    expect(readFileSync(at("a"), "utf8")).toBe("content");
    await writeFileAtomic(at("a"), toUtf8("new"), { force: true });
    expect(readFileSync(at("a"), "utf8")).toBe("new");
    expect(readdirSync(directory)).toEqual(["a"]);
  });

  test("leaves alone what appeared meanwhile", async () => {
    await using file = await AtomicFile.create(at("a"), { force: false });
    writeFileSync(at("a"), "somebody else's");
    await expect(file.commit()).rejects.toMatchObject({ code: "file-exists" });
    expect(readFileSync(at("a"), "utf8")).toBe("somebody else's");
  });

  test("leaves nothing without commit", async () => {
    {
      await using file = await AtomicFile.create(at("a"), { force: true });
      await file.write(bytes);
      expect(existsSync(at("a"))).toBe(false);
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("leaves nothing when %s ends the program", async (signal) => {
    const program = `
      import { AtomicFile } from ${JSON.stringify(join(import.meta.dirname, "write-file.ts"))};
      const file = await AtomicFile.create(process.argv[1], { force: false });
      await file.write(Buffer.from("content"));
      console.log("written");
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program, at("a")]);
    await once(child.stdout, "data");
    expect(readdirSync(directory)).toHaveLength(1);
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([null, signal]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("refuses a directory that is not there, and to replace a directory", async () => {
    mkdirSync(at("d"));
    for (const path of [at("none/a"), at("d"), ""]) {
      await expect(writeFileAtomic(path, bytes, { force: true })).rejects.toMatchObject({ exit: 73 });
    }
    expect(readdirSync(directory)).toEqual(["d"]);
  });
});
