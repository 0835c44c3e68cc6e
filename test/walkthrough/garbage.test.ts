/** Whatever the words are, every command ends with a failure of its own and never with a bug. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { Command } from "@signstar/command/spec";
import { nethsm } from "@signstar/nethsm-cli/nethsm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cli } from "./cli.ts";

let cli: Cli;
beforeAll(async () => {
  cli = await Cli.make();
  writeFileSync(
    cli.file("binary"),
    Uint8Array.from({ length: 300 }, (_, index) => (index * 7) & 0xff),
  );
  mkdirSync(cli.file("directory"));
});
afterAll(() => cli[Symbol.asyncDispose]());

function leaves(command: Command, path: readonly string[] = []): readonly (readonly [readonly string[], Command])[] {
  const own: readonly (readonly [readonly string[], Command])[] = command.run === undefined ? [] : [[path, command]];
  return [...own, ...(command.commands ?? []).flatMap((sub) => leaves(sub, [...path, sub.name]))];
}

test.each(leaves(nethsm).map(([path, command]) => [path.join(" "), path, command] as const))(
  "nethsm %s",
  async (_, path, { arguments: args = [], options = [] }) => {
    const files = ["binary", "directory"].map((name) => cli.file(name));
    const words = ["x", "1", "é\u0007", ...files];
    const given = (option: (typeof options)[number], word: string) =>
      option.value === undefined ? [`--${option.name}`] : [`--${option.name}=${option.choices?.[0] ?? word}`];
    for (const word of words) {
      const positional = args.map(({ choices }) => choices?.[0] ?? word);
      const some = options.filter(({ name }) => name !== "output" && name !== "with-passphrase");
      for (const list of [[], some, some.filter(({ value }) => value?.includes("FILE"))]) {
        const ended = await cli.run(...path, ...list.flatMap((option) => given(option, word)), "--", ...positional);
        expect(ended.exit).not.toBe(70);
        expect(ended.error ?? "").not.toContain("\n");
      }
    }
  },
  60_000,
);
