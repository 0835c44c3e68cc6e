import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { loadUids } from "@signstar/config/uids";
import { Exit } from "@signstar/primitives/failure";
import { afterEach, describe, expect, test, vi } from "vitest";
import { recordPath } from "./record.ts";
import { exampleConfig, isRoot, runProgram, Tree } from "./testing/tree.ts";

/** The example with its first signing user alone. Each user costs two runs of the shadow programs. */
const example = readFileSync(exampleConfig, "utf8")
  .replace(/^admin_secret_handling = .*$/m, 'admin_secret_handling = "plaintext"')
  .replace(/^# Signs packages [\s\S]*?(?=^# ---- The appliance)/m, "");
const dropIn = "etc/ssh/sshd_config.d/10-signstar-user-sign-releases.conf";

afterEach(() => vi.unstubAllEnvs());

function treeWithConfig(): { tree: Tree; words: readonly string[] } {
  const tree = new Tree();
  tree.put("etc/signstar/config.toml", example);
  return { tree, words: ["--root", tree.root] };
}

describe("a run", () => {
  test("the second changes nothing and says so", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    expect((await runProgram(...words)).output).toMatch(/\n\d+ changes\n$/);
    const before = tree.state();
    expect((await runProgram(...words)).output).toBe("nothing to change\n");
    expect(tree.state()).toBe(before);
  });

  test("--dry-run and --check tell the same and touch nothing", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    const before = tree.state();
    const times = () => execFileSync("find", [tree.root, "-printf", "%p %T@ %C@\n"], { encoding: "utf8" });
    const timesBefore = times();
    const dry = await runProgram(...words, "--dry-run");
    expect(dry).toMatchObject({ exit: Exit.ok, output: expect.stringMatching(/\+ file .*\n\d+ changes, not made\n$/) });
    expect(await runProgram(...words, "--check")).toMatchObject({ exit: Exit.no, output: dry.output });
    expect(tree.state()).toBe(before);
    expect(times()).toBe(timesBefore);
    await runProgram(...words);
    expect(await runProgram(...words, "--check")).toMatchObject({ exit: Exit.ok, output: "nothing to change\n" });
  });

  test("a changed config changes exactly what differs", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    await runProgram(...words);
    tree.put("etc/signstar/config.toml", example.replace("build-server@example.org", "new comment"));
    expect((await runProgram(...words)).output.replace(/AAAA\S+/g, "KEY")).toBe(
      "~ file /etc/ssh/signstar-user-sign-releases.authorized_keys\n" +
        "    - restrict ssh-ed25519 KEY build-server@example.org\n" +
        "    + restrict ssh-ed25519 KEY new comment\n" +
        "1 change\n",
    );
  });

  test("files are as wanted whatever the umask, and drift is mended", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    const umask = process.umask(0o077);
    try {
      await runProgram(...words);
    } finally {
      process.umask(umask);
    }
    expect(statSync(join(tree.root, dropIn)).mode & 0o777).toBe(0o644);
    expect(statSync(join(tree.root, "usr/lib/tmpfiles.d")).mode & 0o777).toBe(0o755);
    const wanted = tree.state();
    chmodSync(join(tree.root, dropIn), 0o666);
    rmSync(join(tree.root, "usr/lib/tmpfiles.d/signstar.conf"));
    expect((await runProgram(...words)).output).toBe(
      `+ file /usr/lib/tmpfiles.d/signstar.conf\n~ file /${dropIn}: mode or owner\n2 changes\n`,
    );
    expect(tree.state()).toBe(wanted);
  });

  test("a link where a file of ours belongs is replaced, what it points at stays", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    const victim = tree.put("victim", "precious");
    mkdirSync(join(tree.root, "etc/ssh/sshd_config.d"), { recursive: true });
    symlinkSync(victim, join(tree.root, dropIn));
    await runProgram(...words);
    expect(lstatSync(join(tree.root, dropIn)).isFile()).toBe(true);
    expect(readFileSync(victim, "utf8")).toBe("precious");
  });

  test("what is not in our record is left alone", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    const path = "etc/ssh/sshd_config.d/10-signstar-user-foreign.conf";
    tree.put(path, "Match User foreign\n");
    await runProgram(...words);
    expect(tree.read(path)).toBe("Match User foreign\n");
  });

  test("warnings of the config are passed on", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    tree.put(
      "etc/signstar/config.toml",
      example.replace(/^tls_security = .*$/m, 'tls_security = "Unsafe"\nallow_unsafe_tls = true'),
    );
    expect((await runProgram(...words)).notes).toContainEqual(
      expect.stringMatching(/^warning: connections\[0\].*not checked/),
    );
  });
});

