import * as fc from "fast-check";
import { expect, test } from "vitest";
import { addDeviceMetrics } from "./device-metrics.ts";
import { Exposition } from "./exposition.ts";

test("whatever a device reports, the text is lines of metrics", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: "binary" }), fc.oneof(fc.string(), fc.double().map(String))),
      (reported) => {
        const exposition = new Exposition();
        addDeviceMetrics(exposition, { device: 'a"b\\c\nd' }, new Map(Object.entries(reported)));
        for (const line of exposition.text("prometheus").split("\n")) {
          expect(line).toMatch(
            /^(?:|# (?:HELP|TYPE) [a-z_]+ .*|[a-z_]+\{(?:[a-z]+="(?:[^"\\]|\\[\\n"])*",?)+\} [-+.0-9eE]+)$/u,
          );
        }
      },
    ),
  );
});

test("a device that reports too much is heard only so far", () => {
  const exposition = new Exposition();
  addDeviceMetrics(exposition, {}, new Map(Array.from({ length: 1000 }, (_, i) => [`metric ${i}`, String(i)])));
  expect(exposition.text("prometheus").match(/^nethsm_other\{/gm)?.length).toBe(256);
});
