/**
 * In the place of systemd, which cannot run in an overlay: watches what the generated path unit names, and runs the
 * service within what its unit leaves it. Nothing else starts signstar-configure.
 */
import { spawn } from "node:child_process";
import { appendFileSync, type FSWatcher, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { repository } from "../../scripts/bundle.ts";

const unit = "/usr/lib/systemd/system/signstar-configure";

/** One run of the service. */
export interface Run {
  /** `timer`: not an event, but time. */
  readonly cause: "path" | "timer";
  readonly status: number | null;
  readonly output: string;
}

export class PathUnit {
  readonly #log: string;
  #watchers: FSWatcher[] = [];
  #wanted: Run["cause"] | undefined;
  #working: Promise<void> | undefined;
  #runs: Run[] = [];

  /** `log` is a file for all that the service says. */
  constructor(log: string) {
    this.#log = log;
  }

  /** As after a boot, and after `systemctl daemon-reload`. */
  load(): void {
    this.close();
    const directories = readFileSync(`${unit}.path`, "utf8").matchAll(/^PathChanged=(.*)$/gm);
    this.#watchers = [...directories].map(([, directory = ""]) => watch(directory, () => this.trigger("path")));
  }

  /** What happens during a run starts one more; nothing runs twice at a time. */
  trigger(cause: Run["cause"]): void {
    this.#wanted ??= cause;
    this.#working ??= this.#work();
  }

  /** Waits until nothing runs and nothing has happened since. Returns the runs since the last time. */
  async settle(): Promise<readonly Run[]> {
    do {
      await this.#working;
      // What the kernel has to tell of directories is read within one turn of the event loop.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    } while (this.#working !== undefined);
    return this.#runs.splice(0);
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  async #work(): Promise<void> {
    while (this.#wanted !== undefined) {
      const cause = this.#wanted;
      this.#wanted = undefined;
      const { status, output } = await runService();
      appendFileSync(this.#log, output);
      this.#runs.push({ cause, status, output });
    }
    this.#working = undefined;
  }
}

async function runService(): Promise<Omit<Run, "cause">> {
  const child = spawn(join(repository, "scripts/stage/start-unit"), [`${unit}.service`, ""], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const output = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, output: output.join("") };
}
