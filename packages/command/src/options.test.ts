import { describe, expect, test } from "vitest";
import { resolveOptions } from "./options.ts";
import type { Option } from "./spec.ts";

const specs: readonly Option[] = [
  { name: "config", value: "FILE", description: "", env: "X_CONFIG", default: "/default" },
  { name: "tag", value: "TAG", description: "", repeatable: true },
  { name: "layout", value: "L", description: "", choices: ["final", "legacy"] },
  { name: "force", description: "" },
];

describe("resolveOptions", () => {
  test("takes what is given before the environment, and that before the default", () => {
    const given = new Map([["config", ["/given"]]]);
    expect(resolveOptions(specs, given, { X_CONFIG: "/env" }).text("config")).toBe("/given");
    expect(resolveOptions(specs, new Map(), { X_CONFIG: "/env" }).text("config")).toBe("/env");
    expect(resolveOptions(specs, new Map()).text("config")).toBe("/default");
  });

  test("has undefined, an empty list and false for what is absent", () => {
    const options = resolveOptions(specs, new Map());
    expect([options.text("layout"), options.list("tag"), options.flag("force")]).toEqual([undefined, [], false]);
  });

  test("keeps every value of a repeatable option and refuses a second one elsewhere", () => {
    expect(resolveOptions(specs, new Map([["tag", ["a", "b"]]])).list("tag")).toEqual(["a", "b"]);
    expect(() => resolveOptions(specs, new Map([["layout", ["final", "legacy"]]]))).toThrow(/given 2 times/);
  });

  test("refuses a value outside the choices and names them", () => {
    expect(() => resolveOptions(specs, new Map([["layout", ["newest"]]]))).toThrow(
      expect.objectContaining({ exit: 64, hint: "it is one of final, legacy" }),
    );
  });

  test("calls asking for an option of another kind a bug", () => {
    const options = resolveOptions(specs, new Map());
    expect(() => options.text("force")).toThrow(TypeError);
    expect(() => options.flag("config")).toThrow(TypeError);
    expect(() => options.text("absent")).toThrow(TypeError);
  });
});
