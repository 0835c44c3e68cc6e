/**
 * All records in one file of a data directory, rewritten as a whole: written to a dot file, fsynced, renamed over the
 * old one, directory fsynced. A crash at any point leaves the state before or after the commit. The directory is held
 * by a socket, so a second process is refused and a crash leaves no stale lock.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { createConnection, createServer, type Server } from "node:net";
import { join, relative } from "node:path";
import { concat, equal, fromUtf8, toUtf8, u16be, u32be } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { SoftNethsmError } from "./errors.ts";
import { applied, type Changes, type Records, type Storage } from "./storage.ts";

const magic = toUtf8("soft-nethsm store 1\n");
const digestLength = 32;

/** magic ∥ entries ∥ SHA-256 of both; an entry is u16 path length, path, u32 value length, value (big endian). */
export function encodeRecords(records: Records): Uint8Array {
  const entries = [...records].flatMap(([path, value]) => {
    const name = toUtf8(path);
    return [u16be(name.length), name, u32be(value.length), value];
  });
  const content = concat(magic, ...entries);
  return concat(content, createHash("sha256").update(content).digest());
}

/** The inverse of `encodeRecords`; throws SoftNethsmError `data-dir-corrupt`. */
export function decodeRecords(file: Uint8Array): Map<string, Uint8Array> {
  const content = file.subarray(0, Math.max(0, file.length - digestLength));
  const digest = createHash("sha256").update(content).digest();
  if (!equal(digest, file.subarray(content.length)) || !equal(magic, content.subarray(0, magic.length))) {
    throw new SoftNethsmError("data-dir-corrupt", "the store is damaged: its checksum does not match", {
      hint: "put the data directory back from a copy, or start with an empty one and restore a backup",
    });
  }
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const records = new Map<string, Uint8Array>();
  for (let at = magic.length; at < content.length; ) {
    const path = content.subarray(at + 2, at + 2 + view.getUint16(at));
    at += 2 + path.length;
    const value = content.slice(at + 4, at + 4 + view.getUint32(at));
    at += 4 + value.length;
    records.set(fromUtf8(path), value);
  }
  return records;
}

export class FileStorage implements Storage {
  readonly #directory: string;
  readonly #lock: Server;
  #records: Records;

  private constructor(directory: string, lock: Server, records: Records) {
    this.#directory = directory;
    this.#lock = lock;
    this.#records = records;
  }

  /** Makes the directory (0700) if it is missing. Throws SoftNethsmError. */
  static async open(directory: string): Promise<FileStorage> {
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new SoftNethsmError("data-dir-unreadable", `cannot make ${directory}: ${messageOf(cause)}`, { cause });
    });
    const lock = await lockDirectory(directory);
    try {
      return new FileStorage(directory, lock, await readRecords(join(directory, "store")));
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  get records(): Records {
    return this.#records;
  }

  async commit(changes: Changes): Promise<void> {
    const next = applied(this.#records, changes);
    const draft = join(this.#directory, ".store.new");
    try {
      await using(await open(draft, "w", 0o600), async (file) => {
        await file.writeFile(encodeRecords(next));
        await file.sync();
      });
      await rename(draft, join(this.#directory, "store"));
    } catch (error) {
      // On a full disk a useless draft is in the way of everything else.
      await rm(draft, { force: true });
      throw error;
    }
    await using(await open(this.#directory, "r"), (directory) => directory.sync());
    this.#records = next;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#lock.close(() => resolve()));
  }
}

async function using(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

async function readRecords(path: string): Promise<Records> {
  try {
    return decodeRecords(new Uint8Array(await readFile(path)));
  } catch (cause) {
    if (cause instanceof SoftNethsmError) throw cause;
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return new Map();
    throw new SoftNethsmError("data-dir-unreadable", `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Listens on a socket in the directory; one that nobody answers on is left over from a crash and replaced. */
async function lockDirectory(directory: string): Promise<Server> {
  // Socket paths end at 107 bytes: the shorter of both spellings is more likely to fit.
  const absolute = join(directory, ".lock");
  const path = [absolute, relative(process.cwd(), absolute)].reduce((a, b) => (b.length < a.length ? b : a));
  if (await answers(path)) {
    throw new SoftNethsmError("data-dir-in-use", `${directory} is in use by another soft-nethsm`, {
      hint: "stop it first, or give this one its own --data-dir",
    });
  }
  await rm(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new SoftNethsmError("data-dir-unreadable", `cannot lock ${directory}: ${messageOf(cause)}`, { cause }));
    });
    server.listen(path, resolve);
  });
  server.unref();
  return server;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
