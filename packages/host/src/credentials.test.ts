import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readCredential } from "./credentials.ts";
import { readSafeFile } from "./safe-file.ts";

const directory = mkdtempSync(join(tmpdir(), "signstar-credentials-"));
afterAll(() => rmSync(directory, { recursive: true }));
const isRoot = process.geteuid?.() === 0;

function file(name: string, content: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function text(path: string): string {
  using secret = readCredential(path);
  return secret.use((bytes) => Buffer.from(bytes).toString());
}

describe("readCredential", () => {
  test("gives the passphrase, without one newline at its end", () => {
    expect(text(file("plain", "pass word"))).toBe("pass word");
    expect(text(file("newline", "pass word\n"))).toBe("pass word");
    expect(text(file("newlines", "pass word\n\n"))).toBe("pass word\n");
  });

  test.each([0o400, 0o640, 0o604, 0o700, 0o644, 0o660, 0o4600, 0o1600])("refuses mode %o", (mode) => {
    const path = file(`mode-${mode}`, "x", mode);
    expect(() => readCredential(path)).toThrow(expect.objectContaining({ code: "credential-unsafe", exit: 78 }));
  });

  test("refuses a symbolic link, a hard link, a FIFO, a directory and a device, without waiting", () => {
    const good = file("good", "x");
    const places = ["symlink", "link", "fifo", "directory"].map((name) => join(directory, name));
    const [symlink = "", link = "", fifo = "", folder = ""] = places;
    symlinkSync(good, symlink);
    execFileSync("mkfifo", ["-m", "600", fifo]);
    mkdirSync(folder);
    linkSync(file("twice", "x"), link);
    for (const path of [...places, "/dev/null"]) {
      expect(() => readCredential(path), path).toThrow(expect.objectContaining({ code: "credential-unsafe" }));
    }
  });

  // Only root can give a file away; for others every foreign file will do.
  test("refuses the file of another user", () => {
    const path = isRoot ? file("foreign", "x") : "/etc/passwd";
    if (isRoot) chownSync(path, 65534, 65534);
    expect(() => readCredential(path)).toThrow(/belongs to uid/);
  });

  test("refuses what is empty, too long or not there", () => {
    for (const content of ["", "\n"]) {
      expect(() => readCredential(file("empty", content))).toThrow(
        expect.objectContaining({ code: "credential-unusable" }),
      );
    }
    expect(text(file("longest", "x".repeat(4096)))).toHaveLength(4096);
    expect(() => readCredential(file("long", "x".repeat(4097)))).toThrow(/longer than 4096 bytes/);
    expect(() => readCredential(join(directory, "absent"))).toThrow(
      expect.objectContaining({ code: "credential-missing", exit: 78 }),
    );
  });
});

describe("readSafeFile", () => {
  const rules = { maxBytes: 10, owners: [process.geteuid?.() ?? -1], mode: "readable" } as const;

  test("reads a public file that only its owner can write", () => {
    expect(readSafeFile(file("public", "0123456789", 0o644), rules)).toEqual(new Uint8Array(Buffer.from("0123456789")));
    expect(() => readSafeFile(file("shared", "x", 0o664), rules)).toThrow(
      expect.objectContaining({ code: "file-unsafe" }),
    );
    expect(() => readSafeFile(file("open", "x", 0o646), rules)).toThrow(
      expect.objectContaining({ code: "file-unsafe" }),
    );
  });

  test("tells what is missing from what is too long", () => {
    expect(() => readSafeFile(join(directory, "none"), rules)).toThrow(
      expect.objectContaining({ code: "file-missing" }),
    );
    const long = file("eleven", "01234567890", 0o644);
    expect(() => readSafeFile(long, rules)).toThrow(expect.objectContaining({ code: "file-too-large", exit: 65 }));
  });
});
