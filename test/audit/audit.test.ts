// needs: journalctl
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { audit as program } from "@signstar/audit/audit";
import { programs } from "@signstar/audit/programs";
import type { Io } from "@signstar/command/io";
import { reportOf } from "@signstar/command/report";
import { runWith } from "@signstar/command/run";
import { encodeJournalSummary, parseJournalSummary } from "@signstar/host/journal-summary";
import { pathsUnder } from "@signstar/host/paths";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { began, clientKey, otherKey, sha512, signing, Told } from "../../packages/audit/src/story.test-helper.ts";
import { repository } from "../../scripts/bundle.ts";
import { executables } from "../../scripts/executables.ts";
import { mappingOf } from "../appliance/roles.ts";
import { Stand } from "../appliance/stand.ts";

const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.warn("skipped: that root makes nothing in another's directory, which only root can try");

const directory = mkdtempSync(join(tmpdir(), "signstar-audit-"));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

function write(name: string, content: string, mode = 0o644): string {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content, { mode });
  return at(name);
}

/** As the real one does: from the cursor's entry on, or, where that is gone, from the next one. */
const fakeJournalctl = `#!/bin/sh
printf '%s\\n' "$@" >'${at("words")}'
cursor=$(sed -n 's/^--cursor=//p' '${at("words")}')
if [ -n "$cursor" ] && grep -qF "$cursor" '${at("journal")}'; then
  exec awk -v cursor="$cursor" 'index($0, cursor) { on = 1 } on' '${at("journal")}'
fi
exec cat '${at("journal")}'
`;

beforeEach(() => {
  write("bin/journalctl", fakeJournalctl, 0o755);
  write("root/usr/share/signstar/uids.toml", "build = 3000\nrelease = 3001\n");
  journal();
});

function journal(...stories: readonly (readonly string[])[]): void {
  write(
    "journal",
    stories
      .flat()
      .map((line) => `${line}\n`)
      .join(""),
  );
}

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program in this process, as its executable would run it. */
async function audit(words: readonly string[], input = "", path = `${at("bin")}:/usr/bin:/bin`): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []];
  const io: Io = {
    readStdin: () => Promise.reject(new Error("read as a stream")),
    stdin: Readable.from([Buffer.from(input)]),
    write: (payload) => out.push(String(payload)),
    stream: async (payload) => void out.push(String(payload)),
    note: (line) => err.push(`${line}\n`),
    status: () => undefined,
    stderrIsTerminal: false,
    stdoutIsTerminal: false,
  };
  const before = process.env["PATH"];
  process.env["PATH"] = path;
  try {
    const status = await runWith(program, ["--root", at("root"), ...words], io);
    return { status, stdout: out.join(""), stderr: err.join("") };
  } catch (thrown) {
    const { exit, message } = reportOf(thrown);
    return { status: exit, stdout: out.join(""), stderr: `${err.join("")}${message}` };
  } finally {
    process.env["PATH"] = before;
  }
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");
const jsonOf = (text: string) => linesOf(text).map((line) => JSON.parse(line) as Record<string, unknown>);

test("every program behind ForceCommand is one whose entries are read", async () => {
  for (const { name, runner } of executables) if (runner === "forced") expect(programs).toContain(name);
});

