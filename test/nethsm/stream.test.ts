/** Files that need not fit into memory do not have to: the client's own process is watched while they go through. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { NetHsm } from "@signstar/nethsm/client";
import { parseKeyId } from "@signstar/nethsm/ids";
import { Secret } from "@signstar/primitives/secret";
import { provisioned, startSoftNethsm, testPassphrases } from "@signstar/soft-nethsm/testing";
import { expect, test } from "vitest";

const mebibyte = 1024 * 1024;

test("a large backup and a large update pass through a client of flat memory", { timeout: 240_000 }, async () => {
  await using source = await provisioned();
  await using sink = await startSoftNethsm();
  using admin = new NetHsm(source.connection, { credentials: source.credentials.admin });
  const certificate = new Uint8Array(randomBytes(mebibyte));
  const ids = Array.from({ length: 64 }, (_, i) => parseKeyId(`k${i}`));
  for (const id of ids) {
    const data = Secret.take(new Uint8Array(randomBytes(32)));
    await admin.keys.import({ id, type: "Curve25519", mechanisms: ["EdDSA_Signature"], data });
    await admin.keys.setCertificate(id, certificate);
  }
  const program = join(import.meta.dirname, "stream-run.ts");
  const blocks = (96 * mebibyte) / 512;
  const { stdout } = await promisify(execFile)(process.execPath, [program, source.url, sink.url, String(blocks)], {
    env: { PATH: process.env["PATH"] },
  });
  const seen = JSON.parse(stdout) as { backup: number; update: number; notes: string; growth: number };
  console.log(`streams: ${stdout}`);
  expect(seen.notes).toBe("what is new");
  expect(seen.backup).toBeGreaterThan(64 * mebibyte);
  expect(seen.update).toBeGreaterThan(96 * mebibyte);
  // What V8 leaves uncollected for a while counts too; either file in memory would be more than this.
  expect(seen.growth).toBeLessThan(90 * mebibyte);

  // A device that is restored as a whole has the certificate of the one that it was made of.
  const connection = { url: sink.connection.url, tls: source.connection.tls };
  using restored = new NetHsm(connection, { credentials: source.credentials.operator });
  await restored.unlock(Secret.fromText(testPassphrases.unlock));
  expect((await restored.keys.list()).length).toBe(ids.length);
  expect(Buffer.from((await restored.keys.getCertificate(parseKeyId("k7"))) ?? []).equals(certificate)).toBe(true);
});
