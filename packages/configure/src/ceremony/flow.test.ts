import { NetHsmError } from "@signstar/nethsm/errors";
import { parseIntent } from "@signstar/secret-sharing/intent";
import { expect, test } from "vitest";
import { ConfigureError } from "../errors.ts";
import { isRepeated } from "./flow.ts";

const away = new NetHsmError("connect-timeout", "the device is away");
const oneAway = new ConfigureError("out-of-reach", "not every device is done");
const file = "0".repeat(64);

test.each([
  ["apply", true, true],
  ["plan", true, true],
  ["unlock", true, true],
  [`restore ${file}`, true, false],
  [`update ${file}`, true, false],
  ["reboot", false, false],
  ["shutdown", false, false],
  ["factory-reset", false, false],
])("%s: again when no device was there %s, when some were %s", (words, none, some) => {
  const intent = parseIntent(words.split(" "));
  expect(isRepeated(intent, away)).toBe(none);
  expect(isRepeated(intent, oneAway)).toBe(some);
});
