import { expect, test } from "vitest";
import { requireSuccess } from "./exchange.ts";

test("success passes", () => {
  expect(() => requireSuccess({ exit: 0, signal: undefined }, "h")).not.toThrow();
});

test.each([64, 65, 66, 67, 69, 70, 73, 74, 75, 76, 77, 78])(
  "exit code %i of the server's program becomes ours",
  (exit) => {
    const failure = expect.objectContaining({ code: "remote-failed", exit });
    expect(() => requireSuccess({ exit, signal: undefined }, "h")).toThrow(failure);
  },
);

test.each([1, 2, 68, 126, 127, 128, 255])("exit status %i is none of ours: 76", (exit) => {
  const failure = expect.objectContaining({ code: "remote-failed", exit: 76 });
  expect(() => requireSuccess({ exit, signal: undefined }, "h")).toThrow(failure);
});

test("an end without an exit status is no success", () => {
  expect(() => requireSuccess({ exit: undefined, signal: "KILL" }, "h")).toThrow("by signal KILL");
  expect(() => requireSuccess({ exit: undefined, signal: undefined }, "h")).toThrow("without an exit status");
});
