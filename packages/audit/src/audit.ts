import type { Command } from "@signstar/command/spec";
import { list } from "./list.ts";
import { metrics } from "./metrics.ts";
import { revocations } from "./revocations.ts";

/** `signstar-audit`: what the journal tells of signatures. */
export const audit: Command = {
  name: "signstar-audit",
  summary: "look through the journal of a signing appliance",
  description: `Runs on the appliance, as root or in the group systemd-journal, and on log hosts. Intents and
verdicts are put together by session and request; a number that a session lacks is a missing entry.

The kernel vouches for an entry if journald says that the Unix user has written it whom it names, in
the session's one connection to the journal. What somebody else has written is left out and counted.
Of a line that comes without journald's fields, as from a log host, nobody can tell.

Exit codes: 0 done, 1 entries are missing, 64 usage, 66 or 74 input, 69 no journalctl, 77 not allowed,
78 uids.toml.`,
  options: [
    { name: "journal", value: "DIR", description: "a copy of /var/log/journal, instead of this machine's" },
    { name: "uids", value: "FILE", description: "the appliance's uids.toml, where its journal is read elsewhere" },
    { name: "root", value: "DIR", description: "in front of the paths of passwd and uids.toml", default: "/" },
  ],
  commands: [list, revocations, metrics],
  examples: [
    {
      command: "signstar-audit list --since '2026-11-20 08:00' --client-key SHA256:…",
      description: "what a client key has had signed since it may have been lost",
    },
    {
      command: "signstar-audit revocations --json --client-key SHA256:… >revoked.json",
      description: "the same for publishing",
    },
    {
      command: "journalctl -o json --all | ssh log.example signstar-audit list --uids uids.toml -",
      description: "read elsewhere",
    },
  ],
};
