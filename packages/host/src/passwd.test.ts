import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { currentUser, userOf } from "./caller.ts";
import { parsePasswd } from "./passwd.ts";

const text = [
  "root:x:0:0:root:/root:/bin/bash",
  "# comment:x:9:9::/:/",
  "+nis:x:10:10::/home/nis:/bin/sh",
  "signer:x:3001:3001:Signer,,,:/var/lib/signstar/home/signer:/bin/sh",
  "twin-a:*:3002:3002::/a:/bin/sh",
  "twin-b:*:3002:3002::/b:/bin/sh",
  "broken:x:30o3:3003::/c:/bin/sh",
  "short:x:3004",
  "relative:x:3005:3005::home:/bin/sh",
  "",
].join("\n");

describe("parsePasswd", () => {
  test("reads entries and leaves out what is none", () => {
    expect(parsePasswd(text).map(({ name }) => name)).toEqual(["root", "signer", "twin-a", "twin-b"]);
    expect(parsePasswd(text)[1]).toEqual({
      name: "signer",
      uid: 3001,
      gid: 3001,
      home: "/var/lib/signstar/home/signer",
      shell: "/bin/sh",
    });
  });

  test("reads back what is written, between any other lines", async () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,30}$/);
    const id = fc.nat({ max: 0xffff_fffe });
    await fc.assert(
      fc.property(name, id, id, fc.string(), (name, uid, gid, noise) => {
        const line = `${name}:x:${uid}:${gid}::/home/${name}:/bin/sh`;
        const other = noise.replaceAll("\n", "");
        const found = parsePasswd(`${other}\n${line}\n`).at(-1);
        expect(found).toEqual({ name, uid, gid, home: `/home/${name}`, shell: "/bin/sh" });
      }),
    );
  });
});

describe("userOf", () => {
  test("finds the name of a uid", () => {
    const expected = { name: "signer", uid: 3001, gid: 3001, home: "/var/lib/signstar/home/signer" };
    expect(userOf(3001, text, "passwd")).toEqual(expected);
  });

  test("knows no user for an unknown uid and refuses a uid with two names", () => {
    expect(() => userOf(4000, text, "passwd")).toThrow(expect.objectContaining({ code: "no-such-uid", exit: 67 }));
    expect(() => userOf(3002, text, "passwd")).toThrow(expect.objectContaining({ code: "ambiguous-uid", exit: 78 }));
  });
});

test("currentUser is who the kernel says, and never root", () => {
  if (process.geteuid?.() === 0) expect(() => currentUser()).toThrow(expect.objectContaining({ exit: 77 }));
  else expect(currentUser().uid).toBe(process.geteuid?.());
});
