/** PEM (RFC 7468): DER as text between two lines that say what it is. */
import { fromBase64, toBase64 } from "./bytes.ts";

/** `label` as in `CERTIFICATE`. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** The DER of the first block with this label. Undefined if there is none, or one that is not base64. */
export function fromPem(label: string, text: string): Uint8Array | undefined {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(text)?.[1];
  try {
    return block === undefined ? undefined : fromBase64(block.replace(/\s/g, ""));
  } catch {
    return undefined;
  }
}
