import { describe, expect, test } from "vitest";
import { parseTime } from "./times.ts";

describe("a time", () => {
  test.each([
    ["@1795000000", "2026-11-18T11:06:40.000Z"],
    ["@1795000000.5", "2026-11-18T11:06:40.500Z"],
    ["2026-11-20T08:00:00Z", "2026-11-20T08:00:00.000Z"],
    ["2026-11-20 08:00:00.25+02:00", "2026-11-20T06:00:00.250Z"],
    ["2026-11-20 08:00Z", "2026-11-20T08:00:00.000Z"],
  ])("may be %s", (text, iso) => {
    expect(new Date(parseTime(text)).toISOString()).toBe(iso);
  });

  test("without a zone is that of this machine's clock", () => {
    expect(parseTime("2026-11-20")).toBe(new Date(2026, 10, 20).getTime());
    expect(parseTime("2026-11-20 08:01")).toBe(new Date(2026, 10, 20, 8, 1).getTime());
    expect(parseTime("2026-11-20 08:01:02")).toBe(new Date(2026, 10, 20, 8, 1, 2).getTime());
  });

  test.each(["", "now", "yesterday", "2026-02-31", "2026-13-01", "2026-11-20 25:00", "1795000000", "@x", "--help"])(
    "is not %j",
    (text) => {
      expect(() => parseTime(text)).toThrow(/is no time$/);
    },
  );
});
