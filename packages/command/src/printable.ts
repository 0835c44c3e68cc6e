// C0 without exceptions, DEL, C1; the marks and overrides that reorder text; line separators; lone surrogates.
const unprintable =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]/gu;

/**
 * `text` on one line that a terminal shows as it is: whatever could move the cursor, start an escape sequence or
 * reorder characters appears as `\x1b` or `\u202e`.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
