import { createHash } from "node:crypto";
import { fromUtf8, toHex, toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { SharingError } from "./errors.ts";
import { encodeShare, parseSetId, parseShare, type Share } from "./share.ts";
import { fingerprint, sampleShares } from "./testing/samples.ts";

const digest = (bytes: Uint8Array): string => toHex(createHash("sha256").update(bytes).digest());

const shares: fc.Arbitrary<Share> = fc
  .record({
    set: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => parseSetId(toHex(bytes))),
    iteration: fc.nat(2 ** 32 - 1),
    numbers: fc.tuple(fc.integer({ min: 2, max: 64 }), fc.nat(), fc.nat()).map(([number, a, b]) => ({
      numberOfShares: number,
      threshold: 2 + (a % (number - 1)),
      index: 1 + (b % number),
    })),
    holder: fc.nat().map(fingerprint),
    bytes: fc.uint8Array({ minLength: 2, maxLength: 300 }).filter((bytes) => bytes.at(-1) !== 0),
  })
  .map(({ set, iteration, numbers, holder, bytes }) => ({
    ...{ set, iteration, holder, ...numbers },
    commitments: Array.from({ length: numbers.numberOfShares }, (_, position) =>
      position + 1 === numbers.index ? digest(bytes) : digest(Uint8Array.of(position)),
    ),
    share: Secret.take(bytes.slice()),
  }));

/** Everything as values that can be compared. */
function open({ share, ...rest }: Share): unknown {
  return { ...rest, bytes: share.use((bytes) => [...bytes]) };
}

let sample: Share;
let text: string;
beforeAll(async () => {
  const [first] = await sampleShares();
  if (first === undefined) throw new Error("no share");
  sample = first;
  text = fromUtf8(encodeShare(first));
});

/** The text with this done to its lines, and a checksum that is right. */
function altered(alter: (text: string) => string): Uint8Array {
  const body = alter(text.replace(/ {2}"checksum".*\n\}\n$/, ""));
  return toUtf8(`${body}  "checksum": "${digest(toUtf8(body))}"\n}\n`);
}

function code(bytes: Uint8Array): string {
  try {
    parseShare(bytes);
  } catch (thrown) {
    if (thrown instanceof SharingError) return thrown.code;
    throw thrown;
  }
  return "accepted";
}

