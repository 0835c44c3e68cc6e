/** What each bundle contains: the rooms and packages that its job needs, within its byte budget, and nothing else. */
import { beforeAll, describe, expect, test } from "vitest";
import { type Bundle, bundle } from "../scripts/bundle.ts";
import { executables } from "../scripts/executables.ts";

interface Allowed {
  /** Rooms of ours and packages of others. */
  readonly contents: readonly string[];
  readonly kibibytes: number;
}

const allowed: Readonly<Record<string, Allowed>> = {};

/** `packages/config/src/parse.ts` is `config`; `node_modules/.pnpm/…/node_modules/smol-toml/…` is `smol-toml`. */
function ownerOf(input: string): string {
  const inner = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
  return inner ?? /^packages\/([^/]+)\//.exec(input)?.[1] ?? input;
}

describe.each(executables.map((executable) => [executable.name, executable] as const))("%s", (name, executable) => {
  let made: Bundle;
  beforeAll(async () => {
    made = await bundle(executable);
  });

  test("contains what is allowed and no more", () => {
    const owners = new Set(Object.keys(made.metafile.inputs).map(ownerOf));
    owners.delete(`bin/${name}.ts`);
    expect([...owners].sort()).toEqual([...(allowed[name]?.contents ?? [])].sort());
  });

  test("keeps to its budget", () => {
    expect(made.code.length / 1024).toBeLessThan(allowed[name]?.kibibytes ?? 0);
  });

  test("is readable and starts with the check of the Node version", () => {
    expect(made.code).toMatch(/^#!\/usr\/bin\/node\n/);
    expect(made.code.indexOf("process.versions.node")).toBeLessThan(made.code.indexOf("require("));
    const longest = Math.max(...made.code.split("\n").map((line) => line.length));
    expect(longest).toBeLessThan(10_000);
  });

  if (executable.runner === "forced") {
    test("loads none of what a request must not pay for", () => {
      const owners = new Set(Object.keys(made.metafile.inputs).map(ownerOf));
      for (const heavy of ["openpgp-js", "undici", "pino", "commander", "ssh2", "valibot", "soft-nethsm"]) {
        expect(owners).not.toContain(heavy);
      }
    });
  }
});