describe("list", () => {
  test("shows what the journal has, one signature a line", async () => {
    journal(signing(1, "one").journal(), signing(2, "t w\u202eo\n", { uid: 3001, user: "release" }).journal());
    const { status, stdout, stderr } = await audit(["list"]);
    expect([status, stderr]).toEqual([0, ""]);
    const [one, two, ...more] = linesOf(stdout);
    expect(one).toBe(
      `2026-11-18T11:06:41.000Z signed key=key1 user=build client=${clientKey} from=192.0.2.7 size=3 ` +
        `sha512=${sha512("one")} certificate=${"a".repeat(40)} device=https://192.0.2.1/api/v1 proof=kernel name="one.tar"`,
    );
    expect(two).toContain("user=release");
    expect(two).toContain('name="t w\\u202eo\\n.tar"');
    expect(more).toEqual([]);
    expect(linesOf(readFileSync(at("words"), "utf8"))).toEqual([
      ...["--output=json", "--all", "--no-pager", "--quiet"],
      ...programs.map((program) => `--identifier=${program}`),
    ]);
  });

  test("shows those of one client between two times, and asks the journal for a little more", async () => {
    journal(
      signing(1, "before", { at: began - 60_000 }).journal(),
      signing(2, "mine").journal(),
      signing(3, "other", { client: otherKey }).journal(),
      signing(4, "none", { client: undefined }).journal(),
      signing(5, "after", { at: began + 60_000 }).journal(),
      // Without its intent nobody knows whose it is, for the session does not say so either.
      signing(6, "hidden", { client: undefined })
        .journal()
        .filter((_, i) => i !== 1),
    );
    const times = ["--since", `@${began / 1000}`, "--until", "2026-11-18T11:07:00Z"];
    const { status, stdout, stderr } = await audit(["list", "--json", ...times, "--client-key", clientKey]);
    expect(status).toBe(1);
    expect(jsonOf(stdout).map(({ kind, digest }) => [kind, digest])).toEqual([
      ["signature", sha512("mine")],
      ["gap", undefined],
      ["signature", sha512("hidden")],
    ]);
    expect(stderr).toMatch(/entries 2 to 2 of session 00000006-.* are missing\n/);
    expect(linesOf(readFileSync(at("words"), "utf8")).slice(-2)).toEqual([
      `--since=@${began / 1000 - 3600}`,
      `--until=@${began / 1000 + 20 + 3600}`,
    ]);
  });

  test("filters by user and key", async () => {
    const key2 = { key: "ns1~key2" };
    journal(
      signing(1, "one", { uid: 3001, user: "release" }).journal(),
      new Told(2).start().intent("two", undefined, key2).verdict("two", undefined, key2).end().journal(),
    );
    const digests = async (...words: readonly string[]) =>
      jsonOf((await audit(["list", "--json", ...words])).stdout).map(({ digest }) => digest);
    expect(await digests("--user", "release")).toEqual([sha512("one")]);
    expect(await digests("--key", "ns1~key2")).toEqual([sha512("two")]);
    expect(await digests("--user", "release", "--key", "ns1~key2")).toEqual([]);
  });

  test("reads files and standard input, and says that nobody vouches for bare lines", async () => {
    const syslog = signing(1, "one")
      .bare()
      .map((line) => `2026-11-18T11:06:41Z signer signstar-download-signature[9]: ${line}`);
    const file = write("signer.log", ["Nov 18 kernel: hello", ...syslog].join("\n"));
    const stdin = `${signing(2, "two").journal().join("\n")}\n`;
    const { status, stdout, stderr } = await audit(["list", "--json", file, "-"], stdin);
    expect(status).toBe(0);
    expect(jsonOf(stdout).map(({ time, digest, proof }) => [time, digest, proof])).toEqual([
      ["2026-11-18T11:06:41.000Z", sha512("one"), "none"],
      ["2026-11-18T11:06:41.000Z", sha512("two"), "kernel"],
    ]);
    expect(stderr).toBe("entries that nothing but themselves vouches for (proof=none): 4\n");
  });

  test("believes no other local user, and says so", async () => {
    const forged = signing(1, "evil", { uid: 33, user: "build" }).journal();
    const logged = signing(2, "evil").journal({ _TRANSPORT: "syslog" });
    journal(forged, logged, signing(3, "good").journal());
    const { status, stdout, stderr } = await audit(["list", "--json"]);
    expect([status, jsonOf(stdout).map(({ digest }) => digest)]).toEqual([0, [sha512("good")]]);
    expect(stderr).toBe("entries that somebody else has written under a name of ours, left out: 8\n");
  });

  test("ends well whatever it reads", async () => {
    const noise = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919 + (i >> 5)) & 0xff));
    const hostile = [
      '{"event":"verdict","session":"x","seq":1}',
      '{"MESSAGE":7,"SYSLOG_IDENTIFIER":"signstar-upload-update"}',
      "{",
      "x".repeat(300_000),
    ];
    const file = at("noise");
    writeFileSync(file, Buffer.concat([noise, Buffer.from(`\n${hostile.join("\n")}\n`)]));
    const { status, stdout, stderr } = await audit(["list", file]);
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("lines that look like entries and are none: 3\n");
    expect(stderr).toContain("there are no entries");
  });

  test.each([
    [["list", "--since", "yesterday"], 64, "is no time"],
    [["list", "--client-key", "MD5:aa"], 64, "--client-key is no fingerprint"],
    [["list", "--journal", "/x", "/y"], 64, "--journal and files exclude each other"],
    [["revocations"], 64, "it is not said whose signatures"],
    [["metrics"], 64, "--output is missing"],
    [["list", "/nowhere/at-all"], 66, "/nowhere/at-all does not exist"],
    [["list", "/"], 74, "/ cannot be read: "],
    [["list", "--uids", "/nowhere/uids.toml"], 66, "/nowhere/uids.toml cannot be read"],
  ])("%j ends with %i", async (words, code, message) => {
    const { status, stdout, stderr } = await audit(words);
    expect([status, stdout]).toEqual([code, ""]);
    expect(stderr).toContain(message);
  });

  test("says what is wrong with journalctl", async () => {
    write("bin/journalctl", "#!/bin/sh\necho 'No journal files were found.' >&2\nexit 1\n", 0o755);
    expect(await audit(["list"])).toMatchObject({
      status: 74,
      stderr: expect.stringContaining("No journal files were found."),
    });
    const { status, stderr } = await audit(["list"], "", at("empty"));
    expect([status, stderr]).toEqual([69, expect.stringContaining("journalctl cannot be started")]);
  });

  test("asks the real journalctl in words that it knows", async () => {
    mkdirSync(at("empty journal"), { recursive: true });
    const words = ["--journal", at("empty journal"), "--since", "2026-11-18", "--until", "@1795000000.5"];
    expect(await audit(["list", ...words], "", "/usr/bin:/bin")).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^there are no entries/),
    });
  });
});

