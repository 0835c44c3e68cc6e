import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { readEncryptedCredential } from "./encrypted-credentials.ts";
import {
  type Behaviour,
  CredentialsService,
  recordedErrors,
  recordedFiles,
  refusedFiles,
} from "./testing/credentials-service.ts";

const directory = mkdtempSync(join(tmpdir(), "signstar-encrypted-"));
afterAll(() => rmSync(directory, { recursive: true }));
const socketPath = join(directory, "io.systemd.Credentials");
let service: CredentialsService;
beforeEach(async () => {
  service = await CredentialsService.listen(socketPath);
});
afterEach(() => service[Symbol.asyncDispose]());

function file(content: string | Uint8Array, mode = 0o600): string {
  const path = join(directory, "operator.creds");
  rmSync(path, { force: true });
  writeFileSync(path, content, { mode });
  return path;
}

async function text(path: string): Promise<string> {
  using secret = await readEncryptedCredential(path, { socketPath });
  return secret.use((bytes) => Buffer.from(bytes).toString());
}

async function answering(behaviour: Behaviour): Promise<void> {
  await service[Symbol.asyncDispose]();
  service = await CredentialsService.listen(socketPath, behaviour);
}

const unusable = (message: string) =>
  expect.objectContaining({ code: "credential-unusable", exit: 78, message: expect.stringContaining(message) });

describe("an encrypted credential", () => {
  test("is decrypted by systemd, asked exactly as it was when recorded", async () => {
    expect(await text(file(recordedFiles["operator-passphrase"]))).toBe("operator-passphrase");
    expect(service.calls).toEqual([
      expect.stringMatching(/^\{"method":"io\.systemd\.Credentials\.Decrypt",.*"scope":"user"\}\}\0$/),
    ]);
  });

  test("may have one newline at its end, inside and outside", async () => {
    expect(await text(file(recordedFiles["with a newline\n"]))).toBe("with a newline");
    expect(await text(file(recordedFiles["earlier-passphrase"].replaceAll("\n", "")))).toBe("earlier-passphrase");
  });

  test.each(Object.entries(refusedFiles))("%s is refused, with the error's name", async (_, content) => {
    await expect(text(file(content))).rejects.toThrow(unusable("(io.systemd.Credentials."));
  });

  test.each([
    ["nothing", ""],
    ["a plain passphrase", "pass word"],
    ["a passphrase that looks like base64", "abcde"],
    ["no text", Uint8Array.of(0xff, 0xfe)],
    ["what would end the call", `${recordedFiles["operator-passphrase"].slice(0, 8)}","scope":"system`],
  ])("is not sent to systemd if it is %s", async (_, content) => {
    await expect(text(file(content))).rejects.toThrow(unusable("no credential encrypted by systemd"));
    expect(service.calls).toEqual([]);
  });

  test("is refused if there is nothing in it, or more than a passphrase", async () => {
    await expect(text(file(recordedFiles[""]))).rejects.toThrow(unusable("is empty or too long"));
    const data = Buffer.alloc(4097, "x").toString("base64");
    await answering((socket) => socket.write(`{"parameters":{"data":"${data}"}}\0`));
    await expect(text(file(recordedFiles["operator-passphrase"]))).rejects.toThrow(unusable("is empty or too long"));
  });

  test("is missing, unsafe or too long before anybody is asked", async () => {
    await expect(text(join(directory, "absent"))).rejects.toMatchObject({ code: "credential-missing", exit: 78 });
    await expect(text(file("AAAA", 0o640))).rejects.toMatchObject({ code: "credential-unsafe", exit: 78 });
    await expect(text(file("A".repeat(64 * 1024 + 4)))).rejects.toThrow(unusable("longer than 65536 bytes"));
    expect(service.calls).toEqual([]);
  });
});

describe("systemd", () => {
  test.each([
    [recordedErrors.methodNotFound, "systemd does not do this", /systemd 256/],
    [recordedErrors.invalidParameter, "systemd does not do this for users", /systemd 256/],
    [recordedErrors.system, "systemd cannot decrypt it (io.systemd.System 2)", /TPM/],
    ['{"error":"io.systemd.Credentials.KeyBelongsToOtherTPM"}\0', "another TPM", /machine/],
    ['{"error":"io.systemd.System","parameters":{"errnoName":"EIO","errno":5}}\0', "(io.systemd.System EIO)", /TPM/],
    ['{"error":"\\u001b[2J","parameters":{"errnoName":"a\\nb"}}\0', "systemd cannot decrypt it ()", /TPM/],
  ])("refuses with %j", async (reply, message, hint) => {
    await answering((socket) => socket.write(reply));
    const refused = expect.objectContaining({ hint: expect.stringMatching(hint) });
    await expect(text(file(recordedFiles["operator-passphrase"]))).rejects.toThrow(unusable(message));
    await expect(text(file(recordedFiles["operator-passphrase"]))).rejects.toThrow(refused);
  });

  test.each(['{"parameters":{}}\0', '{"parameters":{"data":7}}\0', '{"parameters":{"data":"!"}}\0'])(
    "answers without data: %s",
    async (reply) => {
      await answering((socket) => socket.write(reply));
      await expect(text(file(recordedFiles["operator-passphrase"]))).rejects.toMatchObject({
        code: "service-failed",
        exit: 75,
      });
    },
  );

  test("is too old, or its socket is not there", async () => {
    await service[Symbol.asyncDispose]();
    await expect(text(file(recordedFiles["operator-passphrase"]))).rejects.toMatchObject({
      code: "service-missing",
      exit: 78,
      hint: expect.stringContaining("systemd 256"),
    });
    service = await CredentialsService.listen(socketPath);
  });
});
