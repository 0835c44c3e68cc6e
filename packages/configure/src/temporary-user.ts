import { parseSystemWideUserId, type UserId } from "@signstar/nethsm/ids";
import type { Desired } from "./desired.ts";

/** The Backup user that is made for a backup where no mapping has one, and removed right after it. */
export function temporaryBackupUser({ administrators, users }: Pick<Desired, "administrators" | "users">): UserId {
  const taken = new Set<UserId>([...administrators, ...users.map(({ id }) => id)]);
  for (let number = 1; ; number += 1) {
    const name = parseSystemWideUserId(`signstarbackup${number === 1 ? "" : number}`);
    if (!taken.has(name)) return name;
  }
}
