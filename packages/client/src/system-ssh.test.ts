import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { exchangeOver } from "./exchange-over.ts";
import { isInstalled, parseSshCommand, sshArguments, systemSsh } from "./system-ssh.ts";

const plain = {
  destination: { user: "build", host: "signer" },
  port: undefined,
  identity: undefined,
  knownHosts: undefined,
};

/** What ssh itself understands. */
function understood(options: Parameters<typeof sshArguments>[0]): string {
  return execFileSync("ssh", ["-F", "none", "-G", ...sshArguments(options)], { encoding: "utf8" });
}

describe("the arguments", () => {
  test("end with the destination and the word, if there is one", () => {
    expect(sshArguments(plain, "batch").slice(-3)).toEqual(["--", "build@signer", "batch"]);
    expect(sshArguments(plain).slice(-2)).toEqual(["--", "build@signer"]);
    expect(sshArguments({ ...plain, destination: { user: undefined, host: "signer" } }).at(-1)).toBe("signer");
  });

  test("are understood by ssh", () => {
    const answer = understood({ ...plain, port: 2222, identity: "/k/id", knownHosts: "/k/hosts" });
    for (const line of [
      "user build",
      "hostname signer",
      "port 2222",
      "identityfile /k/id",
      "forwardagent no",
      "userknownhostsfile /k/hosts",
      "globalknownhostsfile /dev/null",
    ]) {
      expect(answer).toContain(`${line}\n`);
    }
  });

  test.each(["a b", "~x", "50%", "%h", "#", "-o", "it's", "$x", "ä"])("a key file named %j stays that", (name) => {
    // ssh -G shows the value before it expands percent signs.
    expect(understood({ ...plain, identity: name })).toContain(`identityfile ${resolve(name).replaceAll("%", "%%")}\n`);
  });

  test.each(['"', "\\", "\n", "$" + "{HOME}"])("a path with %j is refused", (part) => {
    expect(() => sshArguments({ ...plain, knownHosts: `a${part}b` })).toThrow(
      expect.objectContaining({ code: "usage" }),
    );
  });
});

test("the command is split at blanks", () => {
  expect(parseSshCommand(" ssh  -J jump\t-v ")).toEqual(["ssh", "-J", "jump", "-v"]);
  expect(() => parseSshCommand("  ")).toThrow("names no command");
});

test("ssh is looked for along the search path", () => {
  expect(isInstalled("sh", "/nowhere:/bin")).toBe(true);
  expect(isInstalled("sh", "/nowhere:")).toBe(false);
  expect(isInstalled("etc", "/")).toBe(false);
});

describe("a program that is no ssh", () => {
  const exchange = (program: string, ...words: string[]) =>
    exchangeOver(systemSsh({ ...plain, command: [program, ...words] }), "signer", 5000)("{}");

  test("that is missing", async () => {
    await expect(exchange("/nowhere/ssh")).rejects.toMatchObject({ code: "connection-failed", exit: 69 });
  });

  test("that reads nothing and says nothing gives an empty answer", async () => {
    expect(await exchange("true")).toHaveLength(0);
  });

  test("that ends 255 is a failed connection, another status the server's", async () => {
    await expect(exchange("sh", "-c", "exit 255", "--")).rejects.toMatchObject({ exit: 69 });
    await expect(exchange("sh", "-c", "exit 75", "--")).rejects.toMatchObject({ exit: 75 });
  });
});
