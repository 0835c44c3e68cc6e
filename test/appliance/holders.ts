/** Share holders at a stand: keys that have logged in, and sets of shares made for them. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type CeremonyState, emptyState, encodeCeremonyState, type ShareSet } from "@signstar/host/ceremony-state";
import { type ClientKey, parseUserAuth } from "@signstar/host/ssh-session";
import { toBase64, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import { encodeShare, parseShare, type Share, setDigest } from "@signstar/secret-sharing/share";
import { splitSecret } from "@signstar/secret-sharing/split";
import { random } from "@signstar/secret-sharing/testing/samples";
import type { Stand } from "./stand.ts";

export interface Login {
  readonly key: ClientKey;
  /** As sshd sets it for this key. */
  readonly env: { readonly SSH_USER_AUTH: string };
}

export function login(stand: Stand, number: number): Login {
  const line = `publickey ssh-ed25519 ${toBase64(toUtf8(`public key ${number}`))}\n`;
  const key = parseUserAuth(line);
  if (key === undefined) throw new Error("no key");
  return { key, env: { SSH_USER_AUTH: stand.write(`/tmp/auth-${number}`, line) } };
}

/** A set for these holders, as files. */
export async function filesFor(logins: readonly Login[], threshold = 2): Promise<readonly Uint8Array[]> {
  const holders = logins.map(({ key }) => key.fingerprint);
  const secret = Secret.fromText("the administrators' secret");
  return (await splitSecret(secret, { iteration: 3, threshold, holders, random })).map(encodeShare);
}

export function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
}

export function setOf(file: Uint8Array): ShareSet & Pick<Share, "set"> {
  const share = parseShare(file);
  const { set, iteration, threshold, numberOfShares } = share;
  return { set, iteration, threshold, numberOfShares, digest: setDigest(share) };
}

export function writeState(stand: Stand, state: Partial<CeremonyState>): void {
  stand.write("/run/signstar/secret-shares/state.json", encodeCeremonyState({ ...emptyState, ...state }), 0o644);
}

/** A directory of the caller's below the shares, empty, as systemd-tmpfiles would make it. */
export function freshDirectory(stand: Stand, kind: "download" | "confirm" | "upload"): string {
  const path = `/run/signstar/secret-shares/${kind}/signer`;
  rmSync(join(stand.root, path), { recursive: true, force: true });
  rmSync(stand.write(`${path}/x`, ""));
  return join(stand.root, path);
}

/** Names and texts of the files in a directory. */
export function contentsOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
