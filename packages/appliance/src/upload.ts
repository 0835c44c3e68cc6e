import type { ForcedCommand } from "@signstar/command/run-forced";
import type { Config } from "@signstar/config/model";
import { Priority } from "@signstar/host/journal";
import type { Paths } from "@signstar/host/paths";
import { usualPace } from "./arriving.ts";
import { mappingOf } from "./role.ts";
import { Session, serverOptions } from "./session.ts";
import { stage } from "./staging.ts";

/** What is particular to the upload of one kind of file. */
export interface Upload<T extends Readonly<Record<string, string | number>>> {
  readonly name: string;
  readonly kind: "backup-upload" | "update-upload";
  /** As entries and receipts call it. */
  readonly what: "backup" | "update";
  readonly suffix: string;
  directory(paths: Paths): string;
  limit(config: Config): number;
  /** Reads the whole file. What it finds goes into receipt and journal; a Failure refuses the file. */
  check(pieces: AsyncIterable<Uint8Array>): Promise<T>;
}

/** A program that takes one file from standard input and answers with a receipt, one line of JSON. */
export function uploadProgram<T extends Readonly<Record<string, string | number>>>(upload: Upload<T>): ForcedCommand {
  const { name, kind, what, suffix } = upload;
  return {
    name,
    summary: `take a NetHSM ${what} file into staging`,
    description:
      `Run by sshd's ForceCommand; the client sends the file and no command. The answer is one line of JSON with the\n` +
      "SHA-256 of the file, by which share holders name it. A file that nobody names is never used.",
    options: serverOptions,
    accepts: [[]],
    begin(options) {
      const session = new Session(name, options);
      return {
        ended: (ending) => session.ended(ending),
        async run({ io }) {
          const { caller, config } = await session.open();
          const { systemUser } = mappingOf(config, caller, [kind]);
          let receipt = "";
          const removed = await stage(io.stdin, {
            ...usualPace,
            directory: `${upload.directory(session.paths)}/${systemUser}`,
            suffix,
            maxBytes: upload.limit(config),
            check: (pieces) => upload.check(pieces),
            async accepted({ sha256, bytes }, found) {
              receipt = JSON.stringify({ staged: what, sha256, bytes, ...found });
              await session.entry({ event: "staged", what, sha256, bytes, ...found }, Priority.notice);
            },
          });
          for (const file of removed) await session.entry({ event: "unstaged", what, file });
          io.write(`${receipt}\n`);
        },
      };
    },
  };
}
