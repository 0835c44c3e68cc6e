/** A holder of shares: a person with an SSH key, and the file that they were given. */
import type { SpawnSyncReturns } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { combineShares } from "@signstar/secret-sharing/combine";
import { openSealed } from "@signstar/secret-sharing/sealed";
import { parseShare, type Share } from "@signstar/secret-sharing/share";
import type { Machine } from "./machine.ts";

/** The Unix users that a holder's key opens. */
export interface Accounts {
  readonly download: string;
  readonly upload: string;
}

export class Holder {
  readonly name: string;
  readonly publicKey: string;
  readonly accounts: Accounts;
  readonly #machine: Machine;
  constructor(machine: Machine, name: string, accounts: Accounts) {
    this.#machine = machine;
    this.name = name;
    this.publicKey = machine.person(name);
    this.accounts = accounts;
  }

  /** Where the share is; the one before is kept beside it, as `.old`. */
  get file(): string {
    return this.#machine.path(`${this.name}.share`);
  }

  /** The start of the names of files that come from this holder's key. */
  get hex(): string {
    const [, blob = ""] = this.publicKey.split(" ");
    return createHash("sha256").update(blob, "base64").digest("hex");
  }

  share(file = this.file): Share {
    return parseShare(readFileSync(file));
  }

  /** Fetches, stores and confirms a share. */
  fetch(): SpawnSyncReturns<string> {
    return this.#machine.share(this.name, "fetch", this.accounts.download, [this.file]);
  }

  /** The same with nothing but ssh. */
  fetchByHand(): SpawnSyncReturns<string> {
    const { status, stdout } = this.download();
    if (status === 0) writeFileSync(this.file, stdout, { mode: 0o600 });
    return this.download("confirm", createHash("sha256").update(stdout).digest("hex"));
  }

  /** Hands in a share, and agrees to something. */
  send(intent: readonly string[], file = this.file): SpawnSyncReturns<string> {
    return this.#machine.share(this.name, "send", this.accounts.upload, [file, ...intent]);
  }

  /** The same with nothing but ssh. */
  sendByHand(intent: readonly string[], file = this.file): SpawnSyncReturns<string> {
    return this.upload(intent, readFileSync(file));
  }

  status(): string {
    return this.upload(["status"]).stdout;
  }

  download(...words: readonly string[]): SpawnSyncReturns<string> {
    return this.#machine.ssh(this.name, [`${this.accounts.download}@127.0.0.1`, ...words]);
  }

  upload(words: readonly string[], input?: Uint8Array): SpawnSyncReturns<string> {
    return this.#machine.ssh(this.name, [`${this.accounts.upload}@127.0.0.1`, ...words], input);
  }
}

/** What two holders can open without the appliance. */
export async function openedBy(...holders: readonly [Holder, Holder]): Promise<Readonly<Record<string, string>>> {
  using secret = await combineShares(holders.map((holder) => holder.share()));
  const toml = Buffer.from(openSealed(secret)).toString();
  const administrators = toml.matchAll(/^name = "(.*)"\npassphrase = "(.*)"$/gm);
  const others = toml.matchAll(/^(backup|unlock)_passphrase = "(.*)"$/gm);
  return Object.fromEntries([...administrators, ...others].map(([, name = "", value = ""]) => [name, value]));
}