describe("revocations", () => {
  test("are each digest once, of what was or may have been signed", async () => {
    const batch = new Told(1).start();
    for (const [i, text] of ["a", "b", "a", "c"].entries()) batch.intent(text, `${batch.session}#${i + 1}`);
    batch.verdict("a", `${batch.session}#1`).verdict("b", `${batch.session}#2`, { outcome: "failed", code: "x" });
    batch.verdict("a", `${batch.session}#3`).end();
    journal(batch.journal(), signing(2, "d", { client: otherKey }).journal());
    const plain = await audit(["revocations", "--client-key", clientKey]);
    expect([plain.status, plain.stdout]).toEqual([0, `${sha512("a")}\n${sha512("c")}\n`]);
    const { stdout } = await audit(["revocations", "--client-key", clientKey, "--json", "--since", "@0"]);
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      client_key: clientKey,
      since: "1970-01-01T00:00:00.000Z",
      complete: true,
      signatures: [
        {
          sha512: sha512("a"),
          certificate: "a".repeat(40),
          created: began / 1000,
          signature: "b".repeat(64),
        },
        { sha512: sha512("c"), certificate: "a".repeat(40), unfinished: true },
      ],
    });
    journal(batch.journal().filter((_, i) => i !== 6));
    const gap = await audit(["revocations", "--client-key", clientKey, "--json"]);
    expect([gap.status, (JSON.parse(gap.stdout) as { complete: boolean }).complete]).toEqual([1, false]);
  });
});

