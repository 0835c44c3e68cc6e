// needs: gpg setpriv sq sqop sqv ssh sshd systemd-tmpfiles
/**
 * What one person can try without root: sshd serves as that person, every path below a directory of theirs. As root
 * this file runs itself once more as an ordinary user of an overlay, so that it is tried on every machine.
 */
import { copyFileSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { verifiers, verifyWith } from "@signstar/openpgp/testing/tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildIfStale } from "../../scripts/build.ts";
import { repository } from "../../scripts/bundle.ts";
import { type KeyTypeName, keyTypeNames } from "../../scripts/stage/appliance-config.ts";
import { spawnInOverlay } from "../../scripts/stage/overlay.ts";
import { findPlace } from "../../scripts/stage/stage.ts";
import { Appliance } from "./appliance.ts";
import { connectionLaws, prepareRequest } from "./connection-laws.ts";

const isRoot = process.geteuid?.() === 0;
const user = userInfo().username;
const openPgpUserId = "Own <own@example.org>";
const serve = (keyType: KeyTypeName) =>
  Appliance.start({
    place: findPlace(),
    users: [{ user, keyId: "releasekey", keyType, openPgpUserId }],
    more: () => ({ sshdConfig: "AcceptEnv *" }),
  });

describe.skipIf(isRoot)("as an ordinary user", () => {
  test.each(keyTypeNames)("a file is signed with %s", async (keyType) => {
    const appliance = await serve(keyType);
    try {
      const file = appliance.path("file");
      copyFileSync(join(repository, "package.json"), file);
      expect(appliance.sign(user, [`${user}@127.0.0.1`, file])).toMatchObject({ status: 0, stdout: "" });
      const signed = {
        certificate: readFileSync(appliance.certificate("releasekey")),
        signature: readFileSync(`${file}.sig`),
        data: readFileSync(file),
      };
      for (const verifier of verifiers) {
        expect(await verifyWith(verifier, signed), verifier).toMatchObject({ accepted: true });
      }
    } finally {
      await appliance.stop();
    }
  });

  describe("a connection", () => {
    let appliance: Appliance;
    let request: string;
    beforeAll(async () => {
      appliance = await serve("Ed25519");
      request = prepareRequest(appliance.path("input"));
    });
    afterAll(() => appliance?.stop());
    connectionLaws(() => ({ appliance, user, request }));
  });
});

test.runIf(isRoot)(
  "an ordinary user can run these tests",
  async () => {
    await buildIfStale();
    const vitest = `'${process.execPath}' node_modules/vitest/vitest.mjs run test/e2e/own-user.test.ts`;
    const script = `useradd --create-home --shell /bin/sh evaluator
cd '${repository}'
setpriv --reuid evaluator --regid evaluator --clear-groups env HOME=/home/evaluator \\
  ${vitest} --configLoader native --reporter json --outputFile.json=/tmp/report.json 2>&1 || true
echo
cat /tmp/report.json`;
    const child = spawnInOverlay({ writable: [], readable: [repository], command: ["sh", "-euc", script] });
    child.stdin?.end();
    const output = child.stdout === null ? "" : await text(child.stdout);
    const report = /^\{"numTotalTestSuites".*$/m.exec(output)?.[0];
    const counted = (report === undefined ? {} : JSON.parse(report)) as Readonly<Record<string, unknown>>;
    expect(counted, output).toMatchObject({ success: true, numFailedTests: 0 });
    expect(counted["numPassedTests"]).toBeGreaterThan(keyTypeNames.length);
  },
  240_000,
);
