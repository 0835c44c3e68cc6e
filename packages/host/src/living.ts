import { readFileSync } from "node:fs";

/** Names this run among all of this boot: process id and when it began, and something random beside. */
export function marker(): string {
  return `${process.pid}-${startOf(process.pid) ?? 0}-${globalThis.crypto.randomUUID().slice(0, 8)}`;
}

/** Whether the run that made this marker goes on. What is no marker is nobody's. */
export function isOfLiving(text: string): boolean {
  const [, pid, start] = /^(\d{1,10})-(\d{1,20})-[0-9a-f]{8}$/.exec(text) ?? [];
  return pid !== undefined && startOf(Number(pid)) === start;
}

/** proc_pid_stat(5), field 22: clock ticks since boot. Undefined if there is no such process. */
function startOf(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The second field is a name in parentheses that may contain anything.
  return text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .at(19);
}
