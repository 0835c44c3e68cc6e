import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import type { Role } from "@signstar/nethsm/types";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseCredentials, type Prompter, type Wanted } from "./credentials.ts";
import { addCredentials, type DeviceSettings, deviceOf, type PassphraseSource, removeCredentials } from "./model.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "credentials-"));
  writeFileSync(join(directory, "first"), "from first\n");
  writeFileSync(join(directory, "second"), "from second\n");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const stored = (text: string): PassphraseSource => ({ kind: "stored", passphrase: Secret.fromText(text) });

function device(...credentials: readonly [string, Role, PassphraseSource?][]): DeviceSettings {
  return {
    label: "test",
    connection: { url: parseDeviceUrl("https://a/api/v1"), tls: { mode: "native" } },
    credentials: credentials.map(([name, role, passphrase]) => ({ name: parseUserId(name), role, passphrase })),
  };
}

const asked: string[] = [];
const prompter: Prompter = {
  userName: async (role) => {
    asked.push(role);
    return "typed";
  },
  passphrase: async (what) => {
    asked.push(what);
    return Secret.fromText("typed passphrase");
  },
};

async function choose(from: DeviceSettings, wanted: Partial<Wanted>): Promise<[string, string]> {
  asked.length = 0;
  const nobody = { roles: ["Administrator"], users: [], passphraseFiles: [], prompter: undefined, env: {} } as const;
  const { user, passphrase } = await chooseCredentials(from, { ...nobody, ...wanted });
  return [user, passphrase.use(fromUtf8)];
}

const all = device(
  ["op", "Operator", stored("op's")],
  ["admin", "Administrator", stored("admin's")],
  ["ns~admin", "Administrator", stored("ns admin's")],
  ["bare", "Backup"],
);

describe("chooseCredentials", () => {
  test("takes the first stored user with a role", async () => {
    expect(await choose(all, {})).toEqual(["admin", "admin's"]);
    expect(await choose(all, { roles: ["Administrator", "Operator"] })).toEqual(["op", "op's"]);
  });

  test("takes the first named user whose role is wanted", async () => {
    expect(await choose(all, { users: ["op", "ns~admin", "admin"] })).toEqual(["ns~admin", "ns admin's"]);
    expect(await choose(all, { roles: ["Operator"], users: ["admin", "op"] })).toEqual(["op", "op's"]);
  });

  test("matches a passphrase file to the name at its place", async () => {
    const passphraseFiles = [join(directory, "first"), join(directory, "second")];
    const roles = ["Backup"] as const;
    expect(await choose(all, { roles, users: ["op", "bare"], passphraseFiles })).toEqual(["bare", "from second"]);
    expect(await choose(all, { roles, passphraseFiles })).toEqual(["bare", "from first"]);
    expect(await choose(all, { users: ["stranger"], passphraseFiles })).toEqual(["stranger", "from first"]);
  });

  test("prefers the stored passphrase to a file", async () => {
    expect(await choose(all, { users: ["admin"], passphraseFiles: [join(directory, "none")] })).toEqual([
      "admin",
      "admin's",
    ]);
  });

  test("asks a person for what is missing", async () => {
    expect(await choose(all, { roles: ["Metrics"], prompter })).toEqual(["typed", "typed passphrase"]);
    expect(asked).toEqual(["Metrics", "passphrase of typed"]);
    expect(await choose(all, { roles: ["Backup"], prompter })).toEqual(["bare", "typed passphrase"]);
    expect(asked).toEqual(["passphrase of bare"]);
  });

  test("says what is missing when nobody can be asked", async () => {
    await expect(choose(all, { roles: ["Metrics"] })).rejects.toMatchObject({ code: "no-credentials", exit: 64 });
    await expect(choose(all, { roles: ["Backup"] })).rejects.toMatchObject({ code: "no-passphrase", exit: 64 });
    await expect(choose(all, { roles: ["Metrics"], users: ["op", "admin"] })).rejects.toThrow(
      "this takes a user with the role Metrics, but op is Operator, admin is Administrator",
    );
    await expect(choose(all, { users: ["a~b~c"] })).rejects.toMatchObject({ exit: 64 });
  });

  test("hands out a copy, so that wiping it does not empty the settings", async () => {
    const from = device(["admin", "Administrator", stored("kept")]);
    const wanted = { roles: ["Administrator"], users: [], passphraseFiles: [], prompter, env: {} } as const;
    (await chooseCredentials(from, wanted)).passphrase[Symbol.dispose]();
    expect(await choose(from, {})).toEqual(["admin", "kept"]);
  });
});

describe("other sources", () => {
  const with_ = (source: PassphraseSource) => device(["admin", "Administrator", source]);

  test("runs a command and takes what it prints, less one newline", async () => {
    const argv = ["printf", "%s\n", "it's; $HOME"] as const;
    expect(await choose(with_({ kind: "command", argv: [...argv] }), {})).toEqual(["admin", "it's; $HOME"]);
  });

  test.each([
    [["false"], "exit code 1"],
    [["sh", "-c", "echo hunter2; exit 3"], "exit code 3"],
    [["/nonexistent/program"], "ENOENT"],
    [["sh", "-c", "head -c 5000 /dev/zero"], "more than 4096 bytes"],
  ] as const)("tells how %j failed, not what it printed", async ([program, ...args], end) => {
    const failing = choose(with_({ kind: "command", argv: [program, ...args] }), {});
    await expect(failing).rejects.toMatchObject({
      code: "passphrase-command",
      exit: 69,
      message: `passphrase command ${program} failed: ${end}`,
    });
  });

  test("reads a credential that systemd gave", async () => {
    const source = { kind: "systemd", name: "first" } as const;
    expect(await choose(with_(source), { env: { CREDENTIALS_DIRECTORY: directory } })).toEqual(["admin", "from first"]);
    await expect(choose(with_(source), {})).rejects.toMatchObject({ code: "no-passphrase" });
  });
});

describe("changing settings", () => {
  test("refuses what is there already or not there", () => {
    const settings = { devices: [all, { ...all, label: "other" }] };
    expect(() => deviceOf(settings)).toThrow(
      expect.objectContaining({ exit: 64, hint: expect.stringContaining("other") }),
    );
    expect(() => deviceOf(settings, "none")).toThrow(expect.objectContaining({ exit: 78 }));
    const [admin] = all.credentials;
    expect(admin).toBeDefined();
    if (admin === undefined) return;
    expect(() => addCredentials(settings, all, admin)).toThrow(expect.objectContaining({ exit: 73 }));
    const less = removeCredentials(settings, all, admin.name);
    expect(deviceOf(less, "test").credentials).toHaveLength(3);
    expect(deviceOf(less, "other").credentials).toHaveLength(4);
    expect(() => removeCredentials(less, deviceOf(less, "test"), admin.name)).toThrow(/no credentials/);
  });
});
