/** Admin credentials that this host keeps from a time when they were not shared: they move into shares. */
import { basename, dirname } from "node:path";
import { removeFile } from "@signstar/host/atomic-file";
import { namesIn } from "@signstar/host/safe-file";
import type { Secret } from "@signstar/primitives/secret";
import { EncryptedAdminStore } from "../encrypted-admin-store.ts";
import { ConfigureError } from "../errors.ts";
import type { Place } from "../place.ts";
import { PlainAdminStore } from "../plain-admin-store.ts";
import { sealCredentials, wipeCredentials } from "./admin-secret.ts";

/**
 * Sealed as a shared one; undefined if there are none. Throws ConfigureError (conflict) in the middle of a rotation,
 * which has to be finished as it was begun.
 */
export async function keptSecret(place: Place): Promise<Secret | undefined> {
  const plain = await new PlainAdminStore(place).read();
  const kept = plain ?? (await new EncryptedAdminStore(place).read());
  if (kept === undefined) return undefined;
  if (kept.previous !== undefined) {
    throw new ConfigureError("conflict", "a rotation of the admin credentials that this host keeps is not finished", {
      hint: "finish it with signstar-configure apply and the former admin_secret_handling, then share the secret",
    });
  }
  const sealed = sealCredentials(kept.current);
  wipeCredentials(kept.current);
  return sealed;
}

/** No device answers to them any more. */
export function removeKeptSecret({ paths }: Place): void {
  for (const path of [paths.adminCredentials, paths.encryptedAdminCredentials]) {
    const directory = dirname(path);
    const files = [basename(path), `${basename(path)}.old`];
    for (const name of namesIn(directory)) if (files.includes(name)) removeFile(`${directory}/${name}`);
  }
}
