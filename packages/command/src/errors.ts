import { Exit, Failure } from "@signstar/primitives/failure";

export type CommandErrorCode =
  | "usage"
  | "forbidden-words"
  | "input-too-long"
  | "input-too-slow"
  | "input-unreadable"
  | "stopped"
  | "output-closed"
  | "output-failed";

const exits = {
  usage: Exit.usage,
  "forbidden-words": Exit.usage,
  "input-too-long": Exit.data,
  "input-too-slow": Exit.noInput,
  "input-unreadable": Exit.io,
  stopped: Exit.tempFail,
  "output-closed": Exit.io,
  "output-failed": Exit.io,
} as const satisfies Record<CommandErrorCode, Exit>;

/** What goes wrong between a program and its caller. All of it speaks of what the caller sent, so a client may see it. */
export class CommandError extends Failure<CommandErrorCode> {
  override readonly name = "CommandError";

  constructor(code: CommandErrorCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(code, exits[code], message, { ...options, clientSafe: true });
  }
}

/** For what a parser of options cannot know, such as two options that exclude each other (exit 64). */
export function usageError(message: string, hint?: string): CommandError {
  return new CommandError("usage", message, { hint });
}
