import { linkSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { freshSha512 } from "@signstar/hash-state/sha512-state";
import {
  type Behaviour,
  CredentialsService,
  recordedFiles,
  refusedFiles,
} from "@signstar/host/testing/credentials-service";
import { dearmor } from "@signstar/openpgp/armor";
import { checkDetached } from "@signstar/signing/check";
import { encodeSigningRequest } from "@signstar/signing-request/request";
import { parseSigningResponse } from "@signstar/signing-request/response";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Ended, Stand } from "./stand.ts";

const state = { ...freshSha512, tail: Buffer.from("the file\n") };
const request = encodeSigningRequest({ state, optional: [] });
const name = "signstar-download-signature";
const misconfigured = { code: 78, out: "", err: `${name}: error: the service is not set up correctly\n` };
const current = recordedFiles["operator-passphrase"];

let stand: Stand;
let service: CredentialsService | undefined;
beforeAll(async () => {
  stand = await Stand.make();
});
beforeEach(async () => {
  await stand.reset();
  await stand.ready();
  rmSync(stand.credential(""));
  stand.configure({ secrets: "systemd-creds" });
});
afterEach(async () => {
  await service?.[Symbol.asyncDispose]();
  service = undefined;
});
afterAll(() => stand[Symbol.asyncDispose]());

async function systemd(behaviour?: Behaviour): Promise<CredentialsService> {
  service = await CredentialsService.listen(join(stand.root, "/run/systemd/io.systemd.Credentials"), behaviour);
  return service;
}

const credential = (content: string, suffix = ""): string => stand.credential(content, suffix, "operator", "creds");
const refusals = (): unknown[] => stand.entries().filter(({ event }) => event === "refusal");

async function expectSigned({ code, out, err }: Ended): Promise<void> {
  expect({ code, err }).toEqual({ code: 0, err: "" });
  if (stand.certificate === undefined) throw new Error("no certificate to check with");
  const packet = dearmor(parseSigningResponse(Buffer.from(out)).signature).bytes;
  await checkDetached({ packet, certificate: stand.certificate, state });
}

describe("a passphrase that systemd has encrypted", () => {
  test("is decrypted by systemd for the program that signs", async () => {
    const { calls } = await systemd();
    credential(current);
    await expectSigned(await stand.run(request));
    expect(calls).toHaveLength(1);
  });

  test("that is not in force yet leaves the one before", async () => {
    const { calls } = await systemd();
    credential(recordedFiles["earlier-passphrase"]);
    credential(current, ".old");
    await expectSigned(await stand.run(request));
    expect(calls).toHaveLength(2);
  });

  test("may be the old one alone, where the new one never came", async () => {
    await systemd();
    credential(current, ".old");
    await expectSigned(await stand.run(request));
  });

  test("is none beside a plain one, which is not read", async () => {
    await systemd();
    stand.credential("operator-passphrase");
    expect(await stand.run(request)).toEqual(misconfigured);
    expect(refusals()).toEqual([expect.objectContaining({ code: "credential-missing" })]);
  });

  test.each(Object.entries(refusedFiles))("%s is no passphrase, and the journal says why", async (_, content) => {
    await systemd();
    credential(content);
    expect(await stand.run(request)).toEqual(misconfigured);
    expect(refusals()).toEqual([
      expect.objectContaining({
        code: "credential-unusable",
        message: expect.stringContaining("io.systemd.Credentials."),
      }),
    ]);
  });

  test("is not read by way of a link or a second name, nor from a directory", async () => {
    const { calls } = await systemd();
    for (const plant of [symlinkSync, linkSync, (_: string, path: string) => mkdirSync(path)]) {
      const real = credential(current, ".real");
      const path = credential(current);
      rmSync(path);
      plant(real, path);
      expect(await stand.run(request)).toEqual(misconfigured);
      expect(refusals()).toEqual([expect.objectContaining({ code: "credential-unsafe" })]);
      rmSync(path, { recursive: true });
    }
    expect(calls).toEqual([]);
  });
});

describe("systemd", () => {
  test("is too old, or its socket is off", async () => {
    credential(current);
    expect(await stand.run(request)).toEqual(misconfigured);
    expect(refusals()).toEqual([
      expect.objectContaining({ code: "service-missing", hint: expect.stringContaining("systemd 256") }),
    ]);
  });

  test("does not answer: the client may try again", async () => {
    await systemd(() => undefined);
    credential(current);
    const later = `${name}: error: the service is not ready, try again later\n`;
    expect(await stand.run(request)).toEqual({ code: 75, out: "", err: later });
    expect(refusals()).toEqual([expect.objectContaining({ code: "service-failed" })]);
  });
});
