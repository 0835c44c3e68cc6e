import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { handedIn } from "@signstar/host/handed-in";
import { Secret } from "@signstar/primitives/secret";
import { parseReceipt, type Receipt } from "@signstar/secret-sharing/receipt";
import { encodeShare, parseShare } from "@signstar/secret-sharing/share";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { at, contentsOf, filesFor, freshDirectory, type Login, login, setOf, writeState } from "./holders.ts";
import { refusesOthers } from "./refusals.ts";
import { sharing } from "./roles.ts";
import { Stand } from "./stand.ts";

const name = "signstar-upload-secret-share";
const digest = "0123456789abcdef".repeat(4);

/** Mounting needs more than root: a container may refuse it. */
const mountable = process.geteuid?.() === 0 && spawnSync("unshare", ["-m", "true"]).status === 0;
if (!mountable) console.warn("skipped: a full disk, since no file system can be mounted here");

let stand: Stand;
let alice: Login;
let bob: Login;
let carol: Login;
let one: Uint8Array;
let two: Uint8Array;
let three: Uint8Array;
let directory: string;
beforeAll(async () => {
  stand = await Stand.make(name);
});
beforeEach(async () => {
  await stand.reset();
  rmSync(join(stand.root, "run/signstar"), { recursive: true, force: true });
  [alice, bob, carol] = [login(stand, 1), login(stand, 2), login(stand, 3)];
  const files = await filesFor([alice, bob, carol]);
  [one, two, three] = [at(files, 0), at(files, 1), at(files, 2)];
  directory = freshDirectory(stand, "upload");
  configure();
});
afterAll(() => stand[Symbol.asyncDispose]());

const configure = () => stand.configure(sharing("system_only_share_upload"));
const hand = (who: Login, file: Uint8Array | string, words = "") =>
  stand.run(file, { ...who.env, SSH_ORIGINAL_COMMAND: words });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const names = () => readdirSync(directory).sort();

async function accepted(who: Login, file: Uint8Array, words = ""): Promise<Receipt> {
  const { code, out, err } = await hand(who, file, words);
  expect([code, err]).toEqual([0, ""]);
  return parseReceipt(out);
}

async function refused(
  code: number,
  message: string,
  who: Login,
  file: Uint8Array | string,
  words = "",
): Promise<void> {
  const before = contentsOf(directory);
  const ended = await hand(who, file, words);
  expect([ended.code, ended.out]).toEqual([code, ""]);
  expect(ended.err).toContain(`${name}: error: ${message}`);
  expect(contentsOf(directory)).toEqual(before);
}

