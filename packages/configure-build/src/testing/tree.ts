/** The tree of an image in a temporary directory, and this program run on it in this process. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import type { Io } from "@signstar/command/io";
import { runWith } from "@signstar/command/run";
import type { Exit } from "@signstar/primitives/failure";
import { configureBuild } from "../configure-build.ts";

export const exampleConfig = new URL("../../../../config.example.toml", import.meta.url);
export const isRoot = process.geteuid?.() === 0;

export class Tree implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "signstar-tree-"));

  constructor() {
    this.put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\n");
    this.put("etc/group", "root:x:0:\ndaemon:x:1:\nstaff:x:50:\n");
    this.put("etc/shadow", "root:*:1::::::\ndaemon:*:1::::::\n", 0o640);
    this.put("etc/gshadow", "root:*::\ndaemon:*::\nstaff:*::\n", 0o640);
    this.put("etc/subuid", "");
    this.put("etc/subgid", "");
  }

  put(path: string, content: string, mode = 0o644): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  /** Every file and directory with type, mode, owner and content, without what shadow keeps as backups. */
  state(): string {
    const script = `find . ! -name '*-' -printf '%y %m %u:%g %p\\n' | sort -k4; find . -type f ! -name '*-' | sort | xargs sha256sum`;
    return execFileSync("sh", ["-c", script], { cwd: this.root, encoding: "utf8" });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}

export interface Outcome {
  readonly exit: Exit;
  readonly output: string;
  readonly notes: readonly string[];
}

/** Throws what the program throws. */
export async function runProgram(...words: readonly string[]): Promise<Outcome> {
  let output = "";
  const notes: string[] = [];
  const unused = () => {
    throw new TypeError("not expected");
  };
  const io: Io = {
    readStdin: unused,
    stdin: Readable.from([]),
    write: (payload) => {
      output += String(payload);
    },
    stream: unused,
    note: (line) => {
      notes.push(line);
    },
    status: unused,
    stderrIsTerminal: false,
    stdoutIsTerminal: false,
  };
  const exit = await runWith(configureBuild, words, io);
  return { exit, output, notes };
}
