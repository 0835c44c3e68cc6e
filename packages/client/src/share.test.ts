/** signstar-share against a server of its own: as the ssh command, and behind the real sshd. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseShare } from "@signstar/secret-sharing/share";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Ended, runClient } from "./testing/program.ts";
import { threeShareFiles } from "./testing/share-files.ts";
import { type Sshd, sshdMissing, startSshd } from "./testing/sshd.ts";

const folder = mkdtempSync(join(tmpdir(), "share-"));
const server = join(folder, "server");
const work = join(folder, "work");
const shareServer = fileURLToPath(new URL("testing/share-server.ts", import.meta.url));
const command = `${process.execPath} --disable-warning=ExperimentalWarning ${shareServer} ${server}`;
const digest = "0123456789abcdef".repeat(4);

let newest: Uint8Array;
let older: Uint8Array;
let oldest: Uint8Array;

beforeAll(async () => {
  [newest, older, oldest] = await threeShareFiles();
});
beforeEach(() => {
  for (const each of [server, work]) {
    rmSync(each, { recursive: true, force: true });
    mkdirSync(each);
  }
  writeFileSync(join(server, "share"), newest);
});
afterAll(() => rmSync(folder, { recursive: true }));

const put = (name: string, content: Uint8Array | string, mode = 0o600) =>
  writeFileSync(join(work, name), content, { mode });
const behave = (how: string) => writeFileSync(join(server, "behaviour"), how);
const told = (name: string) => (existsSync(join(server, name)) ? readFileSync(join(server, name), "utf8") : undefined);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const share = (...words: string[]) => runClient(words, { cwd: work, program: "share" });
const fetchTo = (file: string) => share("fetch", "--ssh", command, "share-down@signer", file);
const send = (file: string, ...words: string[]) => share("send", "--ssh", command, "share-up@signer", file, ...words);

/** Names and contents of the holder's folder. */
function kept(): Record<string, string> {
  const names = readdirSync(work).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(work, name), "utf8")]));
}
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function expectFailure(ended: Ended, exit: number, message: string): void {
  expect(ended).toMatchObject({ exit, stdout: "" });
  expect(ended.stderr).toContain(`signstar-share: error: ${message}`);
}

describe("fetch", () => {
  test("stores the share for its holder alone, and confirms it", async () => {
    const { set } = parseShare(newest);
    expect(await fetchTo("mine")).toMatchObject({
      exit: 0,
      stdout: `share 1 of 2 (2 give the secret) of set ${set} is stored in mine, and is confirmed\n`,
      stderr: "",
    });
    expect(kept()).toEqual({ mine: text(newest) });
    const { mode, nlink } = statSync(join(work, "mine"));
    expect([mode & 0o7777, nlink]).toEqual([0o600, 1]);
    expect(told("confirmed")).toBe(`${sha256(newest)}\n`);
  });

  test("run again only confirms, also after a lost connection", async () => {
    behave("lost");
    const lost = await fetchTo("mine");
    expectFailure(lost, 69, "ssh");
    expect(lost.stderr).toContain("the share is stored in mine, but that is not confirmed: run the same command again");
    expect([kept(), told("confirmed")]).toEqual([{ mine: text(newest) }, undefined]);
    behave("");
    const { exit, stdout } = await fetchTo("mine");
    expect(exit).toBe(0);
    expect(stdout).toContain("was stored in mine, and is confirmed\n");
    expect([kept(), told("confirmed")]).toEqual([{ mine: text(newest) }, `${sha256(newest)}\n`]);
  });

  test("keeps the share of the set before as FILE.old, and no share is ever lost", async () => {
    put("mine", older);
    const { exit, stdout } = await fetchTo("mine");
    expect(exit).toBe(0);
    expect(stdout).toContain("the share that was there is kept in mine.old: it may be needed\n");
    expect(kept()).toEqual({ mine: text(newest), "mine.old": text(older) });
    writeFileSync(join(server, "share"), oldest);
    const refused = await fetchTo("mine");
    expectFailure(refused, 73, "mine and mine.old both hold other shares, and none of them is to be lost");
    expect(kept()).toEqual({ mine: text(newest), "mine.old": text(older) });
    expect(told("confirmed")).toBe(`${sha256(newest)}\n`);
  });

  test("goes on where it was stopped between FILE.old and FILE", async () => {
    put("mine", older);
    put("mine.old", older);
    expect((await fetchTo("mine")).exit).toBe(0);
    expect(kept()).toEqual({ mine: text(newest), "mine.old": text(older) });
  });

  test.each([
    ["cut", 76, "what signer sent is not to be believed: the share cannot be read"],
    ["huge", 76, "signer sent more than 65536 bytes, which is no share"],
    ["nothing", 66, "signer did not hand out a share: something it needs is missing"],
  ])("stores nothing when the server answers with %s", async (how, exit, message) => {
    behave(how);
    put("mine", older);
    expectFailure(await fetchTo("mine"), exit, message);
    expect([kept(), told("confirmed")]).toEqual([{ mine: text(older) }, undefined]);
  });

  test("believes no receipt about something else, and says what is not confirmed", async () => {
    behave("liar");
    const ended = await fetchTo("mine");
    expectFailure(ended, 76, "signer did not confirm what was asked: its receipt is about something else");
    expect(ended.stderr).toContain("not confirmed: run the same command again");
  });

  test("asks for nothing that it could not store", async () => {
    put("mine", "a letter");
    expectFailure(await fetchTo("mine"), 73, "something else than a share is in the way: mine");
    expect(kept()).toEqual({ mine: "a letter" });
  });
});

