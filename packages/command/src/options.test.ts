import { describe, expect, test } from "vitest";
import { resolveOptions } from "./options.ts";
import type { Option } from "./spec.ts";

const specs: readonly Option[] = [
  { name: "config", value: "FILE", description: "", env: "X_CONFIG", default: "/default" },
  { name: "tag", value: "TAG", description: "", repeatable: true },
  { name: "layout", value: "L", description: "", choices: ["final", "legacy"] },
  { name: "force", description: "", env: "X_FORCE" },
  { name: "key-type", value: "TYPE", description: "", choices: ["EcP256", "Rsa"], loose: true },
];

describe("resolveOptions", () => {
  test("takes what is given before the environment, and that before the default", () => {
    const given = new Map([["config", ["/given"]]]);
    expect(resolveOptions(specs, given, { X_CONFIG: "/env" }).text("config")).toBe("/given");
    expect(resolveOptions(specs, new Map(), { X_CONFIG: "/env" }).text("config")).toBe("/env");
    expect(resolveOptions(specs, new Map()).text("config")).toBe("/default");
    expect(resolveOptions(specs, new Map(), { X_CONFIG: "" }).text("config")).toBe("/default");
    expect(resolveOptions(specs, new Map([["config", [""]]]), { X_CONFIG: "/env" }).text("config")).toBe("");
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

  test.each([
    ["true", true],
    ["1", true],
    ["0", false],
    ["No", false],
    ["", false],
  ])("takes %j in a flag's environment variable as %j", (X_FORCE, expected) => {
    expect(resolveOptions(specs, new Map(), { X_FORCE }).flag("force")).toBe(expected);
    expect(resolveOptions(specs, new Map([["force", []]]), { X_FORCE }).flag("force")).toBe(true);
  });

  test("spells a loose choice as it is listed", () => {
    for (const word of ["EcP256", "ecp256", "EC_P256", "ec-p256"]) {
      expect(resolveOptions(specs, new Map([["key-type", [word]]])).text("key-type")).toBe("EcP256");
    }
    expect(() => resolveOptions(specs, new Map([["key-type", ["EcP25"]]]))).toThrow(/cannot be 'EcP25'/);
    expect(() => resolveOptions(specs, new Map([["layout", ["FINAL"]]]))).toThrow(/cannot be 'FINAL'/);
  });

  test("calls asking for an option of another kind a bug", () => {
    const options = resolveOptions(specs, new Map());
    expect(() => options.text("force")).toThrow(TypeError);
    expect(() => options.flag("config")).toThrow(TypeError);
    expect(() => options.text("absent")).toThrow(TypeError);
  });
});
