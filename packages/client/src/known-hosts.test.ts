import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { checkHostKey, knownKeyTypes, matchesName, parseKnownHosts } from "./known-hosts.ts";

const folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
afterAll(() => rmSync(folder, { recursive: true }));

function makeKey(type: string): string {
  const path = join(folder, `key-${type}-${Math.random()}`);
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "", "-f", path]);
  return readFileSync(`${path}.pub`, "utf8").trim();
}

function blob(line: string): Uint8Array {
  return new Uint8Array(Buffer.from(line.split(" ")[1] ?? "", "base64"));
}

const [one, two, ecdsa] = [makeKey("ed25519"), makeKey("ed25519"), makeKey("ecdsa")];
const at22 = { host: "signer.example", port: 22 };
const at2222 = { host: "signer.example", port: 2222 };

function verdict(text: string, at = at22, key = one): string {
  return checkHostKey(parseKnownHosts(text), at, blob(key));
}

describe("verdicts", () => {
  test("a listed key is known, another key means changed, an unlisted host is unknown", () => {
    expect(verdict(`signer.example ${one}\n`)).toBe("known");
    expect(verdict(`signer.example ${two}\n`)).toBe("changed");
    expect(verdict(`other.example ${one}\n`)).toBe("unknown");
    expect(verdict("")).toBe("unknown");
  });

  test("any of several keys will do", () => {
    expect(verdict(`signer.example ${two}\nsigner.example ${ecdsa}\nsigner.example ${one}\n`)).toBe("known");
  });

  test("a revoked key is revoked wherever the line stands and however the host is written", () => {
    expect(verdict(`signer.example ${one}\n@revoked signer.example ${one}\n`)).toBe("revoked");
    expect(verdict(`@revoked * ${one}\nsigner.example ${one}\n`)).toBe("revoked");
    expect(verdict(`[signer.example]:2222 ${one}\n@revoked signer.example ${one}\n`, at2222)).toBe("revoked");
    expect(verdict(`@revoked * ${two}\nsigner.example ${one}\n`)).toBe("known");
    expect(verdict(`@revoked other.example ${one}\nsigner.example ${one}\n`)).toBe("known");
  });

  test("a certificate authority is not taken for a host key", () => {
    expect(verdict(`@cert-authority *.example ${one}\n`)).toBe("certificates-only");
    expect(verdict(`@cert-authority *.example ${two}\nsigner.example ${one}\n`)).toBe("known");
  });

  test("another port has its own name, with the plain host as a fallback only", () => {
    expect(verdict(`[signer.example]:2222 ${one}\n`, at2222)).toBe("known");
    expect(verdict(`[signer.example]:2222 ${one}\n`, at22)).toBe("unknown");
    expect(verdict(`signer.example ${one}\n`, at2222)).toBe("known");
    expect(verdict(`[signer.example]:2222 ${two}\nsigner.example ${one}\n`, at2222)).toBe("changed");
  });

  test("wildcards and negation", () => {
    expect(verdict(`*.example,!signer.example ${one}\n`)).toBe("unknown");
    expect(verdict(`!signer.example,*.example ${one}\n`)).toBe("unknown");
    expect(verdict(`!other.example,*.example ${one}\n`)).toBe("known");
    expect(verdict(`SIGNER.exampl? ${one}\n`)).toBe("known");
    expect(verdict(`!other.example ${one}\n`)).toBe("unknown");
  });

  test("lines that are no entries are skipped", () => {
    const broken = [
      "# comment",
      "",
      "signer.example",
      "signer.example ssh-ed25519",
      "signer.example ssh-ed25519 AAAA",
      `signer.example ssh-rsa ${one.split(" ")[1]}`,
      `@unknown signer.example ${two}`,
    ];
    expect(parseKnownHosts(`${broken.join("\n")}\n  signer.example\t${one} comment\r\n`)).toHaveLength(1);
    expect(verdict(`${broken.join("\n")}\n  signer.example\t${one} comment\r\n`)).toBe("known");
  });
});

test("the types to ask the server for are those of plain entries", () => {
  const entries = parseKnownHosts(`signer.example ${ecdsa}\n@revoked signer.example ${one}\n`);
  expect(knownKeyTypes(entries, at22)).toEqual(["ecdsa-sha2-nistp256"]);
});

test("names hashed by ssh-keygen -H are found, with and without a port", () => {
  const path = join(folder, "hashed");
  writeFileSync(path, `signer.example ${one}\n[signer.example]:2222 ${two}\n`);
  execFileSync("ssh-keygen", ["-H", "-f", path], { stdio: "ignore" });
  const hashed = readFileSync(path, "utf8");
  expect(hashed).not.toContain("signer");
  expect(verdict(hashed)).toBe("known");
  expect(verdict(hashed, at2222, two)).toBe("known");
  expect(verdict(hashed, at2222, one)).toBe("changed");
  expect(verdict(hashed, { host: "Signer.Example", port: 22 })).toBe("known");
  expect(verdict(hashed, { host: "other.example", port: 22 })).toBe("unknown");
});

test("the same lines are found as by ssh-keygen -F", () => {
  const word = fc
    .array(fc.constantFrom("a", "b", "*", "?", "."), { minLength: 1, maxLength: 4 })
    .map((characters) => characters.join(""));
  const bracketed = word.map((host) => `[${host}]:2222`);
  const pattern = fc.tuple(fc.constantFrom("", "", "!"), fc.oneof(word, bracketed)).map(([not, host]) => not + host);
  const hosts = fc.array(pattern, { minLength: 1, maxLength: 3 }).map((patterns) => patterns.join(","));
  const name = fc
    .array(fc.constantFrom("a", "b", "."), { minLength: 1, maxLength: 4 })
    .chain((characters) => fc.constantFrom(characters.join(""), `[${characters.join("")}]:2222`));
  const path = join(folder, "random");
  fc.assert(
    fc.property(fc.array(hosts, { minLength: 1, maxLength: 30 }), name, (lines, wanted) => {
      writeFileSync(path, lines.map((line) => `${line} ${one}\n`).join(""));
      const answer = spawnSync("ssh-keygen", ["-F", wanted, "-f", path], { encoding: "utf8" });
      const theirs = [...answer.stdout.matchAll(/found: line (\d+)/g)].map(([, line]) => Number(line));
      const ours = lines.flatMap((line, i) => (matchesName(line, wanted) ? [i + 1] : []));
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 60 },
  );
});

test("a pattern of stars takes no time", () => {
  const started = performance.now();
  expect(matchesName(`${"*a".repeat(200)}b`, "a".repeat(2000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(1000);
});
