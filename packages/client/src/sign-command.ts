import type { Command } from "@signstar/command/spec";
import { connectionOptions, timeoutOption } from "./options.ts";

export const signCommand: Command = {
  name: "sign",
  summary: "get signatures from a server and write them beside the files",
  description: [
    "Hashes each FILE, asks the server for a signature over SSH and writes FILE.sig, after it has checked that the",
    "signature is for this very file. FILE - is standard input, its signature goes to standard output. Several files",
    "share one connection, where the server can do that. The system's ssh is used if there is one, with its",
    "configuration, keys and questions.",
    "",
    "One bad file does not stop the others. The exit code is that of the failure; of several, 76 if any answer was not",
    "to be believed, else the first one's. Exit codes 64 to 78 of the server's program are passed on. A run that was",
    "interrupted goes on with --skip-existing.",
  ].join("\n"),
  options: [
    ...connectionOptions,
    { name: "certificate", value: "FILE", description: "OpenPGP certificate that every signature must verify with" },
    { name: "armor", description: "write ASCII armor, to FILE.asc" },
    { name: "output", value: "FILE", description: "where the one signature goes; - is standard output" },
    { name: "output-dir", value: "DIR", description: "directory for the signatures" },
    { name: "force", description: "overwrite signatures that exist" },
    { name: "skip-existing", description: "check signatures that exist, and leave their files out" },
    timeoutOption,
  ],
  arguments: [
    { name: "[USER@]HOST", description: "the signing server" },
    { name: "FILE", description: "what to sign", variadic: true },
  ],
  examples: [
    {
      command: "signstar-request-signature sign build@signer.example linux.tar.zst",
      description: "writes linux.tar.zst.sig",
    },
    {
      command: "signstar-request-signature sign --armor --certificate release.asc signer *.iso",
      description: "writes and verifies *.iso.asc",
    },
  ],
  async run(invocation) {
    const { sign } = await import("./sign.ts");
    await sign(invocation);
  },
};
