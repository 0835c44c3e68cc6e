import { expect, test } from "vitest";
import { Exit, Failure, messageOf } from "./failure.ts";

class KettleError extends Failure<"cold" | "empty"> {
  override readonly name = "KettleError";
}

test("a failure carries its code, exit code, hint and cause, and is not meant for clients unless it says so", () => {
  const cause = new Error("no water");
  const failure = new KettleError("empty", Exit.noInput, "the kettle is empty", { hint: "fill it", cause });
  expect(failure).toMatchObject({ code: "empty", exit: 66, message: "the kettle is empty", hint: "fill it", cause });
  expect(failure.clientSafe).toBe(false);
  expect(new KettleError("cold", Exit.data, "cold", { clientSafe: true }).clientSafe).toBe(true);
});

test("exit codes are distinct and never 255, which is ssh's own", () => {
  const codes = Object.values(Exit);
  expect(new Set(codes).size).toBe(codes.length);
  expect(codes).not.toContain(255);
});

test("anything thrown has a text", () => {
  expect(messageOf(new Error("x"))).toBe("x");
  expect(messageOf("y")).toBe("y");
  expect(messageOf(undefined)).toBe("undefined");
});
