import { usageError } from "@signstar/command/errors";
import type { Command, Invocation } from "@signstar/command/spec";
import { Exit } from "@signstar/primitives/failure";
import { files } from "./list.ts";
import { revokedJson, timeIfAny } from "./present.ts";
import type { Signature } from "./sessions.ts";
import { filterOf, survey, surveyOptions } from "./survey.ts";

export const revocations: Command = {
  name: "revocations",
  summary: "list the digests of what a client has had signed, to be published",
  description: `One SHA-512 per line, each once, in the order of the signatures. Unfinished ones are in it: it is
a list of what not to trust. With --json one document, which says whether the journal is complete.`,
  options: surveyOptions,
  arguments: [files],
  run,
};

async function run(invocation: Invocation): Promise<Exit> {
  const { options, io } = invocation;
  const filter = filterOf(options);
  const { clientKey, user, key } = filter;
  if ([clientKey, user, key].every((each) => each === undefined)) {
    throw usageError("it is not said whose signatures", "name --client-key, --user or --key");
  }
  const revoked = new Map<string, Signature>();
  const answer = await survey(invocation, filter, async (found) => {
    if (found.kind === "gap" || found.outcome === "failed") return;
    const before = revoked.get(found.digest);
    if (before === undefined || before.outcome === "unfinished") revoked.set(found.digest, found);
  });
  if (!options.flag("json")) {
    for (const digest of revoked.keys()) io.write(`${digest}\n`);
    return answer;
  }
  const document = {
    version: 1,
    client_key: clientKey,
    key,
    since: timeIfAny(filter.since),
    until: timeIfAny(filter.until),
    complete: answer === Exit.ok,
    signatures: [...revoked.values()].map(revokedJson),
  };
  io.write(`${JSON.stringify(document, undefined, 2)}\n`);
  return answer;
}
