import type { Role } from "@signstar/nethsm/types";

/** A user of the device whose passphrase was right. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly namespace: string | undefined;
  readonly tags: readonly string[];
}
