import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { effectiveUid } from "./caller.ts";
import { encodeTlsPins, parseTlsPins, readTlsPins, withLearntPins } from "./tls-pins.ts";

const pin = fc.stringMatching(/^[0-9a-f]{64}$/);
const url = fc.nat({ max: 65535 }).map((port) => parseDeviceUrl(`https://hsm.example:${port}/api/v1`));

describe("tls-pins.json", () => {
  test("reads back what is written", async () => {
    await fc.assert(
      fc.property(fc.array(fc.tuple(url, fc.array(pin))), (devices) => {
        const pins = new Map(devices);
        expect(parseTlsPins(encodeTlsPins(pins), "x")).toEqual(pins);
      }),
    );
  });

  test.each([
    "",
    "[]",
    '{"version":2,"devices":{}}',
    '{"version":1}',
    '{"version":1,"devices":{},"more":0}',
    '{"version":1,"devices":{"https://a/api/v1":"x"}}',
    '{"version":1,"devices":{"https://a/api/v1":["short"]}}',
    '{"version":1,"devices":{"http://a":[]}}',
    `{"version":1,"devices":{"https://a/api/v1":[["${"0f".repeat(32)}"]]}}`,
  ])("refuses %j", (text) => {
    expect(() => parseTlsPins(Buffer.from(text), "x")).toThrow(
      expect.objectContaining({ code: "pins-unusable", exit: 78 }),
    );
  });

  test("is not needed", () => {
    expect(readTlsPins("/nonexistent/tls-pins.json", [0])).toEqual(new Map());
  });

  test.each([
    ["is too long", "x".repeat(70_000), 0o600],
    ["others can write", "{}", 0o666],
  ])("cannot be used if it %s", (_, text, mode) => {
    const directory = mkdtempSync(join(tmpdir(), "signstar-pins-"));
    const path = join(directory, "tls-pins.json");
    writeFileSync(path, text);
    chmodSync(path, mode);
    expect(() => readTlsPins(path, [effectiveUid()])).toThrow(
      expect.objectContaining({ code: "pins-unusable", exit: 78 }),
    );
    rmSync(directory, { recursive: true });
  });

  test("adds to pinned connections only", () => {
    const device = parseDeviceUrl("https://hsm.example/api/v1");
    const pins = new Map([[device, ["b", "c"]]]);
    const pinned = { url: device, tls: { mode: "pinned", sha256: ["a", "b"] } } as const;
    expect(withLearntPins(pinned, pins).tls).toEqual({ mode: "pinned", sha256: ["a", "b", "c"] });
    const native = { url: device, tls: { mode: "native" } } as const;
    expect(withLearntPins(native, pins)).toEqual(native);
  });
});
