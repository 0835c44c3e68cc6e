import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refusesOthers } from "./refusals.ts";
import { mappingOf } from "./roles.ts";
import { Stand } from "./stand.ts";

const name = "signstar-download-wireguard";
const path = "/var/lib/signstar/wireguard/public.key";
const key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";

let stand: Stand;
beforeAll(async () => {
  stand = await Stand.make(name);
});
beforeEach(() => stand.reset());
afterAll(() => stand[Symbol.asyncDispose]());

const configure = (tail?: string) =>
  stand.configure({ mapping: mappingOf("system_only_wireguard_download"), ...(tail === undefined ? {} : { tail }) });

describe(name, () => {
  refusesOthers(name, () => stand, configure);

  test("prints the key, one line, whether or not the file ends with a newline", async () => {
    configure();
    for (const content of [key, `${key}\n`]) {
      stand.write(path, content, 0o644);
      expect(await stand.run("")).toEqual({ code: 0, out: `${key}\n`, err: "" });
    }
    expect(stand.entries().map(({ event }) => event)).toEqual(["session-start", "download", "session-end"]);
  });

  test("reads it where the config says", async () => {
    configure('[appliance]\nwireguard_public_key = "/etc/wireguard/own.pub"');
    stand.write("/etc/wireguard/own.pub", key, 0o644);
    expect((await stand.run("")).out).toBe(`${key}\n`);
  });

  test("says that there is none yet", async () => {
    configure();
    const { code, out, err } = await stand.run("");
    expect([code, out]).toEqual([66, ""]);
    expect(err).toContain(`${name}: error: there is no WireGuard key yet\n`);
  });

  test.each([
    ["a longer file", `${key}\n\n`],
    ["two keys", `${key}\n${key}\n`],
    ["a private remark", `${key.slice(0, 40)}\n`],
    ["other base64", "AAAA"],
    ["base64 that is not canonical", `${key.slice(0, 42)}x=`],
    ["nothing but zeros", `${"A".repeat(43)}=`],
    ["nothing", ""],
    ["space around", ` ${key}`],
  ])("hands out nothing of %s", async (_, content) => {
    configure();
    stand.write(path, content, 0o644);
    const err = `${name}: error: the service is not set up correctly\n`;
    expect(await stand.run("")).toEqual({ code: 78, out: "", err });
  });

  test("follows no link", async () => {
    configure();
    symlinkSync(
      "private.key",
      join(stand.root, stand.write("/var/lib/signstar/wireguard/x", "").slice(stand.root.length, -1), "public.key"),
    );
    stand.write("/var/lib/signstar/wireguard/private.key", key);
    expect((await stand.run("")).code).toBe(78);
  });
});
