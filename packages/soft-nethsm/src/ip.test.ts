import { toHex } from "@signstar/primitives/bytes";
import { expect, test } from "vitest";
import { addressBytes, maskOf, prefixOf } from "./ip.ts";

test.each([
  ["192.168.1.2", "c0a80102"],
  ["::", "00000000000000000000000000000000"],
  ["fd00::1", "fd000000000000000000000000000001"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["::ffff:10.0.0.1", "00000000000000000000ffff0a000001"],
])("%s", (text, hex) => {
  expect(toHex(addressBytes(text))).toBe(hex);
});

test("masks and prefixes are each other's inverse", () => {
  expect(maskOf(20)).toBe("255.255.240.0");
  for (let prefix = 0; prefix <= 32; prefix += 1) expect(prefixOf(maskOf(prefix))).toBe(prefix);
  expect(prefixOf("255.0.255.0")).toBeUndefined();
});
