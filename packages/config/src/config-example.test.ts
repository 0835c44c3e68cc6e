import { readFileSync } from "node:fs";
import { parse as parseOther } from "@iarna/toml";
import { parse as parseToml } from "smol-toml";
import { expect, test } from "vitest";
import { mappingNames } from "./mappings.ts";
import { parseConfig } from "./parse.ts";

const example = readFileSync(new URL("../../../config.example.toml", import.meta.url), "utf8");
/** A setting that is commented out has no space behind its `#`; explanations have one. */
const everything = example.replace(/^#(?=[^ \n#])/gm, "");

test("the example loads as it stands, with defaults where a setting is commented out", () => {
  const config = parseConfig(example);
  expect(config.warnings).toEqual([]);
  expect(config.adminSecretHandling).toEqual({ kind: "shamirs-secret-sharing", numberOfShares: 3, threshold: 2 });
  expect(config.connections.map(({ tls }) => tls.mode)).toEqual(["pinned"]);
  expect(config.device).toEqual({ bootMode: undefined, network: undefined, logging: undefined, tls: undefined });
  expect(config.removal).toEqual({ keys: [], namespaces: [] });
});

test("the example shows every kind of mapping", () => {
  const shown = new Set(parseConfig(example).mappings.map(({ kind }) => kind));
  expect([...shown].sort()).toEqual(Object.values(mappingNames).sort());
});

test("the example loads with every setting switched on, and only the unchecked TLS is worth a warning", () => {
  const config = parseConfig(everything);
  expect(config.warnings).toEqual([expect.stringContaining("192.168.1.3:8443 is not checked")]);
  expect(config.connections.map(({ tls }) => tls.mode)).toEqual(["pinned", "native", "unsafe"]);
  expect(config.connections[2]?.bootstrapTls).toBe("first-use");
  expect(config.device?.bootMode).toBe("attended");
  expect(config.device?.network?.ipv6).toEqual({ cidr: "fd00:1::2/64", gateway: "fd00:1::1" });
  expect(config.device?.logging).toEqual({ ipAddress: "192.168.1.2", port: 514, logLevel: "info" });
  expect(config.device?.tls?.keyType).toBe("EC_P256");
  expect(config.device?.tls?.subject?.countryName).toBe("DE");
  expect(config.removal.keys).toEqual([
    { namespace: undefined, keyId: "retired" },
    { namespace: "packages", keyId: "retired" },
  ]);
});

test("the settings shown as defaults are the defaults", () => {
  const { appliance, log } = parseConfig(example);
  expect(parseConfig(everything).appliance).toEqual(appliance);
  expect(parseConfig(everything).log).toEqual(log);
});

test("every setting that the reader knows stands in the example", () => {
  // The reader names its keys as string literals in lists; whatever is in such a list must occur in the example.
  const sources = ["parse", "connections", "secret-handling", "settings", "device", "key-setup", "mappings"];
  const known = sources.flatMap((name) => {
    const source = readFileSync(new URL(`./${name}.ts`, import.meta.url), "utf8");
    return [...source.matchAll(/\.(?:optional|required)\(\s*"([a-z0-9_]+)"/g)].map(([, key = ""]) => key);
  });
  expect(known.length).toBeGreaterThan(40);
  const missing = known.filter((key) => !new RegExp(`\\b${key}\\b`).test(everything.replace(/^# .*$/gm, "")));
  expect([...new Set(missing)]).toEqual([]);
});

test("an independent parser reads the same from it", () => {
  for (const text of [example, everything]) {
    expect(JSON.parse(JSON.stringify(parseToml(text)))).toEqual(JSON.parse(JSON.stringify(parseOther(text))));
  }
});
