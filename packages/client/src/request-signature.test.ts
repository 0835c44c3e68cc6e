import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io } from "@signstar/command/io";
import { runWith } from "@signstar/command/run";
import { finishSha512 } from "@signstar/hash-state/resume";
import { toUtf8 } from "@signstar/primitives/bytes";
import { parseSigningRequest } from "@signstar/signing-request/request";
import { afterAll, describe, expect, test } from "vitest";
import { requestSignature } from "./request-signature.ts";
import { type Ended, runClient } from "./testing/program.ts";

const folder = mkdtempSync(join(tmpdir(), "request-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "strawberries");
writeFileSync(file, "I like strawberries\n");
// SHA-512 of that text.
const digest =
  "55b956f9bb40752fa328c93523a9775aa84e1d2014372779fdcb9f525528e91ad00d6f3d5d64c71fb98cc3725c766ced6498d4b1bd3892cc894ceb1f65011337";

function request({ stdout, stderr, exit }: Ended) {
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  expect(stdout).not.toMatch(/\s$/);
  const { input, optional } = parseSigningRequest(toUtf8(stdout));
  return { digest: Buffer.from(finishSha512(input.state)).toString("hex"), layout: input.layout, optional };
}

describe("a request", () => {
  test("is printed by prepare and by the bare form", async () => {
    const [prepared, bare] = await Promise.all([runClient(["prepare", file]), runClient([file])]);
    for (const ended of [prepared, bare]) {
      const { optional, ...rest } = request(ended);
      expect(rest).toEqual({ digest, layout: "final" });
      expect(optional.get("file-name")).toBe("strawberries");
      expect(optional.size).toBe(3);
    }
  });

  test("has the old layout on demand, in both forms", async () => {
    const forms = [
      ["prepare", "--state-layout", "legacy", file],
      ["--state-layout", "legacy", file],
    ];
    for (const ended of await Promise.all(forms.map((words) => runClient(words)))) {
      expect(request(ended)).toMatchObject({ digest, layout: "legacy" });
    }
  });

  test("takes the file from the environment or standard input", async () => {
    const [fromEnvironment, fromStdin] = await Promise.all([
      runClient(["prepare"], { env: { SIGNSTAR_REQUEST_FILE: file } }),
      runClient(["-"], { stdin: "I like strawberries\n" }),
    ]);
    expect(request(fromEnvironment).digest).toBe(digest);
    expect(request(fromStdin).digest).toBe(digest);
    expect(request(fromStdin).optional.get("file-name")).toBeNull();
  });
});

describe("what is refused", () => {
  test.each([
    [[], 64],
    [["prepare", "a", "b"], 64],
    [["prepare", "--state-layout", "old", file], 64],
    [["prepare", join(folder, "none")], 66],
    [["prepare", folder], 66],
    [["sign", "host"], 64],
    [["sign", "-p", "0", "host", file], 64],
    [["sign", "--ssh", "ssh", "--builtin-ssh", "host", file], 64],
    [["sign", "--ssh", " ", "host", file], 64],
    [["sign", "--timeout", "0", "host", file], 64],
    [["sign", "--output", "x", "host", file, file], 64],
    [["sign", "--certificate", join(folder, "none"), "host", file], 66],
    [["sign", "--certificate", file, "host", file], 65],
    [["sign", "--builtin-ssh", "--known-hosts", join(folder, "none"), "-i", folder, "host", file], 66],
    [["sign", "--", "-oProxyCommand=touch x", file], 64],
    [["sign", "host", "--", "-none"], 66],
    [["send", "--user", "u", file], 64],
    [["send", "--host", "h", file], 64],
    [["send", "--host", "h", "--user", "u", "--user-public-key", "x", file], 64],
  ])("%j ends %i and prints nothing", async (words, exit) => {
    const written: unknown[] = [];
    await expect(runWith(requestSignature, words, quietIo(written))).rejects.toMatchObject({ exit });
    expect(written).toEqual([]);
  });

  test("a binary signature to a terminal", async () => {
    const io = { ...quietIo([]), stdoutIsTerminal: true };
    const words = ["sign", "--output", "-", "host", file];
    await expect(runWith(requestSignature, words, io)).rejects.toMatchObject({ exit: 64 });
  });

  test("is told on standard error, with what to do", async () => {
    expect(await runClient(["sign", "--", "host", join(folder, "a\nb")])).toEqual({
      exit: 66,
      signal: null,
      stdout: "",
      stderr: `signstar-request-signature: error: ${folder}/a\\x0ab cannot be opened: no such file or directory\n`,
    });
  });
});

function quietIo(written: unknown[]): Io {
  return {
    stdin: process.stdin,
    stderrIsTerminal: false,
    stdoutIsTerminal: false,
    readStdin: async () => new Uint8Array(),
    write: (payload) => void written.push(payload),
    stream: async (payload) => void written.push(payload),
    note: () => undefined,
    status: () => undefined,
  };
}
