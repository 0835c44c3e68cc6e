/** What another user may plant where we read and write: links, second names, and things that no file is. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { effectiveUid } from "./caller.ts";
import { readCredential } from "./credentials.ts";
import { readEncryptedCredential } from "./encrypted-credentials.ts";
import { HostError } from "./errors.ts";
import { readSafeFile, streamSafeFile } from "./safe-file.ts";
import { CredentialsService, recordedFiles } from "./testing/credentials-service.ts";
import { removeAs, writeAs } from "./write-as.ts";

const isRoot = effectiveUid() === 0;
const others = { uid: 65534, gid: 65534 };
/** Whose directory it is that root writes into; without root there is only oneself. */
const owner = isRoot ? others : { uid: effectiveUid(), gid: process.getegid?.() ?? -1 };
/** A good credential, encrypted or not, as far as anybody can tell. */
const content = recordedFiles["operator-passphrase"];

let base: string;
let home: string;
/** A file outside the home that no reader may show and no writer may change. */
let guarded: string;
const servers: Server[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "signstar-planted-"));
  chmodSync(base, 0o755);
  home = join(base, "home");
  mkdirSync(home, { mode: 0o700 });
  guarded = join(base, "guarded");
  writeFileSync(guarded, content, { mode: 0o600 });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(base, { recursive: true, force: true });
});

/** Each leaves something at the path that was a good file, or should become one. */
const plants: Readonly<Record<string, (path: string) => void | Promise<void>>> = {
  "a symbolic link": (path) => symlinkSync(guarded, path),
  "a symbolic link to nothing": (path) => symlinkSync(join(base, "nothing"), path),
  "a symbolic link to itself": (path) => symlinkSync(path, path),
  "a hard link": (path) => linkSync(guarded, path),
  "a FIFO": (path) => void execFileSync("mkfifo", ["-m", "600", path]),
  "a directory": (path) => mkdirSync(path, { mode: 0o700 }),
  "a socket": (path) =>
    new Promise((resolve) => {
      servers.push(
        createServer().listen(path, () => {
          chmodSync(path, 0o600);
          resolve();
        }),
      );
    }),
};

/** Files of which something is wrong that cannot be planted by name alone. */
const blemishes: Readonly<Record<string, (path: string) => void>> = {
  "a file that others may write": (path) => {
    writeFileSync(path, content);
    chmodSync(path, 0o666);
  },
  "a file of its group": (path) => {
    writeFileSync(path, content);
    chmodSync(path, 0o620);
  },
  // Only root can give a file away.
  ...(isRoot
    ? {
        "a file of another user": (path: string) => {
          writeFileSync(path, content, { mode: 0o600 });
          chownSync(path, others.uid, others.gid);
        },
      }
    : {}),
};

describe("a reader", () => {
  const own = { owners: [effectiveUid()] };
  const readers: Readonly<Record<string, (path: string) => unknown>> = {
    "of what is private (confirmations, shares handed in)": (path) =>
      readSafeFile(path, { ...own, maxBytes: 1000, mode: "private" }),
    "of what may be seen (certificates, pins, states)": (path) =>
      readSafeFile(path, { ...own, maxBytes: 1000, mode: "readable" }),
    "of staged and kept files": async (path) => {
      const { pieces } = streamSafeFile(path, { ...own, mode: "private" });
      for await (const _ of pieces);
    },
    "of credentials": readCredential,
    "of encrypted credentials": async (path) => {
      const socketPath = join(base, "credentials.sock");
      await using service = await CredentialsService.listen(socketPath);
      const reading = readEncryptedCredential(path, { socketPath });
      await reading.catch(() => expect(service.calls).toEqual([]));
      await reading;
    },
  };

  describe.each(Object.entries(readers))("%s", (_, read) => {
    test("takes a good file", async () => {
      await read(guarded);
    });

    test.each(Object.entries({ ...plants, ...blemishes }))("refuses %s, without waiting", async (_, plant) => {
      const path = join(home, "file");
      await plant(path);
      const problem = await Promise.resolve()
        .then(() => read(path))
        .catch((thrown: unknown) => thrown);
      if (!(problem instanceof HostError)) throw new Error("it was read");
      expect(problem.code).toMatch(/^(?:file|credential)-unsafe$/);
    });
  });
});

