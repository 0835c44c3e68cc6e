import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "./errors.ts";
import { isOfLiving, marker } from "./living.ts";
import { requireOwnDirectory, writeFailed } from "./staging.ts";

const suffix = ".turn";

/**
 * Waits until no other process that keeps to this has its turn in a directory of the caller's, and takes it until it is
 * disposed of. The turn of a process that was killed is over. Throws HostError: staging-unusable, no-room,
 * write-failed, too-many-uploads.
 */
export async function takeTurn(directory: string, patienceMs: number): Promise<Disposable> {
  requireOwnDirectory(directory);
  const until = performance.now() + patienceMs;
  for (;;) {
    const turn = tryTurn(directory);
    if (turn !== undefined) return turn;
    if (performance.now() > until) throw new HostError("too-many-uploads", `another one has its turn in ${directory}`);
    // Two that came at the same moment have both stepped back.
    await sleep(5 + Math.random() * 40);
  }
}

/** Shown first, looked around afterwards: of two, never both find nobody. */
function tryTurn(directory: string): Disposable | undefined {
  const own = `.${marker()}${suffix}`;
  const end = () => rmSync(`${directory}/${own}`, { force: true });
  try {
    writeFileSync(`${directory}/${own}`, "", { flag: "wx", mode: 0o600 });
    for (const name of readdirSync(directory).filter((each) => each.endsWith(suffix) && each !== own)) {
      if (isOfLiving(name.slice(1, -suffix.length))) {
        end();
        return undefined;
      }
      rmSync(`${directory}/${name}`, { force: true });
    }
  } catch (cause) {
    end();
    throw writeFailed(directory, cause);
  }
  return { [Symbol.dispose]: end };
}
