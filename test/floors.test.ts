/** The house: a room imports only rooms on lower floors, declares what it uses, and touches only what its job needs. */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository } from "../scripts/bundle.ts";

interface Room {
  readonly floor: number;
  /** The built-in modules that reach outside the process, each with the files that may import it. */
  readonly outside?: Readonly<Record<string, readonly string[]>>;
}

const house: Readonly<Record<string, Room>> = {
  primitives: { floor: 0 },
  "hash-state": { floor: 1, outside: { "node:fs": ["hash-file"] } },
  openpgp: { floor: 1 },
  nethsm: {
    floor: 1,
    outside: {
      "node:tls": ["dialing", "connections", "wire", "shown-pin"],
      // In `checks` isIP alone.
      "node:net": ["dialing", "checks"],
    },
  },
  "nethsm-backup": { floor: 1 },
  "secret-sharing": { floor: 1 },
  command: { floor: 1, outside: { "node:fs": ["supervise"] } },
  "signing-request": { floor: 2 },
  signing: { floor: 2 },
  config: { floor: 2, outside: { "node:fs": ["text-file"] } },
  host: {
    floor: 2,
    outside: {
      "node:fs": ["atomic-file", "caller", "journal-summary", "living", "random-uuid", "safe-file", "staging", "turn"],
      "node:net": ["journal", "varlink"],
      "node:child_process": ["run-program"],
    },
  },
  "nethsm-settings": {
    floor: 2,
    outside: { "node:fs": ["load", "write-file"], "node:fs/promises": ["load", "write-file"], "node:os": ["load"] },
  },
  "soft-nethsm": {
    floor: 2,
    outside: {
      "node:http": ["http", "preconditions", "server"],
      "node:https": ["server"],
      "node:net": ["server", "ip", "file-storage"],
      "node:fs/promises": ["serve", "file-storage"],
      // To try a key and certificate before they are kept; it opens no connection.
      "node:tls": ["tls-files"],
      // Long RSA operations off the event loop, as many at a time as there are processors.
      "node:os": ["crypto/rsa"],
      "node:worker_threads": ["crypto/rsa"],
    },
  },
  client: {
    floor: 3,
    outside: {
      "node:fs": [
        ...[
          "existing",
          "login-keys",
          "new-file",
          "output",
          "server-key",
          "share-file",
          "sign",
          "source-file",
          "system-ssh",
        ],
        "writer",
      ],
      "node:os": ["connect", "send"],
      "node:child_process": ["control-master", "system-ssh"],
    },
  },
  appliance: { floor: 3, outside: { "node:v8": ["tidy-memory"], "node:vm": ["tidy-memory"] } },
  configure: {
    floor: 3,
    outside: {
      "node:fs": ["ceremony/share-files", "exclusive", "kept-backups", "place", "state-files"],
      "node:child_process": ["exclusive"],
    },
  },
  audit: { floor: 3, outside: { "node:fs": ["metrics", "source", "trust"], "node:child_process": ["journalctl"] } },
  "configure-build": { floor: 3, outside: { "node:fs": ["configure-build", "sshd-version", "target"] } },
  "nethsm-cli": {
    floor: 3,
    outside: { "node:fs": ["inputs"], "node:fs/promises": ["inputs"], "node:tty": ["prompt"] },
  },
};

/** Built-in modules that only compute, or only arrange what others read and write. */
const pure = ["buffer", "crypto", "events", "path", "stream", "timers/promises", "util"].map((name) => `node:${name}`);

const rooms = readdirSync(join(repository, "packages"));

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
}

function manifestOf(room: string): Manifest {
  return JSON.parse(readFileSync(join(repository, "packages", room, "package.json"), "utf8")) as Manifest;
}

/** Every module that a source file of the room imports, statically or not, types included. */
function importsOf(room: string, { tests }: { tests: boolean }): { file: string; module: string }[] {
  const directory = join(repository, "packages", room, "src");
  return globSync("**/*.ts", { cwd: directory })
    .filter((file) => /\.test(?:-helper)?\.ts$|(?:^|\/)testing(?:\/|\.ts$)/.test(file) === tests)
    .flatMap((file) => {
      const text = readFileSync(join(directory, file), "utf8");
      const found = text.matchAll(/(?:^(?:import|export)\b[^;]*?from |\bimport\(|^import )"([^"]+)"/gms);
      return [...found].map(([, module = ""]) => ({ file: file.replace(/\.ts$/, ""), module }));
    });
}

function packageOf(module: string): string {
  return module
    .split("/")
    .slice(0, module.startsWith("@") ? 2 : 1)
    .join("/");
}

test("every room stands in the table, and nothing else does", () => {
  expect(Object.keys(house).sort()).toEqual(rooms.sort());
});

describe.each(rooms)("%s", (room) => {
  const { floor, outside = {} } = house[room] ?? { floor: -1 };
  const manifest = manifestOf(room);

  test("imports only from lower floors", () => {
    const neighbours = Object.keys(manifest.dependencies ?? {}).flatMap((name) => {
      const other = /^@signstar\/(.+)$/.exec(name)?.[1];
      return other === undefined || (house[other]?.floor ?? 99) < floor ? [] : [other];
    });
    expect(neighbours).toEqual([]);
  });

  test("declares exactly the packages that it imports", () => {
    const used = importsOf(room, { tests: false })
      .map(({ module }) => module)
      .filter((module) => !module.startsWith(".") && !module.startsWith("node:"));
    expect([...new Set(used.map(packageOf))].sort()).toEqual(
      Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).sort(),
    );
  });

  test("names each submodule that it shows, and each exists", () => {
    for (const [name, target] of Object.entries(manifest.exports ?? {})) {
      expect(name).not.toContain("*");
      expect(existsSync(join(repository, "packages", room, target)), `${room} ${name}`).toBe(true);
    }
  });

  test("touches only what its job needs", () => {
    const strays = importsOf(room, { tests: false })
      .filter(({ module }) => module.startsWith("node:") && !pure.includes(module))
      .filter(({ file, module }) => !outside[module]?.includes(file))
      .map(({ file, module }) => `${file}: ${module}`);
    expect(strays).toEqual([]);
  });

  test("has a README of at most a page", () => {
    const lines = readFileSync(join(repository, "packages", room, "README.md"), "utf8").split("\n").length;
    expect(lines).toBeLessThan(80);
  });
});

test("the documented table is this one", () => {
  const text = readFileSync(join(repository, "docs", "architecture.md"), "utf8");
  const documented = [...text.matchAll(/^\| (\d) \| `([a-z-]+)` \|/gm)].map(([, floor, room]) => [room, Number(floor)]);
  expect(new Map(documented as [string, number][])).toEqual(
    new Map(Object.entries(house).map(([room, { floor }]) => [room, floor])),
  );
});

test("only the room `command` decides how the process ends", () => {
  const offenders = rooms
    .filter((room) => room !== "command")
    .flatMap((room) => globSync(`packages/${room}/src/**/*.ts`, { cwd: repository }))
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
    .filter((file) => /process\.(?:exit\b|exitCode|stdout|stdin)/.test(readFileSync(join(repository, file), "utf8")));
  expect(offenders).toEqual([]);
});

test("no file of the repository names a package registry's address", () => {
  const lock = readFileSync(join(repository, "pnpm-lock.yaml"), "utf8");
  expect(lock).not.toMatch(/https?:\/\/|tarball:/);
});
