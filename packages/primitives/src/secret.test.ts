import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { toUtf8 } from "./bytes.ts";
import { Secret } from "./secret.ts";

describe("a secret", () => {
  test("takes the bytes away from the caller", () => {
    const bytes = toUtf8("passphrase");
    const secret = Secret.take(bytes);
    expect([...bytes]).toEqual(new Array(10).fill(0));
    expect(secret.use((own) => new TextDecoder().decode(own))).toBe("passphrase");
  });

  test("prints nowhere", () => {
    const secret = Secret.fromText("passphrase");
    const error = new Error("e", { cause: secret });
    const prints = [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), inspect(secret), inspect(error)];
    for (const text of prints) expect(text).not.toContain("pass");
    expect(Object.keys(secret)).toEqual([]);
  });

  test("equals a secret of the same bytes only", () => {
    const secret = Secret.fromText("passphrase");
    expect(secret.equals(Secret.fromText("passphrase"))).toBe(true);
    expect(secret.equals(Secret.fromText("passphrasf"))).toBe(false);
    expect(secret.equals(Secret.fromText("passphrase2"))).toBe(false);
  });

  test("cannot be used once it is wiped, while its copy can", () => {
    const secret = Secret.fromText("passphrase");
    const copy = secret.clone();
    let lent: Uint8Array = new Uint8Array(0);
    secret.use((bytes) => {
      lent = bytes;
    });
    secret[Symbol.dispose]();
    expect([...lent]).toEqual(new Array(10).fill(0));
    expect(() => secret.length).toThrow("wiped");
    expect(() => secret.use((bytes) => bytes)).toThrow("wiped");
    expect(copy.length).toBe(10);
  });
});
