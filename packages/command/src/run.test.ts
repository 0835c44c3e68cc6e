import { PassThrough } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import type { Io } from "./io.ts";
import { runWith } from "./run.ts";
import type { Command } from "./spec.ts";

const seen: unknown[] = [];
const io: Io = {
  stdin: new PassThrough(),
  stderrIsTerminal: false,
  stdoutIsTerminal: false,
  readStdin: async () => new Uint8Array(),
  write: (text) => void seen.push(text),
  stream: async (text) => void seen.push(text),
  note: () => undefined,
  status: () => undefined,
};

const program: Command = {
  name: "tool",
  summary: "a tool",
  description: "It does things.",
  options: [{ name: "config", short: "c", value: "FILE", description: "the configuration" }],
  arguments: [{ name: "FILE", description: "a file", optional: true }],
  examples: [{ command: "tool add x", description: "adds x" }],
  commands: [
    {
      name: "add",
      summary: "add names",
      options: [
        { name: "tag", value: "TAG", description: "a tag", repeatable: true },
        { name: "no-verify", description: "skip it" },
      ],
      arguments: [{ name: "NAME", description: "names", variadic: true }],
      async run({ options, args }) {
        seen.push(["add", options.text("config"), options.list("tag"), options.flag("no-verify"), args]);
      },
    },
    { name: "key", summary: "keys", commands: [{ name: "list", summary: "list keys", run: async () => 2 as const }] },
    {
      name: "sign",
      summary: "sign a file",
      options: [{ name: "version", value: "N", description: "of the format", default: "4" }],
      arguments: [{ name: "INPUT", description: "a file", env: "TOOL_TEST_INPUT" }],
      async run({ options, args }) {
        seen.push(["sign", options.text("version"), args]);
      },
    },
  ],
  async run({ args }) {
    seen.push(["bare", args]);
  },
};

async function tried(...words: string[]): Promise<{ exit: number; seen: unknown[] }> {
  seen.length = 0;
  const exit = await runWith(program, words, io);
  return { exit, seen: [...seen] };
}

describe("runWith", () => {
  test("runs the program itself or the subcommand that is named", async () => {
    expect((await tried("file")).seen).toEqual([["bare", ["file"]]]);
    expect((await tried("add", "a", "b")).seen).toEqual([["add", undefined, [], false, ["a", "b"]]]);
    expect((await tried("key", "list")).exit).toBe(2);
  });

  test("understands the program's options before and behind a subcommand", async () => {
    const expected = [["add", "f", ["x", "y"], true, ["a"]]];
    expect((await tried("-c", "f", "add", "--tag", "x", "a", "--tag=y", "--no-verify")).seen).toEqual(expected);
    expect((await tried("add", "--tag", "x", "--tag", "y", "a", "--no-verify", "--config", "f")).seen).toEqual(
      expected,
    );
  });

  test("takes what follows -- as arguments", async () => {
    expect((await tried("add", "--", "--tag")).seen).toEqual([["add", undefined, [], false, ["--tag"]]]);
  });

  test.each([
    [["add"], "missing required argument 'NAME'"],
    [["add", "a", "--tga", "x"], "unknown option '--tga'"],
    [["one", "two"], "too many arguments. Expected 1 argument but got 2: one, two"],
    [["key"], "a command is missing"],
    [["key", "lst"], "unknown command 'lst'"],
    [["-c"], "option '-c, --config <FILE>' argument missing"],
    [["-c", "a", "-c", "b"], "--config is given 2 times"],
  ])("refuses %j", async (words, message) => {
    await expect(tried(...words)).rejects.toMatchObject({ message, exit: 64 });
  });

  test.each([
    [
      ["-c=a", "add", "x"],
      ["add", "a", [], false, ["x"]],
    ],
    [
      ["add", "-c=a=b", "x"],
      ["add", "a=b", [], false, ["x"]],
    ],
    [
      ["add", "x", "--", "-c=a"],
      ["add", undefined, [], false, ["x", "-c=a"]],
    ],
  ])("takes the sign in %j as the value's beginning", async (words, expected) => {
    expect((await tried(...words)).seen).toEqual([expected]);
  });

  test("suggests what may have been meant", async () => {
    await expect(tried("add", "--tga", "x")).rejects.toMatchObject({ hint: "did you mean --tag?" });
    await expect(tried("key", "lst")).rejects.toMatchObject({ hint: "did you mean list?" });
  });

  test("lets an argument be missing when its environment variable is there", async () => {
    await expect(tried("sign")).rejects.toMatchObject({ message: "missing required argument 'INPUT'" });
    vi.stubEnv("TOOL_TEST_INPUT", "file");
    expect((await tried("sign")).seen).toEqual([["sign", "4", []]]);
    vi.unstubAllEnvs();
  });

  test("lets a command have a --version of its own", async () => {
    expect((await tried("sign", "--version", "6", "f")).seen).toEqual([["sign", "6", ["f"]]]);
    expect((await tried("sign", "--help")).seen).toEqual([
      expect.stringMatching(/^ {6}--version N {4}of the format \(default 4\)\n {2}-c, --config FILE/m),
    ]);
    expect((await tried("--version")).seen).toEqual([expect.stringMatching(/^tool /)]);
  });

  test("has help for every command", async () => {
    const [help] = (await tried("--help")).seen;
    expect(help).toBe(
      [
        "usage: tool [options] [FILE]",
        "       tool [options] COMMAND",
        "",
        "a tool",
        "",
        "It does things.",
        "",
        "commands:",
        "  add   add names",
        "  key   keys",
        "  sign  sign a file",
        "",
        "arguments:",
        "  FILE  a file",
        "",
        "options:",
        "  -c, --config FILE  the configuration",
        "  -h, --help         show this help",
        "      --version      show the version",
        "",
        "examples:",
        "  tool add x",
        "      adds x",
        "",
      ].join("\n"),
    );
    const described = "many words ".repeat(20).trim();
    const options = [{ name: "config", value: "FILE", description: described }];
    await runWith({ name: "long", summary: "a tool", description: described, options }, ["--help"], io);
    const lines = String(seen.pop()).split("\n");
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(lines.filter((line) => /^ {21}many/.test(line))).toHaveLength(2);
    expect((await tried("add", "-h")).seen).toEqual([expect.stringContaining("usage: tool add [options] NAME…\n")]);
    expect((await tried("key", "--version")).seen).toEqual([expect.stringMatching(/^tool \S+\n$/)]);
  });
});
