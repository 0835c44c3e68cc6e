import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAuthorizedKey, parseAuthorizedKey } from "./authorized-key.ts";
import { sshKey, sshString } from "./testing/sample.ts";

/** Made by ssh-keygen; fingerprints as `ssh-keygen -lf` prints them. */
const made = [
  [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAN54Gd1jMz+yNDjBRwX1SnOtWuUsVF64RJIeYJ8DI7b user@host",
    "SHA256:e3Tz7aqJU/PC60Dd7kaHBE0CsVwAnXb/qrDLCFWHvvE",
  ],
  [
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMvuI169IYRQvVjnsjVYH7TscTc4MMff0Fa9XjqMhpnm3PlKeByrV95UalJTmOqwvnX0TIIQExCDFxmRkFCOoPQ=",
    "SHA256:sk1B9WqHPGLI+0mhUwsH3OSSQBmbniLhMizPk3cnxvI",
  ],
  [
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBP3YkFpBrGPoKUCEyovFNRHZD0PKAruFitpQBKNtkw8ES2SifdYQJs83YW36MjseJnKnpSVKfH70DwZCBWbb5Y3MczYNdFs+UE0K7WqbpomcghWs565pXmkVDjUa1R0gzQ== t",
    "SHA256:j3k3q501dG/5zj2vX/NHdgiK6HsiArFAnyxrsOUmNuw",
  ],
  [
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBADNX3ZAkQLoXMvjaL2mQiPIZickPxMpqv1ntosk8zVGImNdxLR4p6zCWbSPAr+DIK385EbMG90HbUlMcGF8wVqPPwAWgfjZoqXo16JjjWJXLclQ83jgIx8MtdBar06F5Px9LFRtEPbO9lRPY4sDH8vaR33JQrhhcO6x3dbvXQT40BTYoA== t",
    "SHA256:BvE5hu85622jBYcLGfPF4nvJDXrCT0XtZNGx+87HQQw",
  ],
  [
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDHaRxTq0B9i8ZhytAtkn2KA7PUcf4NFPKB4GLVBVcNw0fEiWAsUze08xoYtu+qAEY82oGji5tyKmJNkUCmZrOE7zZif0/Z6XHCVvQj7NhRmAFVnIM10pWYr1Tpj9BvrHjfjPzT/Y0PCCVSQ1D84ktCTTZzQXUojp4FJJjd1cLscUrwwJhSubQfpBoI1Xo8+sMny0M5I/Z5W4jRe8R3EUAZvO6W8Aq6EAPPrjDEkHDCgN2NydysVS5yqlUpjs/qb8md/Fnsb80XlWKiMKF7qPsc6OMWtEGtPM6mYRd4yD2TKH2O/ffYTUoUVbPpfvaA2a1aE3bfjP6cs5rc8Elqm+TX a comment of words",
    "SHA256:+KnZ9B77UygVgRCBHTuXb+6J2zGsFMsaIE+SsDB0XqE",
  ],
] as const;

function line(type: string, ...parts: readonly (string | Uint8Array)[]): string {
  return `${type} ${Buffer.concat([type, ...parts].map(sshString)).toString("base64")}`;
}

const point = (length: number, first = 4) => Uint8Array.of(first, ...new Uint8Array(length - 1).fill(7));
/** Positive and odd, with the top bit of its `bytes` bytes set. */
const modulus = (bytes: number) => Uint8Array.of(0, 0x80, ...new Uint8Array(bytes - 2).fill(1), 3);
const exponent = Uint8Array.of(1, 0, 1);

describe("accepted", () => {
  test.each(made)("key %# has OpenSSH's fingerprint, and is written as it was read", (text, fingerprint) => {
    const key = parseAuthorizedKey(text);
    expect(key.fingerprint).toBe(fingerprint);
    expect(key.fingerprintHex).toMatch(/^[0-9a-f]{64}$/);
    expect(`SHA256:${Buffer.from(key.fingerprintHex, "hex").toString("base64").replace("=", "")}`).toBe(fingerprint);
    expect(formatAuthorizedKey(key)).toBe(text);
  });

  test("keys on FIDO tokens", () => {
    expect(parseAuthorizedKey(line("sk-ssh-ed25519@openssh.com", new Uint8Array(32), "ssh:")).comment).toBe("");
    const ecdsa = line("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", point(65), "ssh:");
    expect(parseAuthorizedKey(ecdsa).type).toBe("sk-ecdsa-sha2-nistp256@openssh.com");
  });

  test("a comment does not change the key", () => {
    const [a, b] = [parseAuthorizedKey(sshKey(1, "a")), parseAuthorizedKey(sshKey(1, "b c"))];
    expect(a.data).toBe(b.data);
    expect(a.fingerprint).toBe(b.fingerprint);
    expect([a.comment, b.comment]).toEqual(["a", "b c"]);
  });
});

