import type { Command, Invocation } from "@signstar/command/spec";
import type { Exit } from "@signstar/primitives/failure";
import { foundJson, signatureLine } from "./present.ts";
import { filterOf, survey, surveyOptions } from "./survey.ts";

export const files = {
  name: "FILE",
  description:
    "lines of 'journalctl -o json --all' or of a log host; - is standard input; none: this machine's journal",
  optional: true,
  variadic: true,
} as const;

export const list: Command = {
  name: "list",
  summary: "list every signature, one per line",
  description: `Each line tells when, the outcome (signed, failed, unfinished), key, Unix user, the client's SSH
key and address, size and SHA-512 of the file, certificate, device, who vouches for the entry, and
what the client said the file was called. An unfinished one has no verdict: nothing was handed out.
One without its intent is listed whatever --user and --client-key say.`,
  options: surveyOptions,
  arguments: [files],
  run,
};

async function run(invocation: Invocation): Promise<Exit> {
  const { options, io } = invocation;
  const json = options.flag("json");
  return survey(invocation, filterOf(options), async (found) => {
    if (json) await io.stream(foundJson(found));
    else if (found.kind === "signature") await io.stream(signatureLine(found));
  });
}
