/**
 * Update images, read as far as the device reads them before it installs one. There is nothing here to install and no
 * vendor key to check the signature with: the structure is checked, the image is not kept. Until it is
 * started again the device says that it has the version of the file; it behaves as before.
 */
import { equal, fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { Refusal } from "./http.ts";

export interface Update {
  readonly version: string;
  readonly major: number;
  readonly releaseNotes: string;
}

const magic = toUtf8("_NETHSM_UPDATE_\0");
const blockSize = 512;

/** Throws Refusal 400. */
export function readUpdate(file: Uint8Array): Update {
  if (!equal(file.subarray(0, magic.length), magic)) throw malformed("no update header");
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let at = magic.length;
  const field = (): Uint8Array => {
    if (at + 3 > file.length) throw malformed("unexpected end of data");
    const end = at + 3 + (view.getUint8(at) << 16) + view.getUint16(at + 1);
    const content = file.subarray(at + 3, end);
    if (end > file.length) throw malformed("unexpected end of data");
    at = end;
    return content;
  };
  const [signature, notes, version] = [field(), textOf(field()), textOf(field())];
  if (signature.length === 0) throw malformed("no signature");
  const major = /^(\d+)\.\d+$/.exec(version)?.[1];
  if (major === undefined) throw malformed("the version is not major.minor");
  if (at + 4 > file.length || file.length !== at + 4 + view.getUint32(at) * blockSize) {
    throw malformed("the image does not have the length it announces");
  }
  return { version, major: Number(major), releaseNotes: notes };
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw malformed("a field is not text");
  }
}

function malformed(why: string): Refusal {
  return new Refusal(400, `Invalid update: ${why}.`);
}
