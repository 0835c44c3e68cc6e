import type { KeyRef } from "@signstar/config/model";

/** `[NAMESPACE~]KEY`, as people write it and as its certificate's file is called. */
export function keyLabel(key: KeyRef): string {
  return key.namespace === undefined ? key.keyId : `${key.namespace}~${key.keyId}`;
}
