import { fromUtf8, toUtf8 } from "@signstar/primitives/bytes";
import { expect, test } from "vitest";
import { readParts } from "./multipart.ts";

const type = "multipart/form-data; boundary=b";
const part = (name: string, content: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;

test("parts come in their order, as bytes of the body itself", () => {
  // Somewhere within its buffer, as bodies that came in one piece are.
  const body = toUtf8(`before${part("z", "{}")}${part("a", "-- \r\n b")}--b--\r\n`).subarray("before".length);
  const parts = readParts(body, type);
  expect(parts.map(({ name, content }) => [name, fromUtf8(content)])).toEqual([
    ["z", "{}"],
    ["a", "-- \r\n b"],
  ]);
  for (const { content } of parts) expect(content.buffer).toBe(body.buffer);
});

test.each([
  ["", type],
  [part("a", "x"), type],
  [`${part("a", "x")}--b`, type],
  ["--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", type],
  ["--b\r\nno end of the head\r\n--b--\r\n", type],
  [`${part("a", "x")}--b--\r\n`, "multipart/form-data"],
])("%j is refused", (body, contentType) => {
  expect(() => readParts(toUtf8(body), contentType)).toThrow(
    expect.objectContaining({ answer: expect.objectContaining({ status: 400 }) }),
  );
});
