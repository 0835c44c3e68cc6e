/** The executable signstar-request-signature. */
import type { Command, Invocation } from "@signstar/command/spec";
import { hashShown } from "./hash-shown.ts";
import { fileArgument, fileOf, stateLayout, stateLayoutOption } from "./options.ts";
import { requestFor } from "./prepare.ts";
import { sendCommand } from "./send-command.ts";
import { signCommand } from "./sign-command.ts";

const prepareCommand: Command = {
  name: "prepare",
  summary: "print the signing request for a file",
  description:
    "Hashes FILE and prints the request as compact JSON, for a server's standard input. The file stays here.",
  arguments: [fileArgument],
  examples: [
    {
      command: "signstar-request-signature prepare linux.tar.zst | ssh build@signer.example",
      description: "prints the response",
    },
  ],
  run: prepare,
};

export const requestSignature: Command = {
  name: "signstar-request-signature",
  summary: "request signatures for files from a signing server",
  description: "Without a command, FILE is hashed and its signing request printed, as prepare does.",
  options: [stateLayoutOption],
  arguments: [fileArgument],
  commands: [signCommand, prepareCommand, sendCommand],
  run: prepare,
};

async function prepare({ options, args, io }: Invocation): Promise<void> {
  const file = fileOf(args);
  const hashed = await hashShown(file, io);
  io.write(requestFor(hashed, file, stateLayout(options)));
}
