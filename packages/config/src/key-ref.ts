/** How a key is named: `[NAMESPACE~]KEY`. */
import { parseKeyId, parseNamespaceId } from "@signstar/nethsm/ids";
import type { KeyRef } from "./model.ts";

/** `namespace~key` or `key`. Throws IdError. */
export function parseKeyRef(text: string): KeyRef {
  const tilde = text.indexOf("~");
  if (tilde === -1) return { namespace: undefined, keyId: parseKeyId(text) };
  return { namespace: parseNamespaceId(text.slice(0, tilde)), keyId: parseKeyId(text.slice(tilde + 1)) };
}

/** As people write it and as its certificate's file is called. */
export function formatKeyRef(key: KeyRef): string {
  return key.namespace === undefined ? key.keyId : `${key.namespace}~${key.keyId}`;
}