describe("where it works", () => {
  test("SIGNSTAR_CONFIG stands in for --config", async () => {
    using tree = new Tree();
    vi.stubEnv("SIGNSTAR_CONFIG", exampleConfig.pathname);
    expect((await runProgram("--root", tree.root, "--dry-run")).output).toContain("+ file");
    vi.stubEnv("SIGNSTAR_CONFIG", "/nonexistent");
    await expect(runProgram("--root", tree.root)).rejects.toMatchObject({ message: "no config at /nonexistent" });
  });

  test("an absolute link in the tree does not lead out of it", async () => {
    const { tree, words } = treeWithConfig();
    using outside = new Tree();
    using _ = tree;
    const before = outside.state();
    symlinkSync(join(outside.root, "etc"), join(tree.root, "etc/ssh"));
    await expect(runProgram(...words)).rejects.toMatchObject({ code: "outside-root", exit: Exit.config });
    expect(outside.state()).toBe(before);
    rmSync(join(tree.root, "etc/ssh"));
    symlinkSync("/nonexistent", join(tree.root, "etc/ssh"));
    await expect(runProgram(...words)).rejects.toMatchObject({ code: "outside-root" });
  });

  test("a relative link within the tree is followed", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    mkdirSync(join(tree.root, "etc/real"));
    symlinkSync("real", join(tree.root, "etc/ssh"));
    await runProgram(...words);
    expect(tree.read("etc/real/sshd_config.d/10-signstar-user-sign-releases.conf")).toContain("ForceCommand");
  });

  test("a root that is no directory, words that a shell would interpret", async () => {
    for (const root of ["/etc/passwd", "/etc/passwd/below", "/missing/root", ""]) {
      await expect(runProgram("--root", root)).rejects.toMatchObject({ code: "bad-root", exit: Exit.usage });
    }
    await expect(runProgram("--program-options", "$(id)")).rejects.toMatchObject({
      code: "bad-word",
      exit: Exit.usage,
    });
    await expect(runProgram("--bin-dir", "/a b")).rejects.toMatchObject({ code: "bad-word" });
  });

  test("a record that names other files is not believed", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    tree.put(recordPath.slice(1), '{"version":1,"users":{},"files":["/etc/passwd"],"lastUid":0}');
    await expect(runProgram(...words)).rejects.toMatchObject({ code: "bad-record", exit: Exit.config });
  });

  test.skipIf(!isRoot)(
    "as root an image without passwd is refused (skipped for others: they make no users)",
    async () => {
      const { tree, words } = treeWithConfig();
      using _ = tree;
      rmSync(join(tree.root, "etc/shadow"));
      await expect(runProgram(...words)).rejects.toMatchObject({ code: "bad-target", exit: Exit.config });
    },
  );

  test.skipIf(!isRoot)("uids.toml beside the config decides numbers (skipped without root)", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    tree.put("etc/signstar/uids.toml", "gone = 4000\nsign-releases = 4001\n");
    expect((await runProgram(...words)).notes).toEqual([]);
    expect(tree.read("etc/passwd")).toContain("\nsign-releases:x:4001:4001:");
  });
});

