import { describe, expect, test } from "vitest";
import { bytes, line, lines, record, table, text, verdict } from "./answer.ts";

const plain = { terminal: false, colour: false };

describe("answers", () => {
  test("are lines, whatever is in them", () => {
    expect(line("a\nb").payload(plain)).toBe("a\\x0ab\n");
    expect(lines(["a", "\x1b[2J"]).payload(plain)).toBe("a\n\\x1b[2J\n");
    expect(lines([]).payload(plain)).toBe("");
    expect(text("a\r\nb\x07\n\n", null).payload(plain)).toBe("a\nb\\x07\n");
  });

  test("are two columns, members of members included", () => {
    const answer = record({
      softwareVersion: "5.0",
      tags: ["a", "b"],
      none: [],
      absent: undefined,
      pcr: { "0": "ff" },
      label: null,
    });
    expect(answer.payload(plain)).toBe(
      "software version  5.0\ntags              a, b\nnone              -\npcr 0             ff\nlabel             -\n",
    );
    expect(JSON.parse(JSON.stringify(answer.json))).toEqual({
      softwareVersion: "5.0",
      tags: ["a", "b"],
      none: [],
      pcr: { "0": "ff" },
      label: null,
    });
  });

  test("are tables under a heading, without members that no row has", () => {
    const answer = table([
      { userName: "a", role: "Operator", gone: undefined },
      { userName: "größer", role: undefined, gone: undefined },
    ]);
    expect(answer.payload(plain)).toBe("USER NAME  ROLE\na          Operator\ngrößer     -\n");
    expect(
      answer
        .payload({ terminal: true, colour: true })
        .toString()
        .replaceAll(/\x1b\[\d+m/g, ""),
    ).toBe(answer.payload(plain));
    expect(table([]).payload(plain)).toBe("");
  });

  test("are bytes as they are, base64 in JSON", () => {
    const answer = bytes(Uint8Array.of(0, 255), "signature");
    expect([answer.payload(plain), answer.json]).toEqual([Uint8Array.of(0, 255), { signature: "AP8=" }]);
  });

  test("are an exit code alone", () => {
    expect(verdict({ alive: false }, 1)).toMatchObject({ exit: 1, json: { alive: false } });
    expect(verdict({ alive: false }, 1).payload(plain)).toBe("");
  });
});