describe("metrics", () => {
  const output = at("metrics/journal.json");
  beforeEach(() => {
    rmSync(at("metrics"), { recursive: true, force: true });
    mkdirSync(at("metrics"));
  });
  const count = async () => {
    const { status, stdout, stderr } = await audit(["metrics", "--output", output]);
    expect([status, stdout]).toEqual([0, ""]);
    return { stderr, summary: parseJournalSummary(readFileSync(output), output) };
  };

  const failing = new Told(2)
    .start()
    .intent("two")
    .verdict("two", undefined, { outcome: "failed", code: "device-refused", ms: 9 });
  const refused = new Told(3, { program: "signstar-upload-backup" })
    .start()
    .add("refusal", { code: "usage" })
    .end({ exit: 64 });

  test("counts what the kernel vouches for, once, and goes on where it stopped", async () => {
    const forged = signing(4, "evil", { uid: 33, user: "build" }).journal();
    const stories = [signing(1, "one").journal(), failing.end({ exit: 78 }).journal(), refused.journal(), forged];
    journal(...stories);
    const first = await count();
    expect(first.stderr).toBe("");
    expect(first.summary).toMatchObject({
      cursorsLost: 0,
      entries: { counted: 11, foreign: 4, malformed: 0 },
      keys: new Map([["key1", { requested: 2, signed: 1, failed: 1, lastSuccess: began + 2000 }]]),
      failures: new Map([["device-refused", 1]]),
      refusals: new Map([["usage", 1]]),
      sessions: new Map([
        [
          "signstar-download-signature",
          new Map([
            ["0", 1],
            ["78", 1],
          ]),
        ],
        ["signstar-upload-backup", new Map([["64", 1]])],
      ]),
      signing: { counts: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], sumMs: 40 },
    });
    expect(readdirSync(at("metrics"))).toEqual(["journal.json"]);
    expect(statSync(output).mode & 0o7777).toBe(0o644);

    const { at: _, ...same } = (await count()).summary;
    expect(same).toEqual({ ...first.summary, at: undefined, ...same });
    journal(...stories, signing(5, "five", { at: began + 60_000 }).journal());
    expect((await count()).summary.keys.get("key1")).toEqual({
      requested: 3,
      signed: 2,
      failed: 1,
      lastSuccess: began + 62_000,
    });
  });

  test("are called by the unit in words that are known, for the file that is read", async () => {
    const unit = readFileSync(join(repository, "systemd/system/signstar-journal-metrics.service"), "utf8");
    const [program, ...words] = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(" ") ?? [];
    expect([program, words.at(-1)]).toEqual(["/usr/bin/signstar-audit", pathsUnder("/").journalSummary]);
    expect(`/var/lib/${/^StateDirectory=(.*)$/m.exec(unit)?.[1]}`).toBe(dirname(words.at(-1) ?? ""));
    journal(signing(1, "one").journal());
    expect((await audit([...words.slice(0, -1), output])).status).toBe(0);
    expect(parseJournalSummary(readFileSync(output), output).keys.get("key1")?.signed).toBe(1);
  });

  test("shows when entries have left the journal, and loses nothing that it knew", async () => {
    journal(signing(1, "one").journal());
    await count();
    journal(signing(2, "two").journal());
    const { stderr, summary } = await count();
    expect(stderr).toContain("the entry that was counted last has left the journal");
    expect([summary.cursorsLost, summary.keys.get("key1")?.signed]).toEqual([1, 2]);
    journal();
    expect((await count()).summary).toMatchObject({ cursorsLost: 1, cursor: summary.cursor });
  });

  test("begins anew with a summary that it cannot read, and keeps one when the journal cannot be read", async () => {
    journal(signing(1, "one").journal());
    writeFileSync(output, "{");
    const { stderr, summary } = await count();
    expect(stderr).toContain("the journal is counted anew");
    expect(summary.keys.get("key1")?.signed).toBe(1);
    write("bin/journalctl", `#!/bin/sh\nhead -n 2 '${at("journal")}'\nexit 1\n`, 0o755);
    expect((await audit(["metrics", "--output", output])).status).toBe(74);
    expect(Buffer.compare(readFileSync(output), encodeJournalSummary(summary))).toBe(0);
  });

  test("are shown by signstar-download-metrics, to users who cannot read the journal", async () => {
    const name = "signstar-download-metrics";
    const stand = await Stand.make(name, ["key1", "localhost", "HSM", "hsm"]);
    try {
      stand.devices = [{ url: "https://localhost:1/api/v1", tlsFingerprint: `sha256:${"0".repeat(64)}` }];
      const users = 'nethsm_users = { metrics_user = "metrics", operator_users = ["operator"] }';
      stand.configure({ mapping: mappingOf("system_nethsm_metrics", users) });
      stand.credential("operator-passphrase");
      stand.credential("metrics-passphrase", "", "metrics");
      journal(signing(1, "one").journal(), refused.journal());
      await count();
      const path = stand.write("/var/lib/signstar/metrics/journal.json", readFileSync(output), 0o644);
      // Root would write into a directory of that user.
      if (isRoot) expect(await audit(["metrics", "--output", path])).toMatchObject({ status: 77 });
      const { code, out } = await stand.run("");
      expect(code).toBe(0);
      for (const line of [
        "signstar_journal_up 1",
        'signstar_signatures_total{key="key1",outcome="signed"} 1',
        `signstar_last_success_timestamp_seconds{key="key1"} ${began / 1000 + 2}`,
        'signstar_refusals_total{code="usage"} 1',
        'signstar_signing_duration_seconds_bucket{le="0.05"} 1',
        'nethsm_up{device="localhost:1"} 0',
      ]) {
        expect(linesOf(out)).toContain(line);
      }
      const guide = readFileSync(join(repository, "docs/operating.md"), "utf8");
      for (const [, metric = ""] of out.matchAll(/^# TYPE (signstar_\w+) /gm)) expect(guide).toContain(`\`${metric}`);
    } finally {
      await stand[Symbol.asyncDispose]();
    }
  });

  test("has room for so many names and no more", async () => {
    const story = new Told(1).start();
    for (let i = 0; i < 1200; i += 1) {
      story.add("intent", {
        request: `${story.session}#${i + 1}`,
        digest: sha512("x"),
        key: `k${i}`,
        user: "build",
        size: 1,
      });
      story.add("refusal", { code: `code-${i}` });
    }
    journal(story.journal());
    const { summary } = await count();
    expect([summary.keys.size, summary.keys.get("(others)")?.requested]).toEqual([1000, 201]);
    expect([summary.refusals.size, summary.refusals.get("(others)")]).toEqual([200, 1001]);
    expect(statSync(output).size).toBeLessThan(1024 * 1024);
  });
});