describe("--assign-uids", () => {
  test("adds what is missing, keeps what is there, and needs no root", async () => {
    using tree = new Tree();
    const config = tree.put("config.toml", readFileSync(exampleConfig, "utf8"));
    const uids = tree.put("uids.toml", "# ours\ngone = 3005\nsign-packages = 3004");
    const words = ["--config", config, "--assign-uids"];
    const before = tree.state();
    const dry = await runProgram(...words, "--dry-run");
    expect((await runProgram(...words, "--check")).exit).toBe(Exit.no);
    expect(tree.state()).toBe(before);
    expect(await runProgram(...words)).toEqual(dry);
    expect(readFileSync(uids, "utf8")).toMatch(
      /^# ours\ngone = 3005\nsign-packages = 3004\nsign-releases = 3006\nhsm-backup = 3007\n/,
    );
    expect(await runProgram(...words)).toMatchObject({ output: "nothing to change\n", exit: Exit.ok });
    expect((await loadUids(config))?.size).toBe(12);
  });

  test("makes the file where there is none", async () => {
    const { tree, words } = treeWithConfig();
    using _ = tree;
    expect((await runProgram(...words, "--assign-uids")).output).toBe("+ sign-releases = 3000\n");
    expect(tree.read("etc/signstar/uids.toml")).toMatch(/^# .*\nsign-releases = 3000\n$/);
  });
});

describe.skipIf(!isRoot)("for an ordinary user (skipped unless root, who can become one)", () => {
  const nobody = 65_534;
  const program = new URL("./testing/main.ts", import.meta.url).pathname;
  const runAsNobody = (...words: readonly string[]) => {
    try {
      return {
        exit: 0,
        text: execFileSync("sh", ["-c", 'exec "$0" "$@" 2>&1', process.execPath, program, ...words], {
          uid: nobody,
          gid: nobody,
          encoding: "utf8",
        }),
      };
    } catch (thrown) {
      const { status, stdout } = thrown as { status: number; stdout: string };
      return { exit: status, text: stdout };
    }
  };

  test("a root of the own is configured without users", () => {
    using tree = new Tree();
    tree.put("etc/signstar/config.toml", example);
    execFileSync("chown", ["-R", `${nobody}:${nobody}`, tree.root]);
    const first = runAsNobody("--root", tree.root);
    expect(first).toMatchObject({
      exit: 0,
      text: expect.stringMatching(/not root: no user is made, and every file belongs to uid 65534/),
    });
    expect(first.text).not.toContain("+ user");
    expect(statSync(join(tree.root, dropIn)).uid).toBe(nobody);
    expect(runAsNobody("--root", tree.root).text).toContain("nothing to change\n");
  });

  test("what cannot be read or written is named", () => {
    using tree = new Tree();
    tree.put("etc/signstar/config.toml", example);
    execFileSync("chown", ["-R", `${nobody}:${nobody}`, tree.root]);
    const first = runAsNobody("--root", tree.root);
    expect(first.exit).toBe(0);
    for (const [path, mode, exit, problem] of [
      ["usr/lib", 0o555, Exit.cantCreate, "directory .*/usr/lib/tmpfiles.d cannot be made: EACCES"],
      ["etc/ssh/sshd_config.d", 0o555, Exit.cantCreate, "cannot be written: EACCES"],
      ["etc/ssh/sshd_config.d", 0o000, Exit.config, "cannot be (?:used|read)"],
      [dropIn, 0o000, Exit.config, "cannot be read: EACCES"],
    ] as const) {
      const file = join(tree.root, path);
      if (path === "usr/lib") rmSync(join(tree.root, "usr/lib/tmpfiles.d"), { recursive: true });
      if (path === "etc/ssh/sshd_config.d" && mode !== 0) rmSync(join(tree.root, dropIn));
      chmodSync(file, mode);
      const outcome = runAsNobody("--root", tree.root);
      chmodSync(file, 0o755);
      expect(outcome).toMatchObject({ exit, text: expect.stringMatching(problem) });
      expect(runAsNobody("--root", tree.root).exit).toBe(0);
    }
  });

  test("anything else is refused", () => {
    using tree = new Tree();
    chmodSync(tree.root, 0o755);
    for (const words of [[], ["--root", tree.root]]) {
      expect(runAsNobody(...words)).toMatchObject({
        exit: Exit.noPerm,
        text: expect.stringContaining("must be run as root"),
      });
    }
  });
});
