import { describe, expect, test } from "vitest";
import { completion, completionFile, shells } from "./completion.ts";
import { manualPages } from "./manual.ts";
import type { Command } from "./spec.ts";

const program: Command = {
  name: "tool",
  summary: "a tool",
  description: "It does things. Carefully.\n\nThere is more: back\\slash.",
  options: [{ name: "config", short: "c", value: "FILE", description: "the configuration", env: "TOOL_CONFIG" }],
  commands: [
    {
      name: "add",
      summary: ".dotted summary",
      options: [{ name: "kind", value: "KIND", description: "which", choices: ["a", "b"], default: "a" }],
      arguments: [
        { name: "No", description: "spelt like a macro", env: "TOOL_NO" },
        { name: "NAME", description: "names", optional: true, variadic: true },
      ],
      examples: [{ command: "tool add 'x y'", description: "adds x y" }],
      run: async () => undefined,
    },
  ],
};

describe("manualPages", () => {
  const date = new Date("2026-01-02T00:00:00Z");
  const pages = manualPages(program, { date, source: "Signstar 1.2.3" });

  test("has a page for the program and each command", () => {
    expect(pages.map(({ file }) => file)).toEqual(["tool.1", "tool-add.1"]);
    const [page] = manualPages(program, {
      date,
      source: "Signstar 1.2.3",
      accepts: [[], ["batch"], ["get", /^[a-z]+$/]],
    });
    expect(page?.file).toBe("tool.8");
    expect(page?.text).toContain(".It\nnothing\n.It\nbatch\n.It\nget a word like \\(ha[a-z]+$\n");
  });

  test("says all that the specification says", () => {
    const text = pages[1]?.text ?? "";
    expect(text.split("\n").slice(0, 11)).toEqual([
      ".Dd January 2, 2026",
      ".Dt TOOL-ADD 1",
      ".Os Signstar 1.2.3",
      ".Sh NAME",
      ".Nm tool-add",
      ".Nd .dotted summary",
      ".Sh SYNOPSIS",
      ".Nm tool add",
      ".Op Ar options",
      ".Ar \\&No",
      ".Op Ar \\&NAME ...",
    ]);
    for (const part of [
      ".It Fl -kind Ar \\&KIND\nWhich.\nOne of a, b.\nDefault a.",
      ".It Fl c , Fl -config Ar \\&FILE\nThe configuration.\nEnvironment TOOL_CONFIG.",
      ".It Ev \\&TOOL_CONFIG\nStands in for --config.\n.It Ev \\&TOOL_NO\nStands in for No.",
      ".Sh EXAMPLES\nAdds x y:\n.Dl tool add 'x y'\n",
      ".Sh SEE ALSO\n.Xr tool 1\n",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("gives every sentence a line, and nothing the meaning of a macro", () => {
    expect(pages[0]?.text).toContain("It does things.\nCarefully.\n.Pp\nThere is more: back\\eslash.\n");
    expect(pages[1]?.text).toContain(".Sh DESCRIPTION\n\\&.dotted summary.\n");
  });
});

test("completion scripts name every command, option and choice", () => {
  for (const shell of shells) {
    const script = completion(program, shell);
    for (const word of ["add", "kind", "config"]) expect(script).toContain(word);
    expect(script).toContain("a b");
  }
  expect(shells.map((shell) => completionFile(program, shell))).toEqual(["tool", "_tool", "tool.fish"]);
});