describe("a writer in the directory of another user", () => {
  const place = "a/b";
  const path = `${place}/key.creds`;
  const bytes = Buffer.from("new");
  const directory = () => join(home, place);
  beforeEach(() => {
    chownSync(home, owner.uid, owner.gid);
    mkdirSync(directory(), { recursive: true, mode: 0o700 });
    for (const each of [join(home, "a"), directory()]) chownSync(each, owner.uid, owner.gid);
    chownSync(guarded, owner.uid, owner.gid);
  });
  const untouched = () => {
    expect(readFileSync(guarded, "utf8")).toBe(content);
    expect(lstatSync(guarded)).toMatchObject({ uid: owner.uid, gid: owner.gid, mode: 0o100600 });
    expect(readdirSync(base).sort()).toEqual(["guarded", "home"]);
  };

  for (const keepPrevious of [false, true]) {
    test.each(Object.entries(plants))(
      `puts the file in the place of %s (keep previous: ${keepPrevious})`,
      async (kind, plant) => {
        await plant(join(home, path));
        const writing = writeAs(owner, home, path, bytes, { keepPrevious });
        if (kind === "a directory") {
          await expect(writing).rejects.toMatchObject({ code: "write-failed", exit: 73 });
          expect(readdirSync(directory())).toEqual(["key.creds"]);
        } else {
          await writing;
          expect(lstatSync(join(home, path))).toMatchObject({ uid: owner.uid, mode: 0o100600, nlink: 1 });
          expect(readFileSync(join(home, path), "utf8")).toBe("new");
          // What lay there is kept if it was a file, with the rights that the user has anyway.
          const kept = keepPrevious && ["a symbolic link", "a hard link"].includes(kind);
          expect(readdirSync(directory())).toEqual(kept ? ["key.creds", "key.creds.old"] : ["key.creds"]);
          if (kept)
            expect(lstatSync(join(home, `${path}.old`))).toMatchObject({ uid: owner.uid, mode: 0o100600, nlink: 1 });
        }
        untouched();
      },
    );
  }

  test.each(Object.entries(plants))("keeps the one before in the place of %s", async (kind, plant) => {
    await writeAs(owner, home, path, Buffer.from("in force"));
    await plant(join(home, `${path}.old`));
    const writing = writeAs(owner, home, path, bytes, { keepPrevious: true });
    if (kind === "a directory") {
      await expect(writing).rejects.toMatchObject({ code: "write-failed", exit: 73 });
      expect(readFileSync(join(home, path), "utf8")).toBe("in force");
    } else {
      await writing;
      expect(readFileSync(join(home, `${path}.old`), "utf8")).toBe("in force");
      expect(readFileSync(join(home, path), "utf8")).toBe("new");
    }
    untouched();
  });

  test.each(Object.entries(plants))("removes %s, and nothing behind it", async (kind, plant) => {
    await writeAs(owner, home, path, bytes);
    await plant(join(home, `${path}.old`));
    const removing = removeAs(owner, home, `${path}.old`, "key.txt", "key.txt.old");
    if (kind === "a directory") await expect(removing).rejects.toMatchObject({ code: "write-failed", exit: 73 });
    else await removing;
    expect(readdirSync(directory())).toEqual(kind === "a directory" ? ["key.creds", "key.creds.old"] : ["key.creds"]);
    untouched();
  });

  test("removes several files of one directory, and no others", async () => {
    for (const name of ["key.creds.old", "key.txt", "key.txt.old", "other.txt"])
      await writeAs(owner, home, `${place}/${name}`, bytes);
    await removeAs(owner, home, `${path}.old`, "key.txt", "key.txt.old", "absent");
    expect(readdirSync(directory())).toEqual(["other.txt"]);
    for (const bad of ["../key", "a b", "*", "a:b", ""]) {
      await expect(removeAs(owner, home, `${path}.old`, bad)).rejects.toMatchObject({ code: "write-failed" });
    }
    expect(readdirSync(directory())).toEqual(["other.txt"]);
  });

  // Without root it is one's own directory that is led into, and one's own right to.
  test.skipIf(!isRoot)("is led nowhere by a link in the place of a directory", async () => {
    const sealed = join(base, "sealed");
    mkdirSync(sealed, { mode: 0o755 });
    writeFileSync(join(sealed, "key.creds"), content);
    rmSync(join(home, "a"), { recursive: true });
    for (const where of ["a", "a/b"]) {
      symlinkSync(sealed, join(home, where));
      await expect(writeAs(owner, home, path, bytes)).rejects.toMatchObject({ code: "write-failed", exit: 73 });
      await expect(removeAs(owner, home, path)).rejects.toMatchObject({ code: "write-failed", exit: 73 });
      expect(readdirSync(sealed)).toEqual(["key.creds"]);
      expect(readFileSync(join(sealed, "key.creds"), "utf8")).toBe(content);
      rmSync(join(home, where));
      if (where === "a") {
        mkdirSync(join(home, "a"));
        chownSync(join(home, "a"), owner.uid, owner.gid);
      }
    }
  });
});
if (!isRoot) console.warn("skipped: links in the place of directories, which only root could be misled by");
