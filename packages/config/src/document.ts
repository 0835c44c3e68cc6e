import { parse, TomlError } from "smol-toml";
import { ConfigError, describeProblem, type Problem } from "./errors.ts";
import { Field } from "./field.ts";
import { Findings } from "./findings.ts";
import { formatPath } from "./path.ts";
import { findLines, lineOf } from "./positions.ts";

/** No part of a config is deeper than this; it bounds recursion. */
const maxDepth = 16;

/**
 * Parses TOML and hands it to `read`, which notes what is wrong with it. Throws ConfigError (exit 78) with all of that;
 * `what` names the document in its message.
 */
export function parseDocument<T>(
  text: string,
  what: string,
  read: (document: Field, findings: Findings) => T | undefined,
): { readonly value: T; readonly warnings: readonly string[] } {
  const findings = new Findings();
  const value = read(new Field(parseToml(text, what), [], findings), findings);
  if (findings.problems.length > 0 || value === undefined) throw invalid(text, what, findings);
  return { value, warnings: findings.warnings };
}

function parseToml(text: string, what: string): unknown {
  try {
    return parse(text, { integersAsBigInt: true, unsafeKeyBehaviour: "throw", maxDepth });
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const message = cause.message.split("\n", 1)[0] ?? "syntax error";
    const problem = { path: "", line: cause.line, message };
    throw new ConfigError("syntax", `${what} is not TOML: ${describeProblem(problem)}`, { cause, problems: [problem] });
  }
}

function invalid(text: string, what: string, findings: Findings): ConfigError {
  const lines = findLines(text);
  const problems = findings.problems
    .map(({ path, message }): Problem => ({ path: formatPath(path), line: lineOf(lines, path), message }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const list = problems.map(describeProblem);
  // One line, as every message: what reads it may be a journal.
  const count = list.length === 1 ? "a problem" : `${list.length} problems`;
  const message = `${what} has ${count}: ${list.join("; ")}`;
  return new ConfigError("invalid", message, { problems });
}
