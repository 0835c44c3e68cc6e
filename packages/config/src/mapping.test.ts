import { readFileSync } from "node:fs";
import { Exit } from "@signstar/primitives/failure";
import { describe, expect, test } from "vitest";
import { forceCommands, mappingFor, mappingsOfKind, sshMappings, systemMappings } from "./mapping.ts";
import { parseConfig } from "./parse.ts";
import { parseSystemUserId } from "./system-user.ts";
import { sampleConfig, signingUser } from "./testing/sample.ts";

const config = parseConfig(sampleConfig({ tail: signingUser() }));
const signer = parseSystemUserId("signer");

describe("mappingFor", () => {
  test("finds the mapping of a user, with its kind's type", () => {
    expect(mappingFor(config, signer, ["signing"]).operator).toBe("operator");
    expect(mappingFor(config, signer, ["backup", "signing"]).kind).toBe("signing");
  });

  test("a user of another kind, and a user of none, have no mapping", () => {
    const missing = expect.objectContaining({ code: "no-mapping", exit: Exit.noUser, clientSafe: false });
    expect(() => mappingFor(config, signer, ["backup"])).toThrow(missing);
    expect(() => mappingFor(config, parseSystemUserId("nobody"), ["signing"])).toThrow(missing);
  });
});

test("users by what they have", () => {
  const example = readFileSync(new URL("../../../config.example.toml", import.meta.url), "utf8");
  const full = parseConfig(example);
  expect(systemMappings(full)).toHaveLength(full.mappings.length - mappingsOfKind(full, "admin").length);
  expect(systemMappings(full)).toHaveLength(sshMappings(full).length + mappingsOfKind(full, "hermetic-metrics").length);
  expect(new Set(sshMappings(full).map(({ kind }) => kind))).toEqual(new Set(Object.keys(forceCommands)));
});

test("each kind has a program of its own", () => {
  const programs = Object.values(forceCommands);
  expect(new Set(programs).size).toBe(programs.length);
  for (const program of programs) expect(program).toMatch(/^signstar-(?:down|up)load-[a-z-]+$/);
});

test.each(["a", "_x", "ssh-op1", "a".repeat(31)])("%j is a system user name", (name) => {
  expect(parseSystemUserId(name)).toBe(name);
});

test.each(["", "-a", "1a", "A", "a.b", "a b", "a\n", "a/b", "a%", "ä", "root", "a".repeat(32)])(
  "%j is none",
  (name) => {
    expect(() => parseSystemUserId(name)).toThrow(/system user/);
  },
);
