// needs: gpg, sq
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dearmor } from "@signstar/openpgp/armor";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refusesOthers } from "./refusals.ts";
import { mappingOf } from "./roles.ts";
import { Stand } from "./stand.ts";

const name = "signstar-download-key-certificate";

let stand: Stand;
let first: Uint8Array;
let second: Uint8Array;
beforeAll(async () => {
  stand = await Stand.make(name, ["key1"]);
  first = (await stand.certify(await stand.device("Curve25519"))).bytes;
  second = (await stand.certify(await stand.device("EC_P256"))).bytes;
});
beforeEach(() => stand.reset());
afterAll(() => stand[Symbol.asyncDispose]());

const configure = () => stand.configure({ mapping: mappingOf("system_only_key_certificates") });
const install = (key: string, bytes: Uint8Array | string) =>
  stand.write(`/var/lib/signstar/certificates/${key}.pgp`, bytes, 0o644);
const blocks = (out: string) =>
  out.split(/(?<=-----END PGP PUBLIC KEY BLOCK-----\n)/).map((each) => dearmor(each).bytes);

describe(name, () => {
  refusesOthers(name, () => stand, configure);

  test("prints all of them, which gpg and sq understand", async () => {
    configure();
    install("key1", first);
    install("packages~key1", second);
    install(".key2.pgp.1234", "half");
    const { code, out, err } = await stand.run("");
    expect([code, err]).toEqual([0, ""]);
    expect(blocks(out)).toEqual([first, second]);
    const home = mkdtempSync(join(tmpdir(), "gpg-"));
    try {
      const gpg = spawnSync("gpg", ["--homedir", home, "--batch", "--import"], { input: out, encoding: "utf8" });
      expect(gpg.stderr).toMatch(/Total number processed: 2/);
      expect(execFileSync("sq", ["keyring", "list"], { input: out, encoding: "utf8" }).trim().split("\n").length).toBe(
        2,
      );
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  test("prints the one that is asked for", async () => {
    configure();
    install("key1", first);
    install("packages~key1", second);
    const one = async (word: string) => blocks((await stand.run("", { SSH_ORIGINAL_COMMAND: word })).out);
    expect(await one("key1")).toEqual([first]);
    expect(await one("packages~key1")).toEqual([second]);
    expect(stand.entries()[1]).toMatchObject({ event: "download", key: "packages~key1", count: 1 });
  });

  test("says what it does not have", async () => {
    configure();
    const { code, out, err } = await stand.run("");
    expect([code, out, err]).toEqual([66, "", expect.stringContaining("there are no certificates yet")]);
    install("key1", first);
    const other = await stand.run("", { SSH_ORIGINAL_COMMAND: "packages~key1" });
    expect([other.code, other.out]).toEqual([66, ""]);
    expect(other.err).toContain("there is no certificate for key packages~key1");
  });

  test.each(["../key1", "a~b~c", "~a", "a~", ".hidden", "a/b", `${"k".repeat(129)}`])(
    "refuses %s as a name",
    async (word) => {
      configure();
      expect((await stand.run("", { SSH_ORIGINAL_COMMAND: word })).code).toBe(64);
    },
  );

  test("hands out nothing if a file is no certificate", async () => {
    configure();
    install("key1", first);
    install("key0", "hello");
    const err = `${name}: error: the service is not set up correctly\n`;
    expect(await stand.run("")).toEqual({ code: 78, out: "", err });
  });
});
