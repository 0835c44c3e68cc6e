import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toUtf8 } from "@signstar/primitives/bytes";
import { parseSigningRequest } from "@signstar/signing-request/request";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { ClientError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { signFiles } from "./sign-files.ts";
import { SoftwareSigner } from "./testing/software-signer.ts";

const folder = mkdtempSync(join(tmpdir(), "sign-"));
afterAll(() => rmSync(folder, { recursive: true }));

const signer = new SoftwareSigner();
const honest: Exchange = async (request) => {
  return toUtf8(signer.response(parseSigningRequest(toUtf8(request)).input.state));
};
const fails =
  (code: ClientError["code"]): Exchange =>
  async () => {
    throw new ClientError(code, "no");
  };

let notes: string[] = [];
beforeEach(() => {
  notes = [];
});

let runs = 0;
/** Signs as many files as there are exchanges, each over its own. */
async function sign(...exchanges: readonly Exchange[]): Promise<readonly string[]> {
  runs += 1;
  const files = exchanges.map((_, i) => join(folder, `${runs}-${i}`));
  for (const file of files) writeFileSync(file, file);
  const left = [...exchanges];
  await signFiles({
    files,
    targets: files.map((file) => `${file}.asc`),
    batch: undefined,
    skipExisting: false,
    exchange: (request) => (left.shift() ?? fails("usage"))(request),
    layout: "final",
    certificate: undefined,
    armor: true,
    force: false,
    write: () => undefined,
    note: (line) => notes.push(line),
    status: () => undefined,
  });
  return files;
}

test("good files are signed in silence", async () => {
  const files = await sign(honest, honest);
  expect(notes).toEqual([]);
  for (const file of files) expect(readFileSync(`${file}.asc`, "utf8")).toMatch(/^-----BEGIN PGP SIGNATURE-----\n/);
});

describe("failures", () => {
  test("of a single file are thrown as they are", async () => {
    await expect(sign(fails("no-answer"))).rejects.toMatchObject({ code: "no-answer", exit: 75 });
    expect(notes).toEqual([]);
  });

  test("of several end with the first one's exit code", async () => {
    await expect(sign(honest, fails("no-answer"), fails("cannot-create"), honest)).rejects.toMatchObject({
      code: "some-failed",
      exit: 75,
      message: `2 of 4 files not signed: ${folder}/${runs}-1, ${folder}/${runs}-2`,
    });
    expect(notes).toEqual([`${folder}/${runs}-1: no`, `${folder}/${runs}-2: no`]);
    expect(existsSync(join(folder, `${runs}-3.asc`))).toBe(true);
  });

  test("of several end with 76 if one answer was not to be believed", async () => {
    await expect(sign(fails("no-answer"), fails("not-this-file"))).rejects.toMatchObject({ exit: 76 });
  });

  test("to connect, twice in a row, end the run; once does not", async () => {
    const down = fails("connection-failed");
    await expect(sign(down, honest, down, honest)).rejects.toThrow("2 of 4 files not signed");
    await expect(sign(down, down, honest)).rejects.toThrow(`not tried: ${folder}/${runs}-2`);
    expect(existsSync(join(folder, `${runs}-2.asc`))).toBe(false);
  });

  test("of ours are not taken for the file's", async () => {
    const bug: Exchange = async () => {
      throw new TypeError("bug");
    };
    await expect(sign(bug, honest)).rejects.toThrow(TypeError);
  });
});
