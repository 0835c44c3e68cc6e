import { toUtf8 } from "@signstar/primitives/bytes";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Line, maxLineBytes, readLine } from "./line.ts";
import { began, signing } from "./story.test-helper.ts";

const read = (text: string): Line => readLine(toUtf8(text));
const story = signing(1, "file");

describe("a line", () => {
  test("of the journal has journald's word for its writer and time", () => {
    const [, intent = ""] = story.journal();
    expect(read(intent)).toMatchObject({
      kind: "record",
      record: {
        at: began + 1000,
        origin: {
          uid: 3000,
          transport: "stdout",
          program: "signstar-download-signature",
          cursor: expect.stringContaining(";i=000000012;"),
        },
        entry: { event: "intent", seq: 2, size: "4", claimedName: "file.tar", user: "build" },
      },
    });
    const bytes = story.journal({ MESSAGE: [...toUtf8(story.bare()[1] ?? "")] })[1] ?? "";
    expect(read(bytes)).toMatchObject({ kind: "record", record: { entry: { event: "intent" } } });
  });

  test("of a log host has syslog's time, if it has a year", () => {
    const [, intent = ""] = story.bare();
    for (const [prefix, at] of [
      ["", undefined],
      ["2026-11-18T11:06:41+00:00 signer signstar-download-signature[123]: ", began + 1000],
      ["<13>1 2026-11-18T12:06:41.000+01:00 signer signstar-download-signature 123 - - ", began + 1000],
      ["Nov 18 11:06:41 signer signstar-download-signature[123]: ", undefined],
    ] as const) {
      expect(read(prefix + intent), prefix).toMatchObject({ kind: "record", record: { at, origin: undefined } });
    }
  });

  test.each([
    ["", "other"],
    ["Nov 18 11:06:41 signer sshd[1]: Accepted publickey {", "other"],
    ["[1,2]", "other"],
    [`2026-11-18T11:06:41Z signer httpd[9]: GET ${story.bare()[2]}`, "other"],
    ['{"event":"x"}', "other"],
    ['{"MESSAGE":"hello","SYSLOG_IDENTIFIER":"sshd"}', "other"],
    ['{"MESSAGE":"hello","SYSLOG_IDENTIFIER":"signstar-download-signature"}', "malformed"],
    ['{"MESSAGE":null,"SYSLOG_IDENTIFIER":"signstar-download-signature"}', "malformed"],
    ['{"MESSAGE":[1,"x"],"SYSLOG_IDENTIFIER":"signstar-download-signature"}', "malformed"],
    ['{"MESSAGE":"{}","SYSLOG_IDENTIFIER":["signstar-download-signature","x"]}', "other"],
    [`{"event":"refusal","session":"${story.session}","seq":0,"code":"x"}`, "malformed"],
    [`{"event":"refusal","session":"x","seq":1,"code":"x"}`, "malformed"],
    [`{"event":"session-end","session":"${story.session}","seq":1,"exit":-1,"ms":0}`, "malformed"],
    [`{"event":"new-event","session":"${story.session}","seq":1}`, "record"],
  ])("%s is %s", (text, kind) => {
    expect(read(text).kind).toBe(kind);
  });

  test("that is too long is none, whatever is in it", () => {
    expect(readLine(new Uint8Array(maxLineBytes + 1).fill(0x20)).kind).toBe("malformed");
  });

  test("never ends the program, and what it makes an entry has the entry's forms", () => {
    const lines = [...story.journal(), ...story.bare()];
    const damaged = fc
      .tuple(fc.constantFrom(...lines), fc.nat(), fc.nat(), fc.string({ unit: "binary" }))
      .map(
        ([line, at, length, put]) =>
          line.slice(0, at % line.length) + put + line.slice((at % line.length) + (length % 9)),
      );
    const hostile = fc.oneof(damaged.map(toUtf8), fc.uint8Array({ maxLength: 300 }), fc.json().map(toUtf8));
    fc.assert(
      fc.property(hostile, (bytes) => {
        const line = readLine(bytes);
        if (line.kind !== "record") return;
        const { entry } = line.record;
        expect(entry.session).toMatch(/^[0-9a-f-]{36}$/);
        expect(Number.isSafeInteger(entry.seq) && entry.seq > 0).toBe(true);
        if (entry.event === "intent" || entry.event === "verdict") {
          expect(entry.digest).toMatch(/^[0-9a-f]{128}$/);
          expect(entry.request.startsWith(entry.session)).toBe(true);
          expect(entry.key).toMatch(/^[A-Za-z0-9_.~-]+$/);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("that wants another value in a field has it refused", () => {
    const wrong = fc.tuple(
      fc.constantFrom(
        "request",
        "digest",
        "key",
        "user",
        "client_key",
        "size",
        "certificate",
        "ms",
        "outcome",
        "created",
      ),
      fc.oneof(
        fc.constant(null),
        fc.boolean(),
        fc.double(),
        fc.constant(-1),
        fc.string({ unit: "binary", maxLength: 9 }),
      ),
    );
    const entries = story.entries.slice(1, 3);
    fc.assert(
      fc.property(fc.constantFrom(...entries), wrong, (entry, [name, value]) => {
        fc.pre(name in entry && !accepted(name, value));
        expect(read(JSON.stringify({ ...entry, [name]: value })).kind).toBe("malformed");
      }),
    );
  });
});

/** What is good in its field after all. */
function accepted(name: string, value: unknown): boolean {
  const text = String(value);
  if (name === "size" && typeof value === "string") return /^\d+$/.test(text);
  if (["size", "ms", "created"].includes(name)) return Number.isInteger(value) && Number(value) >= 0;
  if (name === "user") return typeof value === "string" && /^[!-9;-~]+$/.test(text);
  return name === "key" && typeof value === "string" && /^[A-Za-z0-9]/.test(text);
}
