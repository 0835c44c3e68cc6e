/** A file becomes a signing request. */
import { randomBytes } from "node:crypto";
import type { HashedFile } from "@signstar/hash-state/hash-file";
import type { StateLayout } from "@signstar/hash-state/sha512-state";
import { clientMembers, encodeSigningRequest } from "@signstar/signing-request/request";
import { requestName } from "./source-file.ts";

/** The request for `hashed`, compact JSON without a newline. `path` is the file as it was named, `-` for none. */
export function requestFor(hashed: HashedFile, path: string, layout: StateLayout): string {
  const optional = clientMembers({
    fileName: requestName(path),
    now: new Date(),
    random: (length) => new Uint8Array(randomBytes(length)),
  });
  return encodeSigningRequest({ state: hashed.state, layout, optional });
}
