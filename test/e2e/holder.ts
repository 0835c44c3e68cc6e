/** A holder of shares: a person with an SSH key, and files with what they were given. */
import type { SpawnSyncReturns } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
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
  /** One more with each share. */
  #generation = 0;

  constructor(machine: Machine, name: string, accounts: Accounts) {
    this.#machine = machine;
    this.name = name;
    this.publicKey = machine.person(name);
    this.accounts = accounts;
  }

  /** Where the newest share is, or that of an earlier generation, from 1. */
  file(generation = this.#generation): string {
    return this.#machine.path(`${this.name}.${generation}.share`);
  }

  /** The start of the names of files that come from this holder's key. */
  get hex(): string {
    const [, blob = ""] = this.publicKey.split(" ");
    return createHash("sha256").update(blob, "base64").digest("hex");
  }

  share(generation?: number): Share {
    return parseShare(readFileSync(this.file(generation)));
  }

  /** Fetches, stores and confirms a share. */
  fetch(): SpawnSyncReturns<string> {
    this.#generation += 1;
    const fetched = this.#machine.share(this.name, "fetch", this.accounts.download, [this.file()]);
    if (fetched.status !== 0) this.#generation -= 1;
    return fetched;
  }

  /** Hands in the newest share, if no other is named. */
  send(intent: readonly string[], file = this.file()): SpawnSyncReturns<string> {
    return this.#machine.share(this.name, "send", this.accounts.upload, [file, ...intent]);
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
