// needs: root ssh sshd sqv systemd-tmpfiles unshare useradd
/** Hundreds of files over one SSH connection, through the whole appliance. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { freshSha512 } from "@signstar/hash-state/sha512-state";
import { toUtf8 } from "@signstar/primitives/bytes";
import { encodeBatchFrame, parseBatchAnswer } from "@signstar/signing-request/batch";
import { encodeSigningRequest } from "@signstar/signing-request/request";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Appliance } from "./appliance.ts";

const user = "build0";
const destination = `${user}@127.0.0.1`;
let appliance: Appliance;

beforeAll(async () => {
  const openPgpUserId = "Batch <batch@example.org>";
  appliance = await Appliance.start({ users: [{ user, keyId: "key0", keyType: "Ed25519", openPgpUserId }] });
}, 180_000);

afterAll(() => appliance?.stop());

function makeFiles(folder: string, count: number): string[] {
  mkdirSync(appliance.path(folder));
  const files = Array.from({ length: count }, (_, i) => appliance.path(folder, `file ${i}`));
  for (const file of files) writeFileSync(file, `${file}\n`);
  return files;
}

const sessions = (): Readonly<Record<string, unknown>>[] =>
  // There is no journal before the first session.
  !existsSync(appliance.path("server", "journal.log"))
    ? []
    : appliance.journal().filter((entry) => entry["event"] === "session-start" && entry["user"] === user);

function expectVerified(file: string): void {
  const words = ["--keyring", appliance.certificate("key0"), `${file}.sig`, file];
  expect(spawnSync("sqv", words, { encoding: "utf8" })).toMatchObject({ status: 0 });
}

describe.each([
  ["ssh", []],
  ["the built-in connection", ["--builtin-ssh"]],
])("over %s", (name, options) => {
  test("400 files have one connection, and each a signature of its own", () => {
    const files = makeFiles(`many-${name}`, 400);
    const before = sessions().length;
    const certificate = ["--certificate", appliance.certificate("key0")];
    expect(appliance.sign(user, [...options, ...certificate, destination, ...files])).toMatchObject({
      status: 0,
      stdout: "",
    });
    const [session, ...more] = sessions().slice(before);
    expect(more).toEqual([]);
    const entries = appliance.journal().filter((entry) => entry["session"] === session?.["session"]);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
    expect(entries.filter(({ event }) => event === "intent")).toHaveLength(400);
    expect(entries.filter(({ outcome }) => outcome === "signed")).toHaveLength(400);
    for (const file of [files[0], files[199], files[399]]) expectVerified(file ?? "");
    expect(new Set(files.map((file) => readFileSync(`${file}.sig`).toString("hex"))).size).toBe(400);
  });
});

test("a connection that is lost in the middle leaves finished files whole, and the next run does the rest", () => {
  const files = makeFiles("lost", 300);
  const cutting = appliance.path("cutting");
  writeFileSync(cutting, '#!/bin/sh\nssh "$@" | head -c 60000\nexit 255\n', { mode: 0o755 });
  const cut = appliance.sign(user, ["--ssh", cutting, destination, ...files]);
  expect(cut.status).toBeOneOf([69, 76]);
  expect(cut.stderr).toMatch(/\d+ of 300 files not signed/);
  const folder = appliance.path("lost");
  const finished = readdirSync(folder).filter((file) => file.endsWith(".sig"));
  expect(finished.length).toBeGreaterThan(10);
  expect(finished.length).toBeLessThan(300);
  expect(readdirSync(folder)).toHaveLength(300 + finished.length);
  const again = ["--skip-existing", "--certificate", appliance.certificate("key0")];
  expect(appliance.sign(user, [...again, destination, ...files])).toMatchObject({ status: 0, stderr: "" });
  expect(readdirSync(folder)).toHaveLength(600);
  expectVerified(files[299] ?? "");
});

test("one bad frame is one error, in its place", () => {
  const good = (id: string) => `${encodeBatchFrame(id, encodeSigningRequest({ state: freshSha512 }))}\n`;
  const input = `${good("a")}${good("b").replace('"1.0.0"', '"9.0.0"')}not json\n${good("c")}`;
  const { status, stdout } = appliance.ssh(user, [destination, "batch"], input);
  expect(status).toBe(0);
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseBatchAnswer(toUtf8(line)));
  expect(answers.map((answer) => [answer.id, "signature" in answer])).toEqual([
    ["a", true],
    ["b", false],
    [null, false],
    ["c", true],
  ]);
});

test("an OpenSSH connection that is there already is used", () => {
  const files = makeFiles("shared", 3);
  const socket = appliance.path("control");
  const path = ["-S", socket];
  const connections = () => appliance.sshdLog().split("Accepted publickey").length;
  const before = connections();
  expect(appliance.ssh(user, ["-M", ...path, "-o", "ControlPersist=60", "-N", "-f", destination]).status).toBe(0);
  const signed = appliance.sign(user, ["--ssh", `ssh -F none -S ${socket}`, destination, ...files]);
  const one = appliance.sign(user, ["--force", "--ssh", `ssh -F none -S ${socket}`, destination, files[0] ?? ""]);
  appliance.ssh(user, [...path, "-O", "exit", destination]);
  expect([signed.status, one.status]).toEqual([0, 0]);
  expect(connections() - before).toBe(1);
});
