import { Exit, Failure } from "@signstar/primitives/failure";
import { printable } from "./printable.ts";

/** How a program ended, if not well. `correlationId` is there for faults of our own, and only then. */
export interface Report {
  readonly exit: Exit;
  readonly message: string;
  readonly hint: string | undefined;
  readonly correlationId: string | undefined;
}

/** What anything thrown means. What is no Failure is a bug: exit 70 and an id to find it by. */
export function reportOf(thrown: unknown): Report {
  if (thrown instanceof Failure) {
    return { exit: thrown.exit, message: thrown.message, hint: thrown.hint, correlationId: undefined };
  }
  const correlationId = globalThis.crypto.randomUUID().slice(0, 8);
  return { exit: Exit.software, message: `internal error ${correlationId}`, hint: undefined, correlationId };
}

/** The lines on standard error: `NAME: error: …` and, where there is one, `NAME: hint: …`. */
export function errorLines(name: string, report: Pick<Report, "message" | "hint">): string {
  const lines = [`${name}: error: ${printable(report.message)}\n`];
  if (report.hint !== undefined) lines.push(`${name}: hint: ${printable(report.hint)}\n`);
  return lines.join("");
}

/** The stack and the causes of a bug, for the person in front of a local program; one printable line each. */
export function traceLines(name: string, thrown: unknown): string {
  const lines: string[] = [];
  for (let error: unknown = thrown; error !== undefined && lines.length < 60; ) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    lines.push(...text.split("\n"));
    error = error instanceof Error ? error.cause : undefined;
  }
  return lines.map((line) => `${name}: trace: ${printable(line.trim())}\n`).join("");
}
