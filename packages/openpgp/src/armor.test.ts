import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { armor, dearmor } from "./armor.ts";
import { OpenPgpError } from "./error.ts";

const kind = "PGP SIGNATURE";
const sample = armor(kind, new Uint8Array(100).fill(0x5a));

describe("armor", () => {
  test("dearmoring gives back the bytes, and armoring the text", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("PGP SIGNATURE", "PGP PUBLIC KEY BLOCK"),
        fc.uint8Array({ maxLength: 400 }),
        (kind, bytes) => {
          const text = armor(kind, bytes);
          expect(dearmor(text)).toEqual({ kind, bytes });
          expect(armor(kind, dearmor(text).bytes)).toBe(text);
        },
      ),
    );
  });

  test.each([
    [0, "=twTO"], // CRC24 of nothing is its initial value, b704ce
    [1, "=YWnT"], // these as gpg --enarmor prints them,
    [2, "=+u3A"],
    [3, "=Je8i"],
    [219, "=3SuO"],
  ])("%i bytes have a checksum line", (length, checksum) => {
    const lines = armor(kind, new Uint8Array(length)).split("\n");
    expect(lines.at(-3)).toBe(checksum);
    expect(lines.slice(2, -3).every((line) => line.length <= 64)).toBe(true);
    expect(lines.at(-1)).toBe("");
  });

  test("what other programs write is read", () => {
    const { bytes } = dearmor(sample);
    const withHeaders = sample.replace("\n\n", "\nComment: 48F9 66E5\nVersion: 1\n\n");
    expect(dearmor(withHeaders).bytes).toEqual(bytes);
    expect(dearmor(sample.replaceAll("\n", "\r\n")).bytes).toEqual(bytes);
    expect(dearmor(sample.replaceAll("\n", " \t\n")).bytes).toEqual(bytes);
    expect(dearmor(sample.replace(/^=.*\n/m, "")).bytes).toEqual(bytes);
    expect(dearmor(`${sample}\n\n`).bytes).toEqual(bytes);
  });

  test.each([
    ["text before", `hello\n${sample}`],
    ["text after", `${sample}hello\n`],
    ["a second block", sample + sample],
    ["another tail", sample.replace("END PGP SIGNATURE", "END PGP MESSAGE")],
    ["no tail", sample.replace(/-----END.*\n/, "")],
    ["no empty line", sample.replace("\n\n", "\n")],
    ["a header without colon", sample.replace("\n\n", "\nComment\n\n")],
    ["a wrong checksum", sample.replace(/^=..../m, "=AAAA")],
    ["a damaged letter", sample.replace("Wlpa", "Wlpb")],
    ["a stray character", sample.replace("Wlpa", "Wl_a")],
    ["space inside a line", sample.replace("Wlpa", "Wl a")],
    ["an empty line inside", sample.replace("Wlpa\n", "Wlpa\n\n")],
    ["bits after the padding", armor(kind, Uint8Array.of(0)).replace("AA==", "AB==")],
    ["missing padding", armor(kind, Uint8Array.of(0)).replace("AA==", "AA")],
    ["a line of 77 columns", sample.replace(/^(W\S+)\n(W\S{12})/m, "$1$2")],
    ["nothing", ""],
    ["only a header line", "-----BEGIN PGP SIGNATURE-----\n"],
  ])("refused: %s", (_, text) => {
    expect(() => dearmor(text)).toThrow(expect.objectContaining({ code: "armor" }));
  });

  test("long input is refused or read without delay", () => {
    expect(() => dearmor("x".repeat(3_000_000))).toThrow(expect.objectContaining({ code: "too-large" }));
    expect(() => dearmor(`${" ".repeat(1_000_000)}x`)).toThrow(OpenPgpError);
    expect(dearmor(armor(kind, new Uint8Array(1024 * 1024))).bytes.length).toBe(1024 * 1024);
  });
});
