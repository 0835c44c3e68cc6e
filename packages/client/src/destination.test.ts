import { expect, test } from "vitest";
import { bareHost, parseDestination, parsePort } from "./destination.ts";

test("user and host are told apart at the last @", () => {
  expect(parseDestination("build@signer.example")).toEqual({ user: "build", host: "signer.example" });
  expect(parseDestination("signer")).toEqual({ user: undefined, host: "signer" });
  expect(parseDestination("a@b@[::1]")).toEqual({ user: "a@b", host: "[::1]" });
  expect(bareHost("[::1]")).toBe("::1");
});

test.each([
  "",
  "@",
  "build@",
  "@signer",
  "-oProxyCommand=x",
  "-l@h",
  "a@-h",
  "a b",
  "h;x",
  "h`x`",
  "$(x)",
  "h\n",
  "h|x",
])("%j is no destination", (text) => {
  expect(() => parseDestination(text)).toThrow(expect.objectContaining({ code: "usage", exit: 64 }));
});

test("ports", () => {
  expect(parsePort("65535")).toBe(65_535);
  for (const text of ["0", "65536", "-1", "022", "22x", "", "1e3"]) expect(() => parsePort(text)).toThrow("port");
});
