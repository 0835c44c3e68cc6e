import { parseDeviceUrl } from "@signstar/nethsm/tls";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
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
  ])("refuses %j", (text) => {
    expect(() => parseTlsPins(Buffer.from(text), "x")).toThrow(
      expect.objectContaining({ code: "pins-unusable", exit: 78 }),
    );
  });

  test("is not needed", () => {
    expect(readTlsPins("/nonexistent/tls-pins.json", [0])).toEqual(new Map());
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
