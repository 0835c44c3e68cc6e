/** Whose word an entry is. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultConfigPaths } from "@signstar/config/load";
import { loadUids, parseUids } from "@signstar/config/uids";
import { parsePasswd } from "@signstar/host/passwd";
import { pathsUnder } from "@signstar/host/paths";
import { messageOf } from "@signstar/primitives/failure";
import { AuditError } from "./errors.ts";
import type { JournalRecord, Origin } from "./line.ts";

/**
 * `kernel`: journald had the writer's uid from the kernel, and it is that of the appliance's user whom the entry names.
 * `none`: nothing speaks against it, and nothing but the line itself for it. `foreign`: somebody else has written it.
 */
export type Proof = "kernel" | "none" | "foreign";

/** The appliance's Unix users. */
export type Names = ReadonlyMap<number, string>;

/** Where signstar-configure-build puts the homes. */
const homes = "/var/lib/signstar/home/";

/**
 * The users that have been made here, and those that have ever been in `uids.toml` beside the config: what a removed
 * one has signed stays to be found. With `file`, those in this `uids.toml` alone. Throws AuditError, ConfigError.
 */
export async function loadNames(root: string, file: string | undefined): Promise<Names> {
  const names = new Map<number, string>();
  if (file !== undefined) {
    for (const [name, uid] of parseUids(readText(file))) names.set(uid, name);
    return names;
  }
  for (const path of defaultConfigPaths) {
    for (const [name, uid] of (await loadUids(join(root, path))) ?? []) names.set(uid, name);
  }
  const { passwd } = pathsUnder(root);
  for (const { name, uid, home } of existsSync(passwd) ? parsePasswd(readText(passwd)) : []) {
    if (home.startsWith(homes)) names.set(uid, name);
  }
  return names;
}

/** By the entry alone; that a session is one writer's is for whoever puts entries together. */
export function proofOf({ entry, origin }: JournalRecord, names: Names): Proof {
  if (origin === undefined) return "none";
  const written = writerOf(origin, names);
  if (written.proof === "foreign") return "foreign";
  if (entry.event === "session-start") {
    if (entry.program !== origin.program) return "foreign";
    if (entry.uid !== undefined && origin.uid !== undefined && entry.uid !== origin.uid) return "foreign";
  }
  const claimed = entry.event === "session-start" || entry.event === "intent" ? entry.user : undefined;
  if (claimed === undefined || claimed === written.name) return written.proof;
  // Nobody speaks for a user whose number is known, and no user of the appliance for somebody else.
  const known = origin.uid !== undefined && [...names.values()].includes(claimed);
  return written.proof === "kernel" || known ? "foreign" : "none";
}

/** What is known of whoever has written an entry. Root, who could write the journal itself, is no stranger. */
export function writerOf({ uid, transport }: Origin, names: Names): { proof: Proof; name: string | undefined } {
  // Our programs write through the stream; logger(1) and the native protocol are for others.
  if (transport !== undefined && transport !== "stdout") return { proof: "foreign", name: undefined };
  if (uid === undefined || transport === undefined) return { proof: "none", name: undefined };
  const name = uid === 0 ? "root" : names.get(uid);
  return { proof: name === undefined ? "none" : "kernel", name };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AuditError("uids-unreadable", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
