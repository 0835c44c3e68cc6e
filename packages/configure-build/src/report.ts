/** A plan as a person reads it: `+` made, `~` changed, `-` removed, the lines of files below them. */
import { printable } from "@signstar/command/printable";
import type { Action } from "./plan.ts";

export function describeAction(action: Action): string {
  switch (action.kind) {
    case "add-user":
      return `+ user ${action.user.name} (uid ${action.uid})\n`;
    case "change-user":
      return `~ user ${action.user.name}: ${action.what.join(", ")}\n`;
    case "remove-user":
      return `- user ${action.name}\n`;
    case "remove-file":
      return `- file ${action.path}\n`;
    case "write-file": {
      const { file, before } = action;
      if (before === undefined) return `+ file ${file.path}\n`;
      if (before.content === file.content) return `~ file ${file.path}: mode or owner\n`;
      return `~ file ${file.path}\n${lineChanges(before.content ?? "", file.content)}`;
    }
  }
}

/** Lines that only one of the texts has. Our files are short, and none repeats a line. */
function lineChanges(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const gone = old.filter((line) => !now.includes(line)).map((line) => `    - ${printable(line)}\n`);
  const come = now.filter((line) => !old.includes(line)).map((line) => `    + ${printable(line)}\n`);
  return [...gone, ...come].join("") || "    the same lines in another order\n";
}
