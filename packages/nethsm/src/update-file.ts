/**
 * NetHSM update files, as far as they can be checked without the vendor's key and the device.
 *
 *     "_NETHSM_UPDATE_" 00  F(signature) F(release notes) F(version)  blocks(4)  blocks × 512 bytes of image
 *
 * F(x) is x after its length in three bytes; integers are big endian.
 */
import { concat, equal, fromUtf8, toUtf8 } from "@signstar/primitives/bytes";

const magic = toUtf8("_NETHSM_UPDATE_\0");
const blockBytes = 512;
/** RSA with up to 16384 bits; release notes are text for people. */
const limits = { signature: 2048, notes: 1024 * 1024, version: 32 } as const;

/** What is wrong with a file; its message speaks of nothing else. */
export class UpdateFileError extends Error {
  override readonly name = "UpdateFileError";
}

export interface UpdateFile {
  /** `major.minor` */
  readonly version: string;
  /** Of the image, in bytes. */
  readonly imageBytes: number;
}

/** Reads the whole stream; keeps no more of it than the head. Throws UpdateFileError. */
export async function readUpdateFile(pieces: AsyncIterable<Uint8Array>): Promise<UpdateFile> {
  const input = new Input(pieces);
  await readMagic(input);
  const signature = await readField(input, "signature");
  if (signature.length === 0) throw new UpdateFileError("it has no signature");
  textOf(await readField(input, "notes"), "text of release notes");
  const version = textOf(await readField(input, "version"), "version");
  if (!/^\d{1,9}\.\d{1,9}$/.test(version)) throw new UpdateFileError("its version is not major.minor");
  const imageBytes = uint(await input.take(4, "number of blocks")) * blockBytes;
  if (imageBytes === 0) throw new UpdateFileError("it has no image");
  await input.skip(imageBytes, "image");
  if (!(await input.atEnd())) throw new UpdateFileError("there is data after its image");
  return { version, imageBytes };
}

/** Byte by byte, so that the first wrong one ends it. */
async function readMagic(input: Input): Promise<void> {
  for (let i = 0; i < magic.length; i += 1) {
    const byte = await input.take(1, "head");
    if (!equal(byte, magic.subarray(i, i + 1))) throw new UpdateFileError("it does not begin as one does");
  }
}

async function readField(input: Input, what: keyof typeof limits): Promise<Uint8Array> {
  const length = uint(await input.take(3, what));
  if (length > limits[what]) throw new UpdateFileError(`its ${what} claims ${length} bytes, ${limits[what]} at most`);
  return input.take(length, what);
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new UpdateFileError(`its ${what} is not UTF-8`, { cause });
  }
}

function uint(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Exact reads from pieces of any size. */
class Input {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async take(length: number, what: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    await this.#consume(length, what, (part) => parts.push(part));
    return concat(...parts);
  }

  skip(length: number, what: string): Promise<void> {
    return this.#consume(length, what, () => undefined);
  }

  async atEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return true;
      this.#rest = next.value;
    }
    return false;
  }

  async #consume(length: number, what: string, use: (part: Uint8Array) => void): Promise<void> {
    for (let missing = length; missing > 0; ) {
      if (await this.atEnd()) throw new UpdateFileError(`it ends ${missing} bytes before the end of its ${what}`);
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      use(part);
    }
  }
}
