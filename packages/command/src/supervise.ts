import { writeSync } from "node:fs";
import { Exit } from "@signstar/primitives/failure";
import type { Io } from "./io.ts";
import { ProcessIo } from "./io.ts";

interface Program {
  body(io: Io): Promise<Exit>;
  /** How a failure ends the process and what standard error says about it. */
  describe(thrown: unknown): Promise<{ readonly exit: Exit; readonly lines: string }>;
  /** Told when all went well and the payload has left. */
  done?(exit: Exit): Promise<void>;
}

/**
 * Runs a program's body as this process: payload only after success, one exit code, nothing uncaught. The process then
 * ends by itself; only after an uncaught exception, when nothing can be relied on, it is ended.
 */
export async function supervise(name: string, program: Program): Promise<void> {
  const io = new ProcessIo(name);
  let finished = false;
  let failing: Promise<void> | undefined;
  // Stands if the event loop runs dry before the body has an answer.
  process.exitCode = Exit.software;
  process.on("exit", () => {
    if (!finished) writeSync(2, `${name}: error: internal error (ended without an answer)\n`);
  });

  const report = async (thrown: unknown): Promise<void> => {
    io.discard();
    const { exit, lines } = await program.describe(thrown);
    io.error(lines);
    finished = true;
    process.exitCode = exit;
  };
  // What goes wrong first is what went wrong; nothing that happens beside it is told or sent any more.
  const fail = (thrown: unknown): Promise<void> => {
    failing ??= report(thrown);
    return failing;
  };
  process.on("uncaughtException", (thrown) => {
    void fail(thrown).finally(() => process.exit());
  });

  try {
    const exit = await program.body(io);
    await failing;
    await io.settle();
    await program.done?.(exit);
    finished = true;
    process.exitCode = exit;
  } catch (thrown) {
    await fail(thrown);
  }
  io.release();
}
