/** What `list` and `revocations` share: which entries they read, which signatures are meant, what is worth a word. */

import { usageError } from "@signstar/command/errors";
import type { Io } from "@signstar/command/io";
import type { Invocation, Option, Options } from "@signstar/command/spec";
import { Exit } from "@signstar/primitives/failure";
import { journalLines } from "./journalctl.ts";
import { readLine } from "./line.ts";
import { type Found, type Gap, Sessions, type Signature } from "./sessions.ts";
import { fileLines } from "./source.ts";
import { parseTime } from "./times.ts";
import { loadNames, proofOf } from "./trust.ts";

export const surveyOptions: readonly Option[] = [
  { name: "since", value: "TIME", description: "what was asked for at this time or later" },
  { name: "until", value: "TIME", description: "what was asked for before this time" },
  { name: "client-key", value: "SHA256:…", description: "by the SSH key of this fingerprint, see ssh-keygen -l" },
  { name: "user", value: "NAME", description: "by this Unix user of the appliance" },
  { name: "key", value: "[NS~]KEY", description: "with this key of the HSM" },
  { name: "json", description: "write for machines" },
];

export interface Filter {
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly clientKey: string | undefined;
  readonly user: string | undefined;
  readonly key: string | undefined;
}

/** Throws AuditError (bad-time) and CommandError (usage). */
export function filterOf(options: Options): Filter {
  const time = (name: string) => {
    const text = options.text(name);
    return text === undefined ? undefined : parseTime(text);
  };
  const clientKey = options.text("client-key");
  if (clientKey !== undefined && !/^SHA256:[A-Za-z0-9+/]{43}$/.test(clientKey)) {
    throw usageError("--client-key is no fingerprint", "take what 'ssh-keygen -lf client.pub' prints: SHA256:…");
  }
  return {
    since: time("since"),
    until: time("until"),
    clientKey,
    user: options.text("user"),
    key: options.text("key"),
  };
}

/** What cannot be excluded is shown: an attacker who removes an entry must not hide a signature. */
function isMeant(signature: Signature, { since, until, clientKey, user, key }: Filter): boolean {
  const { at, whole } = signature;
  const byWhom = (wanted: string | undefined, found: string | undefined) =>
    wanted === undefined || wanted === found || (found === undefined && !whole);
  if (at !== undefined && ((since !== undefined && at < since) || (until !== undefined && at >= until))) return false;
  return (
    byWhom(clientKey, signature.clientKey) && byWhom(user, signature.user) && (key ?? signature.key) === signature.key
  );
}

/** Verdicts before the beginning are read for the sake of sessions, those behind the end for that of intents. */
const marginMs = 3_600_000;

/**
 * Reads everything, tells `found` of the signatures that are meant and of all gaps, and standard error of what else
 * matters. The answer is `no` if entries are missing. Throws AuditError, ConfigError, CommandError.
 */
export async function survey(
  { options, args, io }: Invocation,
  filter: Filter,
  found: (each: Found) => Promise<void>,
): Promise<Exit> {
  const directory = options.text("journal");
  if (directory !== undefined && args.length > 0) throw usageError("--journal and files exclude each other");
  const names = await loadNames(options.text("root") ?? "/", options.text("uids"));
  const fromJournal = args.length === 0;
  const readFrom = fromJournal && filter.since !== undefined ? filter.since - marginMs : undefined;
  const until = filter.until === undefined ? undefined : filter.until + marginMs;
  const lines = fromJournal ? journalLines({ since: readFrom, until, directory }) : fileLines(args, () => io.stdin);
  const sessions = new Sessions({ readFrom });
  const gaps: Gap[] = [];
  let malformed = 0;
  const tell = async (all: readonly Found[]) => {
    for (const each of all) {
      if (each.kind === "gap") gaps.push(each);
      if (each.kind === "gap" || isMeant(each, filter)) await found(each);
    }
  };
  for await (const bytes of lines) {
    const line = readLine(bytes);
    if (line.kind === "malformed") malformed += 1;
    if (line.kind === "record") await tell(sessions.add(line.record, proofOf(line.record, names)));
  }
  await tell(sessions.finish());
  noteAll(io, sessions.counts, malformed, gaps);
  return gaps.length === 0 ? Exit.ok : Exit.no;
}

/** Of more gaps than these only the number is told. */
const maxGaps = 20;

function noteAll(io: Io, counts: Sessions["counts"], malformed: number, gaps: readonly Gap[]): void {
  for (const { session, user, at, from, to } of gaps.slice(0, maxGaps)) {
    const when = at === undefined ? "" : `, before ${new Date(at).toISOString()}`;
    io.note(`entries ${from} to ${to} of session ${session} (${user ?? "user not known"}${when}) are missing`);
  }
  const say = (what: string, count: number) => {
    if (count > 0) io.note(`${what}: ${count}`);
  };
  say("more gaps", gaps.length - Math.min(gaps.length, maxGaps));
  say("entries that somebody else has written under a name of ours, left out", counts.foreign);
  say("lines that look like entries and are none", malformed);
  say("entries that came again or out of order, left out", counts.repeated);
  say("entries that nothing but themselves vouches for (proof=none)", counts.unproven);
  say("sessions that had begun before what was read", counts.begunBefore);
  say("sessions without an end, which go on or were killed", counts.unended);
  if (counts.entries === 0) io.note("there are no entries; who may not read the journal sees none");
}
