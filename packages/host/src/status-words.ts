/** How things stand with the administrators' secret, for its holders. */
import { printable } from "@signstar/command/printable";
import { fromUtf8 } from "@signstar/primitives/bytes";
import type { CeremonyState, KnownSet, LastOutcome, PendingSet, ShareSet } from "./ceremony-state.ts";
import { HostError } from "./errors.ts";
import { readSafeFile } from "./safe-file.ts";
import { countOf, type WaitingShare } from "./waiting-shares.ts";

/** `plan` is shown as it is, but for what would move a terminal's cursor. */
export function statusWords(
  { pending, sets, last }: CeremonyState,
  waiting: readonly WaitingShare[],
  plan: string | undefined,
): string {
  const lines = [
    ...(sets.length === 0 ? ["no set of shares is known here yet"] : sets.map(knownSet)),
    ...(pending === undefined ? unfinished(sets) : pendingSet(pending)),
    ...handedIn(waiting),
    ...(last === undefined ? [] : [outcome(last)]),
    ...(plan === undefined ? [] : ["plan:", ...plan.replace(/\n$/, "").split("\n")]),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** What the last `plan` has found, in the file at `path`; undefined if there is none. Throws HostError. */
export function readPlan(path: string, owners: readonly number[]): string | undefined {
  try {
    return fromUtf8(readSafeFile(path, { maxBytes: 1024 * 1024, owners, mode: "readable" }));
  } catch (thrown) {
    if (thrown instanceof HostError && thrown.code === "file-missing") return undefined;
    throw thrown;
  }
}

const standingWords = {
  confirmed: "every holder has a share, but not every device answers to it yet: keep it and the one before",
  "in-force": "in force",
  void: "void, its shares may be destroyed",
} as const;

function named({ set, iteration, threshold, numberOfShares }: ShareSet): string {
  return `set ${set} (iteration ${iteration}, ${threshold} of ${numberOfShares} shares)`;
}

function knownSet(set: KnownSet): string {
  return `${named(set)}: ${standingWords[set.standing]}`;
}

/** The secret is not in memory any more, so that holders have to finish what was begun. */
function unfinished(sets: readonly KnownSet[]): string[] {
  const live = sets.filter(({ standing }) => standing !== "void");
  const both = live.map(({ set, threshold }) => `${threshold} of set ${set}`).join(" and ");
  return live.length < 2 ? [] : [`a change of the secret is not finished: apply needs shares of both sets, ${both}`];
}

function pendingSet(pending: PendingSet): string[] {
  const holders = pending.holders.map(
    ({ user, fingerprint, confirmed }) => `  ${user} ${fingerprint}: ${confirmed ? "confirmed" : "not confirmed yet"}`,
  );
  return [`${named(pending)}: waits for its holders until ${pending.deadline.toISOString()}`, ...holders];
}

/** By set and intent, in the order of their first share. */
function handedIn(waiting: readonly WaitingShare[]): string[] {
  if (waiting.length === 0) return ["handed in: nothing"];
  const groups = new Map(waiting.map((each) => [`${each.set} ${each.intent}`, each]));
  return [...groups.values()].map(
    ({ set, intent, threshold }) =>
      `handed in: ${countOf(waiting, set, intent)} of ${threshold} of set ${set} for ${intent}`,
  );
}

function outcome({ at, intent, outcome: word, message }: LastOutcome): string {
  return `last: ${intent} at ${at.toISOString()}: ${word}${message === "" ? "" : `: ${message}`}`;
}