describe(name, () => {
  refusesOthers(name, () => stand, configure);

  test("takes a share with what its holder agrees to, and tells the journal all but the share", async () => {
    expect(await accepted(alice, one)).toEqual({
      ...setOf(one),
      iteration: undefined,
      digest: undefined,
      ...{ index: 1, standing: "unknown", holder: alice.key.fingerprint, intent: "apply", handedIn: 1 },
      ...{ inForce: [], void: [] },
      notes: ["the set is not known here, as after each start of this host: whether it is the right one will show"],
    });
    expect(contentsOf(directory)).toEqual({
      [`${alice.key.hex}.intent`]: "apply\n",
      [`${alice.key.hex}.share`]: text(one),
    });
    for (const each of names()) {
      const { mode, nlink } = statSync(join(directory, each));
      expect([mode & 0o7777, nlink]).toEqual([0o600, 1]);
    }
    expect(stand.entries()[1]).toMatchObject({ event: "handed-in", index: 1, intent: "apply", standing: "unknown" });
    const secret = /"share": "([^"]*)"/.exec(text(one))?.[1] ?? "nothing";
    expect(JSON.stringify(stand.entries())).not.toContain(secret.slice(0, 16));
  });

  test("counts those of one set that agree to the same, and lets a holder think again", async () => {
    await accepted(alice, one, `restore ${digest.toUpperCase()}`);
    expect((await accepted(bob, two, "reboot")).handedIn).toBe(1);
    const again = await accepted(bob, two, `restore ${digest}`);
    expect([again.handedIn, again.intent]).toEqual([2, `restore ${digest}`]);
    expect(again.notes).toContain("it takes the place of what you had agreed to before: reboot");
    expect(names().length).toBe(4);
    expect(handedIn(directory, statSync(directory).uid).shares.map(({ intent }) => intent)).toEqual(
      [1, 2].map(() => ({ kind: "restore", sha256: digest })),
    );
  });

  test("takes another holder's share and says so, but one share of a set from each key", async () => {
    const other = await accepted(bob, one);
    expect(other.holder).toBe(alice.key.fingerprint);
    expect(other.notes).toContain(`the share was made for another key than yours: ${alice.key.fingerprint}`);
    expect(stand.entries()[1]).toMatchObject({ event: "handed-in", holder: alice.key.fingerprint });
    await refused(77, "you have handed in share 1 of this set already", bob, two);
    const twice = await accepted(alice, one);
    expect(twice.notes).toContain("this share has been handed in with another key as well: it counts once");
    expect(twice.handedIn).toBe(1);
  });

  test("takes shares of several sets from one key, though not of any number", async () => {
    const others = await Promise.all([1, 2, 3, 4].map(() => filesFor([alice, bob])));
    await accepted(alice, one);
    for (const files of others.slice(0, 3)) await accepted(alice, at(files, 0), "unlock");
    await accepted(alice, at(at(others, 0), 0), "plan");
    await refused(75, "shares of 4 other sets of yours wait already", alice, at(at(others, 3), 0));
    await accepted(bob, at(at(others, 3), 1));
    const waiting = handedIn(directory, statSync(directory).uid);
    expect(waiting.unusable).toEqual([]);
    expect(waiting.shares.map(({ share, key, intent: { kind } }) => `${key} ${share.set} ${kind}`).sort()).toEqual(
      [
        `${alice.key.hex} ${setOf(one).set} apply`,
        `${alice.key.hex} ${setOf(at(at(others, 0), 0)).set} plan`,
        ...[1, 2].map((n) => `${alice.key.hex} ${setOf(at(at(others, n), 0)).set} unlock`),
        `${bob.key.hex} ${setOf(at(at(others, 3), 0)).set} apply`,
      ].sort(),
    );
    const second = setOf(at(at(others, 0), 0)).set;
    expect(names()).toContain(`${alice.key.hex}.${second}.share`);
    expect(names()).toContain(`${alice.key.hex}.${second}.intent`);
  });

  test("says how the set stands, and refuses one that is void or another than it says", async () => {
    const set = setOf(one);
    const known = (standing: "confirmed" | "in-force" | "void") => ({ ...set, standing, holders: [] });
    const older = { ...setOf(at(await filesFor([alice, bob]), 0)), standing: "in-force" as const, holders: [] };
    writeState(stand, { sets: [known("in-force")] });
    expect(await accepted(alice, one)).toMatchObject({ standing: "in-force", inForce: [set.set], notes: [] });
    writeState(stand, { sets: [older, known("confirmed")] });
    expect(await accepted(alice, one)).toMatchObject({
      standing: "confirmed",
      notes: ["a change of the secret is not finished: keep the shares of both sets, both may be needed"],
    });
    writeState(stand, {
      pending: { ...set, deadline: new Date(0), holders: [] },
      sets: [{ ...older, standing: "void" }],
    });
    expect(await accepted(alice, one)).toMatchObject({ standing: "pending", void: [older.set] });
    writeState(stand, { sets: [known("void")] });
    await refused(65, `the share belongs to set ${set.set}, which is void`, bob, two);
    writeState(stand, { sets: [known("in-force")] });
    const { share: own, ...forged } = parseShare(two);
    own[Symbol.dispose]();
    const bytes = Uint8Array.of(1, 2, 3);
    const commitments = forged.commitments.with(1, createHash("sha256").update(bytes).digest("hex"));
    const other = encodeShare({ ...forged, commitments, share: Secret.take(bytes) });
    await refused(65, `the share is not one of those that set ${set.set} was made of here`, bob, other);
    const holders = [alice, bob, bob].map(({ key }) => key.fingerprint);
    writeState(stand, { sets: [{ ...known("in-force"), holders }] });
    await accepted(bob, one);
    const { share: kept, ...pretended } = parseShare(one);
    const named = encodeShare({ ...pretended, holder: bob.key.fingerprint, share: kept });
    await refused(65, `share 1 of set ${set.set} was made for another key than it says`, alice, named);
  });

  test("refuses what is no share, and leaves what was there", async () => {
    await accepted(bob, two);
    await refused(66, "no share was sent", alice, "");
    await refused(65, "this is not a share: its first line", alice, "hello\n");
    await refused(65, "this is not a share: it is not text", alice, Uint8Array.of(0xff, 0));
    await refused(65, "the share cannot be read: ", alice, one.subarray(0, 300));
    await refused(65, "the share has been altered", alice, text(one).replace('"iteration": 3', '"iteration": 4'));
    await refused(65, "standard input is longer than 65536 bytes", alice, text(one) + " ".repeat(65_536));
    await refused(65, "the share has been altered", alice, text(one).replace(/"SHA256:.*"/, '"../../../etc/cron.d/x"'));
  });

  test("takes no words but an intent", async () => {
    for (const words of ["restore", `restore ${digest}0`, "status now", "APPLY"]) {
      await refused(64, `the command '${words}' is not one of this account`, alice, one, words);
    }
  });

  test("does not know who hands in without the key of the login", async () => {
    const { code, out, err } = await stand.run(one);
    expect([code, out]).toEqual([78, ""]);
    expect(err).toContain("hint: its sshd needs ExposeAuthInfo for this account\n");
  });

  test("does not follow or wait for what lies in its directory", async () => {
    const elsewhere = stand.write("/elsewhere", "untouched");
    symlinkSync(elsewhere, join(directory, `${alice.key.hex}.share`));
    symlinkSync(elsewhere, join(directory, `${alice.key.hex}.intent`));
    spawnSync("mkfifo", [join(directory, `${bob.key.hex}.share`), join(directory, `${bob.key.hex}.intent`)]);
    mkdirSync(join(directory, `${"c".repeat(64)}.share`));
    expect((await accepted(alice, one)).handedIn).toBe(1);
    expect((await accepted(bob, two)).handedIn).toBe(2);
    expect(readFileSync(elsewhere, "utf8")).toBe("untouched");
    expect(statSync(join(directory, `${bob.key.hex}.share`)).isFile()).toBe(true);
    rmSync(directory, { recursive: true });
    symlinkSync(join(stand.root, "tmp"), directory);
    const wrong = { code: 78, out: "", err: `${name}: error: the service is not set up correctly\n` };
    expect(await hand(alice, one)).toEqual(wrong);
    rmSync(directory);
    chmodSync(freshDirectory(stand, "upload"), 0o777);
    expect(await hand(alice, one)).toEqual(wrong);
  });

  test("lets a slow client hold up nobody, and keeps nothing of what does not arrive", async () => {
    const slow = stand.start(alice.env);
    slow.stdin.write(one.subarray(0, 200));
    await accepted(bob, two);
    slow.stdin.end();
    expect(await once(slow, "exit")).toEqual([65, null]);
    expect(names()).toEqual([`${bob.key.hex}.intent`, `${bob.key.hex}.share`]);
  });

  test("keeps all of what many hand in at the same time", async () => {
    const other = await filesFor([alice, bob, carol]);
    const all = [alice, bob, carol].flatMap((who, position) =>
      [at([one, two, three], position), at(other, position)].map((file) => {
        const child = stand.start(who.env);
        child.stdin.end(file);
        return once(child, "exit");
      }),
    );
    expect(await Promise.all(all)).toEqual(all.map(() => [0, null]));
    const { shares, unusable } = handedIn(directory, statSync(directory).uid);
    expect(unusable).toEqual([]);
    expect(shares.map(({ key, share }) => `${key} ${share.set}`).sort()).toEqual(
      [alice, bob, carol]
        .flatMap(({ key }) => [one, at(other, 0)].map((file) => `${key.hex} ${setOf(file).set}`))
        .sort(),
    );
    expect(names().length).toBe(12);
  });

  test("is killed at any moment without half a share, or the loss of another", async () => {
    await accepted(bob, two);
    const { uid } = statSync(directory);
    for (let round = 0; round < 6; round += 1) {
      const child = stand.start({ ...alice.env, SSH_ORIGINAL_COMMAND: "unlock" });
      child.stdin.end(one);
      // From the first sign of it on disk to after its end.
      const seen = names().join();
      while (child.exitCode === null && names().join() === seen) await sleep(1);
      await sleep(round % 5);
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      const { shares, unusable } = handedIn(directory, uid);
      expect(unusable).toEqual([]);
      expect(shares.map(({ key }) => key)).toContain(bob.key.hex);
      if (round % 2 === 0)
        for (const each of names().filter((n) => n.includes(alice.key.hex))) rmSync(join(directory, each));
    }
    await accepted(alice, one);
    expect(names()).toEqual([alice, bob].flatMap(({ key }) => [`${key.hex}.intent`, `${key.hex}.share`]).sort());
  });

  test.skipIf(!mountable)("says when memory is full, and keeps nothing of it", async () => {
    const script =
      'mount -t tmpfs -o size=4k,mode=0700,uid="$1",gid="$2" tmpfs "$3" && shift 3 && "$@"; code=$?; ls -A "$DIR"; exit $code';
    const { uid, gid } = statSync(directory);
    const { status, stdout, stderr } = spawnSync(
      "unshare",
      ["-m", "sh", "-c", script, "sh", String(uid), String(gid), directory, ...stand.command()],
      { input: one, encoding: "utf8", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DIR: directory, ...alice.env } },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 73,
      stdout: "",
      stderr: `${name}: error: there is no room for the file\n`,
    });
  });
});

