/** The executable signstar-share. */
import type { Argument, Command } from "@signstar/command/spec";
import { fileIntents, plainIntents } from "@signstar/secret-sharing/intent";
import { connectionOptions, timeoutOption } from "./options.ts";

const host: Argument = { name: "[USER@]HOST", description: "the appliance, and the account for shares on it" };
const file: Argument = { name: "FILE", description: "where the share is kept" };

const fetchCommand: Command = {
  name: "fetch",
  summary: "fetch a share, store it and confirm that it is stored",
  description: [
    "Writes the share that was made for your SSH key to FILE, with mode 0600, and tells the appliance",
    "when it is safely on disk. A share that is in FILE already is kept as FILE.old: it may still be",
    "needed. After a lost connection, run the same command again: nothing is lost, and a share that has",
    "been fetched is only confirmed.",
  ].join("\n"),
  options: [...connectionOptions, timeoutOption],
  arguments: [host, file],
  examples: [
    { command: "signstar-share fetch share-down@signer.example ~/signer.share", description: "when asked to" },
  ],
  async run(invocation) {
    const { fetchShare } = await import("./share-fetch.ts");
    await fetchShare(invocation);
  },
};

const sendCommand: Command = {
  name: "send",
  summary: "hand in a share together with what its holder agrees to",
  description: [
    "Checks the share in FILE, sends it with the intent, and shows the receipt. Something is done only",
    "when enough holders of one set have named the same, the SHA-256 of a staged file included.",
  ].join("\n"),
  options: [...connectionOptions, timeoutOption],
  arguments: [
    host,
    file,
    {
      name: "INTENT",
      description: "what you agree to; behind restore and update stands the SHA-256 of the staged file",
      optional: true,
      variadic: true,
      choices: [...plainIntents, ...fileIntents],
      default: "apply",
    },
  ],
  examples: [
    { command: "signstar-share send share-up@signer.example ~/signer.share", description: "applies the configuration" },
    {
      command: "signstar-share send share-up@signer.example ~/signer.share update 9f86d081…",
      description: "installs the update that was staged with this SHA-256",
    },
  ],
  async run(invocation) {
    const { sendShare } = await import("./share-send.ts");
    await sendShare(invocation);
  },
};

const showCommand: Command = {
  name: "show",
  summary: "print everything in a share but the share itself",
  arguments: [file],
  async run(invocation) {
    const { showShare } = await import("./share-show.ts");
    showShare(invocation);
  },
};

export const share: Command = {
  name: "signstar-share",
  summary: "fetch, keep and hand in a share of an appliance's administrators' secret",
  description: "How things stand on the appliance: ssh [USER@]HOST status, with the account that takes shares.",
  commands: [fetchCommand, sendCommand, showCommand],
};
