/** The checks that are not tests of a behaviour: each is a program that must end with 0. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { repository } from "./bundle.ts";

const bin = (name: string) => join(repository, "node_modules", name);

interface Gate {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const gates: readonly Gate[] = [
  { name: "lint and format", command: [process.execPath, bin("@biomejs/biome/bin/biome"), "ci", "."] },
  { name: "types", command: [process.execPath, bin("typescript/bin/tsc"), "-p", "."] },
  { name: "licences", command: ["reuse", "lint", "--quiet"] },
];

/** Runs every gate, also after a failure. Returns the names of those that failed. */
export function runGates(skip: readonly string[] = []): { passed: string[]; failed: string[] } {
  const passed: string[] = [];
  const failed: string[] = [];
  for (const { name, command } of gates) {
    const [program, ...args] = command;
    if (skip.includes(program)) {
      console.error(`test: skipped: ${name}: ${program} is missing`);
      continue;
    }
    const { status, error } = spawnSync(program, args, { cwd: repository, stdio: ["ignore", 2, 2] });
    if (error) console.error(`test: ${name}: ${error.message}`);
    (status === 0 ? passed : failed).push(name);
    console.error(`test: ${name}: ${status === 0 ? "ok" : "FAILED"}`);
  }
  return { passed, failed };
}
