import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { expect, test } from "vitest";
import { madeJson } from "./report.ts";

const [first, second] = [1, 2].map((number) => ({ url: parseDeviceUrl(`https://hsm${number}.example.org/api/v1`) }));

test("what was made on several devices is told apart; of one it stands alone", () => {
  if (first === undefined || second === undefined) throw new TypeError("no device");
  const unlocked = { text: "~ device unlocked", kind: "unlock" };
  const made = [{ device: second.url, change: { kind: "unlock" } as const }];
  expect(JSON.parse(madeJson([first, second], made))).toEqual({
    devices: [
      { url: first.url, changes: [] },
      { url: second.url, changes: [unlocked] },
    ],
  });
  expect(JSON.parse(madeJson([second], made))).toEqual({ url: second.url, changes: [unlocked] });
});