describe("a share file", () => {
  test("gives back the share, and the share gives back the file", () => {
    fc.assert(
      fc.property(shares, (share) => {
        const bytes = encodeShare(share);
        const read = parseShare(bytes);
        expect(open(read)).toEqual(open(share));
        expect(encodeShare(read)).toEqual(bytes);
      }),
    );
  });

  test("keeps its layout", () => {
    const members = [...text.matchAll(/^ {2}"([a-z_]+)": /gm)].map(([, name]) => name);
    expect(text.split("\n").slice(0, 2)).toEqual(["Signstar secret share", "{"]);
    expect(members).toEqual([
      ...["version", "iteration", "set", "threshold", "number_of_shares", "index", "holder", "commitments", "share"],
      "checksum",
    ]);
    const lines = text.split("\n").slice(0, -3);
    expect(text).toContain(`"checksum": "${digest(toUtf8(`${lines.join("\n")}\n`))}"\n}\n`);
  });

  test("is refused with any one byte altered", () => {
    const bytes = toUtf8(text);
    for (let at = 0; at < bytes.length; at += 1) {
      for (const change of [0x01, 0x20, 0x80]) {
        const other = bytes.slice();
        other[at] = (other[at] ?? 0) ^ change;
        expect(code(other), `byte ${at}`).not.toBe("accepted");
      }
    }
  });

  test("is refused when cut or prolonged anywhere", () => {
    const bytes = toUtf8(text);
    for (let length = 0; length < bytes.length; length += 1) expect(code(bytes.slice(0, length))).not.toBe("accepted");
    for (const more of ["\n", " ", "\0", "{}"]) expect(code(toUtf8(text + more))).not.toBe("accepted");
    expect(code(toUtf8(`\ufeff${text}`))).toBe("not-a-share");
  });

  test.each<[string, string, (text: string) => string]>([
    ["of another kind", "not-a-share", (t) => t.replace("Signstar", "signstar")],
    ["of a later version", "unknown-version", (t) => t.replace('"version": 1', '"version": 2')],
    ["with a version in text", "unknown-version", (t) => t.replace('"version": 1', '"version": "1"')],
    ["with an unknown member", "malformed", (t) => t.replace("{\n", '{\n  "comment": "",\n')],
    ["with a member twice", "not-canonical", (t) => t.replace("{\n", '{\n  "index": 2,\n')],
    ["with __proto__", "malformed", (t) => t.replace("{\n", '{\n  "__proto__": 2,\n')],
    ["in another order", "not-canonical", (t) => t.replace(/( {2}"iteration".*\n)( {2}"set".*\n)/, "$2$1")],
    ["with other spacing", "not-canonical", (t) => t.replace('"index": 1', '"index":1')],
    ["with a number spelt otherwise", "not-canonical", (t) => t.replace('"index": 1', '"index": 1.0')],
    ["with an escape that nobody needs", "not-canonical", (t) => t.replace('"SHA256:', '"\\u0053HA256:')],
    ["with line ends of Windows", "not-a-share", (t) => t.replaceAll("\n", "\r\n")],
    ["whose iteration is no integer", "malformed", (t) => t.replace('"iteration": 7', '"iteration": 7.5')],
    ["whose iteration is too large", "malformed", (t) => t.replace('"iteration": 7', '"iteration": 4294967296')],
    ["whose set is too short", "malformed", (t) => t.replace(/("set": ")./, "$1")],
    ["whose set is in capitals", "malformed", (t) => t.replace(/("set": ")./, "$1A")],
    ["whose holder is a path", "malformed", (t) => t.replace(/"SHA256:.*"/, '"../../etc/passwd"')],
    ["whose holder has control characters", "malformed", (t) => t.replace(/SHA256:./, "SHA256:\\u001b")],
    ["whose commitments are no list", "malformed", (t) => t.replace(/\[[^\]]*\]/, "{}")],
    ["with a commitment in capitals", "malformed", (t) => t.replace(/(\[\n {4}")./, "$1A")],
    ["with a commitment too few", "disagreement", (t) => t.replace(/,\n {4}"[0-9a-f]{64}"\n/, "\n")],
    ["whose threshold is 1", "bad-threshold", (t) => t.replace('"threshold": 2', '"threshold": 1')],
    ["whose threshold is above its number", "bad-threshold", (t) => t.replace('"threshold": 2', '"threshold": 4')],
    ["with index 0", "index-zero", (t) => t.replace('"index": 1', '"index": 0')],
    ["with an index above its number", "index-out-of-range", (t) => t.replace('"index": 1', '"index": 4')],
    ["with another's index", "altered-share", (t) => t.replace('"index": 1', '"index": 2')],
    ["with index -1", "malformed", (t) => t.replace('"index": 1', '"index": -1')],
    ["with other bytes", "altered-share", (t) => t.replace(/("share": ")[^"]*/, "$1AQID")],
    ["without bytes", "altered-share", (t) => t.replace(/("share": ")[^"]*/, "$1")],
    ["whose bytes are not base64", "malformed", (t) => t.replace(/("share": ")[^"]*/, "$1!!!!")],
    ["whose base64 has other spellings", "malformed", (t) => t.replace(/("share": "[^"]*)"/, '$1\\n"')],
  ])("%s is refused as %s", (_, expected, alter) => {
    expect(code(altered(alter))).toBe(expected);
  });

  test.each([
    "iteration",
    "set",
    "threshold",
    "number_of_shares",
    "index",
    "holder",
    "commitments",
    "share",
    "version",
  ])("without its member %s is refused", (name) => {
    expect(code(altered((t) => t.replace(`"${name}"`, '"other"')))).toBe("malformed");
  });

  test("with the coordinate 0 is refused, even if its set was made so", () => {
    const bytes = Uint8Array.of(1, 2, 0);
    const share = {
      ...sample,
      commitments: [digest(bytes), "0".repeat(64), "0".repeat(64)],
      share: Secret.take(bytes),
    };
    expect(code(encodeShare(share))).toBe("index-zero");
  });

  test("with an altered checksum alone says so", () => {
    expect(
      code(toUtf8(text.replace(/"checksum": "./, (found) => `${found.slice(0, -1)}${found.endsWith("0") ? 1 : 0}`))),
    ).toBe("altered-share");
  });

  test("that is huge, deep or binary is refused", () => {
    expect(code(new Uint8Array(64 * 1024 + 1))).toBe("too-large");
    expect(code(toUtf8(`Signstar secret share\n${"[".repeat(60_000)}`))).toBe("malformed");
    expect(code(Uint8Array.of(0xff, 0xfe))).toBe("not-a-share");
    expect(code(new Uint8Array(0))).toBe("not-a-share");
  });

  test("of the largest set and secret keeps to the limit", async () => {
    const [largest] = await sampleShares(255, 2, new Uint8Array(24 * 1024).fill(0xa5));
    if (largest === undefined) throw new Error("no share");
    expect(code(encodeShare(largest))).toBe("accepted");
  });

  test("no refusal quotes what was handed in", () => {
    const secret = /"share": "([^"]*)"/.exec(text)?.[1] ?? "";
    for (const broken of [
      text.slice(0, -20),
      text.replace('"share"', '"shard"'),
      text.replace('"share": "', '"share": '),
    ]) {
      try {
        parseShare(toUtf8(broken));
        expect.unreachable();
      } catch (thrown) {
        const { message, hint, clientSafe, cause } = thrown as SharingError;
        expect(`${message} ${hint} ${cause}`).not.toContain(secret.slice(0, 4));
        expect(clientSafe).toBe(true);
      }
    }
  });
});