describe(`${name} status`, () => {
  /** Nothing is sent, and standard input stays open. */
  async function status(who?: Login): Promise<string> {
    const child = stand.start({ ...who?.env, SSH_ORIGINAL_COMMAND: "status" });
    let out = "";
    child.stdout.on("data", (bytes: Buffer) => {
      out += bytes.toString();
    });
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    return out;
  }

  test("says what is known, which after a start is nothing", async () => {
    expect(await status()).toBe("no set of shares is known here yet\nhanded in: nothing\n");
  });

  test("says how sets stand, who has confirmed, what waits, what was done, and the plan", async () => {
    await accepted(alice, one);
    await accepted(bob, two, "plan");
    await accepted(carol, three);
    const set = setOf(one);
    const { set: former, ...numbers } = setOf(at(await filesFor([alice, bob, carol]), 0));
    const [fingerprint, other] = [alice.key.fingerprint, bob.key.fingerprint];
    writeState(stand, {
      sets: [
        { ...numbers, set: former, iteration: 2, standing: "void", holders: [] },
        { ...set, standing: "in-force", holders: [] },
      ],
      pending: {
        ...numbers,
        set: "f".repeat(32),
        deadline: new Date("2030-01-01T00:00:00.000Z"),
        holders: [
          { user: "share-a", fingerprint, share: digest, confirmed: true },
          { user: "share-b", fingerprint: other, share: digest, confirmed: false },
        ],
      },
      last: { at: new Date("2029-12-31T00:00:00.000Z"), intent: "plan", outcome: "done", message: "3 changes" },
    });
    stand.write("/run/signstar/plan.txt", "+ user operator1\n\u001b[2J- key\n", 0o644);
    expect((await status(alice)).split("\n")).toEqual([
      `set ${former} (iteration 2, 2 of 3 shares): void, its shares may be destroyed`,
      `set ${set.set} (iteration 3, 2 of 3 shares): in force`,
      `set ${"f".repeat(32)} (iteration 3, 2 of 3 shares): waits for its holders until 2030-01-01T00:00:00.000Z`,
      `  share-a ${fingerprint}: confirmed`,
      `  share-b ${other}: not confirmed yet`,
      ...[`apply`, `plan`].map((intent, i) => `handed in: ${2 - i} of 2 of set ${set.set} for ${intent}`),
      "last: plan at 2029-12-31T00:00:00.000Z: done: 3 changes",
      "plan:",
      "+ user operator1",
      "\\x1b[2J- key",
      "",
    ]);
    expect(stand.entries()[1]).toMatchObject({ event: "download", what: "status" });
  });
});
