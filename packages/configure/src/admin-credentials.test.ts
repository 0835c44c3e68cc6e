import { inspect } from "node:util";
import { parseUserId } from "@signstar/nethsm/ids";
import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeAdminCredentials,
  extendAdminCredentials,
  makeAdminCredentials,
  parseAdminCredentials,
} from "./admin-credentials.ts";

const sample = `iteration = 1
backup_passphrase = "backup-passphrase"
unlock_passphrase = "unlock-passphrase"

[[administrators]]
name = "admin"
passphrase = "admin-passphrase"

[[namespace_administrators]]
name = "ns1~admin"
passphrase = "ns1-admin-passphrase"
`;
const parse = (text: string) => parseAdminCredentials(toUtf8(text), "FILE");

test("fresh ones survive their file", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.subarray(["admin2", "ns1~admin", "ns2~boss.1"]),
      fc.subarray(["admin3", "ns3~admin"]),
      (iteration, users, more) => {
        const first = makeAdminCredentials(iteration, ["admin", ...users].map(parseUserId));
        const whole = extendAdminCredentials(first, more.map(parseUserId));
        const bytes = encodeAdminCredentials(whole);
        const read = parseAdminCredentials(bytes, "FILE");
        expect(encodeAdminCredentials(read)).toEqual(bytes);
        expect(read.iteration).toBe(iteration);
        expect([...read.administrators.keys()].sort()).toEqual(["admin", ...users, ...more].sort());
        for (const [user, passphrase] of first.administrators) {
          expect(read.administrators.get(user)?.equals(passphrase)).toBe(true);
          expect(passphrase.length).toBe(43);
        }
      },
    ),
  );
});

test("the original's file is read", () => {
  const read = parse(sample);
  expect([...read.administrators.keys()]).toEqual(["admin", "ns1~admin"]);
  expect(read.unlockPassphrase.use(fromUtf8)).toBe("unlock-passphrase");
});

describe("refused", () => {
  test.each([
    ["an unknown key", sample.replace("iteration", "colour = 1\niteration"), /unknown key "colour"/],
    ["no admin", sample.replace('"admin"', '"other"'), /no administrator is called "admin"/],
    ["a short passphrase", sample.replace("admin-passphrase", "short"), /not 10 to 200 bytes/],
    ["a long passphrase", sample.replace("admin-passphrase", "a".repeat(201)), /not 10 to 200 bytes/],
    ["a namespaced administrator of the device", sample.replace('"admin"', '"ns~admin"'), /does not belong/],
    ["a system-wide administrator of a namespace", sample.replace("ns1~admin", "ns1admin"), /does not belong/],
    ["no user name", sample.replace("ns1~admin", "ns1~"), /user name is empty/],
    ["the same twice", `${sample}[[administrators]]\nname = "admin"\npassphrase = "0123456789"\n`, /occurs twice/],
    ["a negative iteration", sample.replace("= 1", "= -1"), /iteration/],
    ["no unlock passphrase", sample.replace(/unlock.*\n/, ""), /unlock_passphrase is not a string/],
    ["no TOML", sample.replace('ns1-admin-passphrase"', "ns1-admin-passphrase"), /FILE/],
  ])("%s", (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  test("without a word of a passphrase", () => {
    const broken = sample.replace('unlock-passphrase"', "unlock-passphrase");
    let thrown: unknown;
    try {
      parse(broken);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "bad-credentials" });
    expect(inspect(thrown)).not.toContain("unlock-pass");
  });
});
