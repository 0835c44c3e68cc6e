/** A file becomes a signing request. */
import type { HashedFile } from "@signstar/hash-state/hash-file";
import type { StateLayout } from "@signstar/hash-state/sha512-state";
import { clientMembers, encodeSigningRequest } from "@signstar/signing-request/request";
import { requestName } from "./source-file.ts";

/** The request for `hashed`, compact JSON without a newline. `path` is the file as it was named, `-` for none. */
export function requestFor(hashed: HashedFile, path: string, layout: StateLayout): string {
  const optional = clientMembers({
    fileName: requestName(path),
    now: new Date(),
    // A name that is not the same every time is all that is wanted, and node:crypto takes a while to load.
    random: (length) => Uint8Array.from({ length }, () => Math.floor(Math.random() * 256)),
  });
  return encodeSigningRequest({ state: hashed.state, layout, optional });
}
