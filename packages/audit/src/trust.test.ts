import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toUtf8 } from "@signstar/primitives/bytes";
import { afterAll, describe, expect, test } from "vitest";
import { readLine } from "./line.ts";
import { type Fields, names, signing, type Writing } from "./story.test-helper.ts";
import { loadNames, type Proof, proofOf } from "./trust.ts";

function proofs(writing: Writing, more: Fields = {}): readonly Proof[] {
  return signing(1, "file", writing)
    .journal(more)
    .map((text) => {
      const line = readLine(toUtf8(text));
      if (line.kind !== "record") throw new Error(`not a record: ${text}`);
      return proofOf(line.record, names);
    });
}

describe("an entry", () => {
  test("is the kernel's word if the user whom it names has written it", () => {
    expect(proofs({})).toEqual(["kernel", "kernel", "kernel", "kernel"]);
  });

  test.each([
    ["names another user than its writer", { uid: 3001, user: "build" }, {}],
    ["names a known user, and an unknown one has written it", { uid: 33, user: "build" }, {}],
    ["says another number than the kernel", { uid: 3001, user: "build" }, { _UID: "3000" }],
    ["says to be another program", {}, { SYSLOG_IDENTIFIER: "signstar-upload-backup" }],
  ])("is foreign if it %s", (_, writing, more) => {
    expect(proofs(writing, more)[0]).toBe("foreign");
  });

  test("is foreign, whatever it says, if it came by logger(1) or the native protocol", () => {
    for (const transport of ["syslog", "journal", "kernel", "audit", ""]) {
      expect(new Set(proofs({}, { _TRANSPORT: transport }))).toEqual(new Set(["foreign"]));
    }
  });

  test("is nobody's word if its writer is not known", () => {
    const uid = { uid: 4000, user: "gone" };
    expect(new Set(proofs(uid))).toEqual(new Set(["none"]));
    expect(new Set(proofs({}, { _UID: undefined }))).toEqual(new Set(["none"]));
    const [bare = ""] = signing(1, "file").bare();
    const line = readLine(toUtf8(bare));
    expect(line.kind === "record" && proofOf(line.record, names)).toBe("none");
  });
});

describe("the appliance's users", () => {
  const root = mkdtempSync(join(tmpdir(), "signstar-names-"));
  afterAll(() => rmSync(root, { recursive: true }));
  const put = (path: string, text: string) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
    return join(root, path);
  };

  test("are those with a home of ours, and those in uids.toml, the removed ones too", async () => {
    expect(await loadNames(root, undefined)).toEqual(new Map());
    put(
      "etc/passwd",
      "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/var/www:/bin/sh\nbuild:x:3000:3000::/var/lib/signstar/home/build:/bin/sh\n",
    );
    put("usr/share/signstar/uids.toml", "build = 3000\ngone = 3007\n");
    expect(await loadNames(root, undefined)).toEqual(
      new Map([
        [3000, "build"],
        [3007, "gone"],
      ]),
    );
  });

  test("are those of the file that is named, and no others", async () => {
    expect(await loadNames(root, put("copy.toml", "a = 3001\n"))).toEqual(new Map([[3001, "a"]]));
    await expect(loadNames(root, join(root, "none"))).rejects.toMatchObject({ code: "uids-unreadable", exit: 66 });
    await expect(loadNames(root, put("bad.toml", "a = 1\n"))).rejects.toMatchObject({ exit: 78 });
  });
});