describe("send", () => {
  test("sends the share with the intent and shows the receipt", async () => {
    put("mine", older);
    const ended = await send("mine", "restore", digest.toUpperCase());
    expect(ended).toMatchObject({ exit: 0, stderr: "" });
    expect(ended.stdout.split("\n")).toEqual([
      `share 1 of 2 is handed in for: restore ${digest}`,
      `set ${parseShare(older).set}: not known to the appliance`,
      "handed in for this to the same account: 2 of 2",
      "note: a note",
      `set ${parseShare(newest).set}: void, its shares may be destroyed`,
      "",
    ]);
    expect([told("received"), told("words")]).toEqual([text(older), `restore ${digest}`]);
  });

  test("means apply without an intent", async () => {
    put("mine", newest, 0o644);
    const ended = await send("mine");
    expect([ended.exit, told("words")]).toEqual([0, "apply"]);
    expect(ended.stderr).toBe("signstar-share: others can read mine: chmod 600 keeps it yours\n");
  });

  test.each([
    ["a share that is none", 65, "mine: this is not a share", "a letter", "apply"],
    ["a share without an intent", 64, "these words are no intent", undefined, "explode"],
  ])("sends nothing of %s", async (_, exit, message, content, word) => {
    put("mine", content ?? newest);
    expectFailure(await send("mine", word), exit, message);
    expect(told("received")).toBe(undefined);
  });

  test("says what the server says, and believes only a receipt for this share", async () => {
    put("mine", newest);
    behave("void");
    expectFailure(await send("mine"), 65, "signer did not take the share: it does not accept what was sent");
    behave("liar");
    expectFailure(await send("mine"), 76, "signer has answered, but not with a receipt: ");
    behave("other");
    expectFailure(await send("mine"), 76, "the receipt of signer is about something else than what was sent");
  });
});

describe("show", () => {
  test("prints everything but the share", async () => {
    put("mine", newest);
    const { exit, stdout, stderr } = await share("show", "mine");
    const { set, holder, commitments } = parseShare(newest);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")).toEqual([
      ...[
        `set: ${set}`,
        "iteration: 3",
        "share: 1 of 2",
        "threshold: 2",
        `holder: ${holder}`,
        `file: ${sha256(newest)}`,
      ],
      ...commitments.map((commitment, i) => `commitment ${i + 1}: ${commitment}`),
      "",
    ]);
    const secret = /"share": "([^"]*)"/.exec(text(newest))?.[1] ?? "nothing";
    expect(stdout).not.toContain(secret);
  });
});

describe.skipIf(sshdMissing !== undefined)("with the real sshd", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    if (sshdMissing !== undefined) return;
    mkdirSync(join(folder, "sshd"));
    sshd = await startSshd(join(folder, "sshd"), command);
  });
  afterAll(() => sshd?.stop());

  test.each([
    ["the system's ssh", ["--ssh", "ssh -F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o BatchMode=yes"]],
    ["the built-in connection", ["--builtin-ssh"]],
  ])("a share comes and goes over %s", async (_, connection) => {
    const login = ["-p", String(sshd.port), "-i", sshd.identity, "--known-hosts", sshd.knownHosts];
    const words = [...connection, ...login, "--", `${sshd.user}@127.0.0.1`, "mine"];
    expect(await share("fetch", ...words)).toMatchObject({ exit: 0, stderr: "" });
    expect([kept(), told("confirmed")]).toEqual([{ mine: text(newest) }, `${sha256(newest)}\n`]);
    expect(await share("send", ...words, "update", digest)).toMatchObject({ exit: 0, stderr: "" });
    expect([told("received"), told("words")]).toEqual([text(newest), `update ${digest}`]);
    behave("void");
    const refused = await share("send", ...words);
    expect(refused.exit).toBe(65);
    expect(refused.stderr).toContain("the share belongs to a set which is void");
  });
});