describe("refused", () => {
  test.each([
    ["", "starts with a space or is empty"],
    [` ${sshKey(1)}`, "starts with a space"],
    [`${sshKey(1)}\n${sshKey(2)}`, "contains a control character"],
    [`${sshKey(1)}\r`, "contains a control character"],
    [`${sshKey(1)}\u2028x`, "contains a control character"],
    [sshKey(1).replace(" ", "\t"), "contains a control character"],
    [sshKey(1).replace(" ", "  "), "is truncated|data is of type"],
    [`no-pty ${sshKey(1)}`, "has options in front"],
    [`command="a b" ${sshKey(1, "")}`, "has options in front"],
    [`restrict,command="true" ${sshKey(1)}`, "has options in front"],
    ["ssh-ed25519", "has no key data"],
    ["ssh-ed25519 ", "data is of type"],
    ["ssh-ed25519 AAA", "not canonical base64"],
    [`${sshKey(1, "").replace(/=*$/, "")}= x`, "not canonical base64"],
    ["ssh-dss AAAAB3NzaC1kc3M= x", "ssh-dss"],
    ["ssh-ed25519-cert-v01@openssh.com AAAA x", "is a certificate"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "is not a public key"],
    ["ssh-ed448 AAAA", 'unknown key type "ssh-ed448"'],
    ["constructor AAAA", "unknown key type"],
    [sshKey(1).replace("ssh-ed25519", "ssh-rsa"), 'is called ssh-rsa but its data is of type "ssh-ed25519"'],
    [line("ssh-ed25519", new Uint8Array(31)), "public key: it has 31 bytes"],
    [line("ssh-ed25519", new Uint8Array(32), ""), "has 2 parts where ssh-ed25519 has 1"],
    [line("ecdsa-sha2-nistp256", "nistp384", point(65)), "curve: it is not nistp256"],
    [line("ecdsa-sha2-nistp256", "nistp256", point(33, 2)), "point: it has 33 bytes"],
    [line("ecdsa-sha2-nistp256", "nistp256", point(65, 6)), "it is not uncompressed"],
    [line("sk-ssh-ed25519@openssh.com", new Uint8Array(32), ""), "application: it is empty"],
    [line("sk-ssh-ed25519@openssh.com", new Uint8Array(32)), "has 1 parts"],
    [line("ssh-rsa", exponent, modulus(128)), "modulus: it has 1024 bits"],
    [line("ssh-rsa", exponent, modulus(256).subarray(1)), "modulus: it is negative"],
    [line("ssh-rsa", exponent, Uint8Array.of(0, 0, ...modulus(256))), "it is not minimal"],
    [line("ssh-rsa", Uint8Array.of(2), modulus(256)), "exponent: it is even"],
    [line("ssh-rsa", "", modulus(256)), "exponent: it is zero"],
  ])("case %#", (text, reason) => {
    expect(() => parseAuthorizedKey(text)).toThrow(new RegExp(reason));
  });

  test("an RSA key of exactly 2048 bits is long enough", () => {
    expect(parseAuthorizedKey(line("ssh-rsa", exponent, modulus(256))).type).toBe("ssh-rsa");
  });

  test("a changed length anywhere in the blob is noticed", () => {
    const blob = Buffer.from(sshKey(5, "").split(" ")[1] ?? "", "base64");
    for (let end = 0; end < blob.length; end += 1) {
      expect(() => parseAuthorizedKey(`ssh-ed25519 ${blob.subarray(0, end).toString("base64")}`)).toThrow("SSH key");
    }
  });

  test("whatever is accepted is one line that reads back as the same key", () => {
    const piece = fc.constantFrom(...sshKey(3).split(" "), "ssh-rsa", " ", "\n", "#", '"', "x", "AAAA");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        let key: ReturnType<typeof parseAuthorizedKey>;
        try {
          key = parseAuthorizedKey(pieces.join(""));
        } catch {
          return;
        }
        expect(formatAuthorizedKey(key)).not.toMatch(/[\n\r]/);
        expect(parseAuthorizedKey(formatAuthorizedKey(key))).toEqual(key);
      }),
      { numRuns: 500 },
    );
  });
});
