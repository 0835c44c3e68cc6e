import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { freshSha512, type Sha512State } from "@signstar/hash-state/sha512-state";
import { parseKeyId, parseTag, parseUserId } from "@signstar/nethsm/ids";
import { dearmor } from "@signstar/openpgp/armor";
import { checkDetached } from "@signstar/signing/check";
import { encodeSigningRequest } from "@signstar/signing-request/request";
import { parseSigningResponse } from "@signstar/signing-request/response";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Ended, type KeyKind, keySetups, Stand } from "./stand.ts";

const state: Sha512State = { ...freshSha512, tail: Buffer.from("the file\n") };
// printf 'the file\\n' | sha512sum
const digest =
  "58c75c14b18a38fb5f64681808a13d58298665a7fcd82711dec8ede09e9ab9e06807a1d155591523b71626ad36f914b08ba4d929d156c02c7eb5d20a8a329bcf";
const request = encodeSigningRequest({
  state,
  optional: [
    ["file-name", "a\u001b[2Jb"],
    ["request-time", 1_700_000_001],
  ],
});
const kinds = Object.keys(keySetups) as KeyKind[];
const nonsense = "the service could not make a valid answer";
const misconfigured = "the service is not set up correctly";
const name = "signstar-download-signature";

const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.warn("skipped: that root is refused, which only root can try");

let stand: Stand;
beforeAll(async () => {
  stand = await Stand.make();
});
beforeEach(() => stand.reset());
afterAll(() => stand[Symbol.asyncDispose]());

async function expectSigned({ code, out, err }: Ended): Promise<void> {
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const { bytes, kind } = dearmor(parseSigningResponse(Buffer.from(out)).signature);
  expect(kind).toBe("PGP SIGNATURE");
  if (stand.certificate === undefined) throw new Error("no certificate to check with");
  await checkDetached({ packet: bytes, certificate: stand.certificate, state });
}

function refused(code: number, sentence: string): Ended {
  return { code, out: "", err: `${name}: error: ${sentence}\n` };
}

const events = (): unknown[] => stand.entries().map(({ event }) => event);
const codes = (): unknown[] => stand.entries().flatMap(({ code }) => (code === undefined ? [] : [code]));

describe("a signature", () => {
  test("is made, verifies, and leaves its entries in the journal", async () => {
    await stand.ready();
    await expectSigned(await stand.run(request, { SSH_CONNECTION: "192.0.2.7 50022 192.0.2.1 22" }));
    const [start, intent, verdict, end] = stand.entries();
    expect(stand.entries().map(({ event, seq }) => [event, seq])).toEqual([
      ["session-start", 1],
      ["intent", 2],
      ["verdict", 3],
      ["session-end", 4],
    ]);
    expect(new Set(stand.entries().map(({ session }) => session)).size).toBe(1);
    expect(start).toMatchObject({ program: name, user: "signer", peer_address: "192.0.2.7", peer_port: 50022 });
    const about = { request: start?.["session"], digest, key: "key1" };
    expect(intent).toMatchObject({
      ...about,
      user: "signer",
      size: 9,
      claimed_name: "a\u001b[2Jb",
      claimed_time: 1_700_000_001,
    });
    expect(intent?.["certificate"]).toMatch(/^[0-9a-f]{40}$/);
    expect(verdict).toMatchObject({
      ...about,
      outcome: "signed",
      device: stand.devices[0]?.url,
      certificate: intent?.["certificate"],
    });
    expect(verdict?.["signature"]).toMatch(/^[0-9a-f]{64}$/);
    expect(end).toMatchObject({ exit: 0 });
  });

  test.each(kinds)("is made with %s", async (kind) => {
    await stand.ready(kind);
    await expectSigned(await stand.run(request));
  });

  test.each(kinds)("with %s does not leave with one bit turned", async (kind) => {
    await stand.ready(kind, { fault: "sign:flip" });
    expect(await stand.run(request)).toEqual(refused(76, nonsense));
    expect(events()).toEqual(["session-start", "intent", "verdict", "session-end"]);
    expect(stand.entries().at(-2)).toMatchObject({ outcome: "failed", code: expect.stringMatching(/^bad-/) });
  });

  test("is made with the key and certificate on the device where none is stored", async () => {
    const device = await stand.device("Curve25519", {}, "fresh");
    stand.devices = [device];
    using admin = stand.as(device, "admin");
    await admin.keys.setCertificate(parseKeyId("key1"), (await stand.certify(device)).bytes);
    stand.configure();
    stand.credential("operator-passphrase");
    await expectSigned(await stand.run(request));
  });

  test.each(["2.2", "3.0"] as const)("is made with RSA on release %s", async (release) => {
    await stand.ready("RSA", { release });
    await expectSigned(await stand.run(request));
  });

  test("that is under way when the service is stopped does not leave, and the journal says why", async () => {
    await stand.ready("Curve25519", { fault: "sign:delay=1500ms" });
    const child = stand.start();
    child.stdin.end(request);
    await vi.waitFor(() => expect(events()).toContain("intent"), 5000);
    child.kill("SIGTERM");
    const code = new Promise((resolve) => child.once("close", resolve));
    expect([await text(child.stdout), await text(child.stderr), await code]).toEqual([
      "",
      `${name}: error: the service was stopped\n${name}: hint: try again later\n`,
      75,
    ]);
    expect(events()).toEqual(["session-start", "intent", "refusal", "session-end"]);
    expect(codes()).toEqual(["stopped"]);
  });

  test("is made while the device takes its time", async () => {
    await stand.ready("Curve25519", { fault: "sign:delay=1500ms" });
    await expectSigned(await stand.run(request));
  });
});

describe("a request is refused", () => {
  test.each([
    ["nothing", "", 65],
    ["what is no JSON", "hello", 65],
    ["an unknown member", request.replace('"required"', '"requited"'), 65],
    ["a request that is too long", `${request}${" ".repeat(70_000)}`, 65],
  ])("if it is %s", async (_, stdin, code) => {
    await stand.ready();
    const ended = await stand.run(stdin);
    expect([ended.code, ended.out]).toEqual([code, ""]);
    expect(ended.err).toMatch(
      /^signstar-download-signature: error: [^\n]+\n(signstar-download-signature: hint: [^\n]+\n)?$/,
    );
    expect(events()).toEqual(["session-start", "refusal", "session-end"]);
  });

  test("if it comes with a command", async () => {
    await stand.ready();
    const { code, out, err } = await stand.run(request, { SSH_ORIGINAL_COMMAND: "sh -c id" });
    expect([code, out]).toEqual([64, ""]);
    expect(err).toContain("error: the command 'sh -c id' is not one of this account\n");
    expect(events()).toEqual(["session-start", "refusal", "session-end"]);
    expect(stand.entries()[1]).toMatchObject({ code: "forbidden-words", seq: 2 });
    expect(stand.entries()[0]).toMatchObject({ user: "signer" });
  });

  test("for a user without mapping, and for one with another role", async () => {
    await stand.ready();
    stand.passwd("stranger");
    expect(await stand.run(request)).toEqual(refused(67, "this account has no task on this host"));
    // Nor can this name stand in a config.
    stand.passwd("Debian-exim");
    expect(await stand.run(request)).toEqual(refused(67, "this account has no task on this host"));
    expect(codes()).toEqual(["no-mapping"]);
    stand.passwd("signer");
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB client";
    const mapping = "[[users]]\n[users.system_only_wireguard_download]\nsystem_user = ";
    stand.configure({ mapping: `${mapping}"signer"\nssh_authorized_key = "${key}"` });
    expect(await stand.run(request)).toEqual(refused(77, "this is not allowed"));
    expect(codes()).toEqual(["wrong-role"]);
  });

  test.skipIf(!isRoot)("for root", async () => {
    await stand.ready();
    expect(await stand.run(request, {}, true)).toEqual(refused(77, "this is not allowed"));
    expect(codes()).toEqual(["root-refused"]);
  });

  test("where sshd's file about the session cannot be read", async () => {
    await stand.ready();
    expect(await stand.run(request, { SSH_USER_AUTH: "/nonexistent/auth" })).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["session-unreadable"]);
  });

  test("without a config", async () => {
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
  });

  test("without its journal, unless the config can do without", async () => {
    await stand.ready();
    await stand.stopJournal();
    expect(await stand.run(request)).toEqual(refused(75, "the service is not ready, try again later"));
    stand.configure({ tail: '[log]\naudit = "best-effort"' });
    await expectSigned(await stand.run(request));
  });
});

describe("a certificate is refused", () => {
  test("if others can write it", async () => {
    await stand.ready();
    if (stand.certificate !== undefined) chmodSync(stand.installCertificate(stand.certificate), 0o646);
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["certificate-unreadable"]);
  });

  test("if it is not the pinned one", async () => {
    await stand.ready();
    stand.configure({ more: `certificate_fingerprint = "${"0f".repeat(20)}"` });
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["pinned-fingerprint"]);
  });

  test("if it is nowhere", async () => {
    stand.devices = [await stand.device("Curve25519")];
    stand.configure();
    stand.credential("operator-passphrase");
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["certificate-missing"]);
  });

  test("if the device keeps something else in its place", async () => {
    const device = await stand.device("Curve25519", {}, "fresh");
    stand.devices = [device];
    using admin = stand.as(device, "admin");
    await admin.keys.setCertificate(parseKeyId("key1"), Buffer.from("garbage"));
    stand.configure();
    stand.credential("operator-passphrase");
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["certificate-unreadable"]);
  });
});

describe("a passphrase", () => {
  test("of an unfinished rotation is tried when the new one is refused", async () => {
    await stand.ready("Curve25519", {}, "fresh");
    stand.credential("not-yet-set-anywhere");
    stand.credential("operator-passphrase", ".old");
    await expectSigned(await stand.run(request));
  });

  test("that the device refuses is a fault of the appliance", async () => {
    await stand.ready("Curve25519", {}, "fresh");
    stand.credential("wrong-passphrase");
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["device-refused"]);
  });

  test("is not read from a file that others can read, nor through a link", async () => {
    await stand.ready();
    const path = stand.credential("operator-passphrase");
    chmodSync(path, 0o640);
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    rmSync(path);
    symlinkSync(stand.credential("operator-passphrase", ".real"), path);
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["credential-unsafe"]);
  });
});

describe("a device", () => {
  const unavailable = "the service is not available";

  test("that is locked, failing, cut off or gone cannot sign", async () => {
    const device = await stand.ready("Curve25519", {}, "fresh");
    using admin = stand.as(device, "admin");
    await admin.lock();
    expect(await stand.run(request)).toEqual(refused(69, unavailable));
    expect(codes()).toEqual(["wrong-state"]);
    await device.close();
    expect(await stand.run(request)).toEqual(refused(69, unavailable));
    expect(codes()).toEqual(["unreachable"]);
  });

  test.each([
    ["sign:status=500", "device-error"],
    ["sign:drop", "connection-lost"],
  ])("with %s cannot sign", async (fault, code) => {
    await stand.ready("Curve25519", { fault });
    expect(await stand.run(request)).toEqual(refused(69, unavailable));
    expect(codes()).toEqual([code]);
  });

  test("that is not the pinned one is told nothing", async () => {
    const device = await stand.ready();
    const path = join(stand.root, "/etc/signstar/config.toml");
    const config = readFileSync(path, "utf8");
    writeFileSync(path, config.replace(/sha256 = \["[0-9a-f]{64}"\]/, `sha256 = ["${"0f".repeat(32)}"]`));
    expect(await stand.run(request)).toEqual(refused(69, unavailable));
    expect(codes()).toEqual(["tls-pin-mismatch"]);
    const pins = { [device.url]: [device.tlsFingerprint.replace("sha256:", "")] };
    stand.write("/var/lib/signstar/tls-pins.json", JSON.stringify({ version: 1, devices: pins }), 0o644);
    await expectSigned(await stand.run(request));
  });

  test("that accepts connections and then says nothing does not hold up its client", async () => {
    const device = await stand.ready();
    const silent = createServer((socket) => socket.on("error", () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const hanging = { url: `https://127.0.0.1:${port}/api/v1`, tlsFingerprint: device.tlsFingerprint };
    stand.devices = [hanging];
    stand.configure();
    const began = performance.now();
    expect(await stand.run(request)).toEqual(refused(69, unavailable));
    expect(performance.now() - began).toBeLessThan(5000);
    expect(codes()).toEqual(["tls-timeout"]);
    // Two of them: the second one has no more than what the first has left.
    stand.devices = [hanging, { ...hanging, url: `https://localhost:${port}/api/v1` }];
    stand.configure();
    const again = performance.now();
    expect(await stand.run(request)).toEqual(refused(69, unavailable));
    expect(performance.now() - again).toBeLessThan(5000);
    expect(codes()).toEqual(["no-device"]);
    expect(stand.entries().find(({ event }) => event === "verdict")?.["ms"]).toBeLessThan(4500);
    stand.devices = [hanging, device];
    stand.configure();
    await expectSigned(await stand.run(request));
    silent.close();
  });

  test("that locks the user out of the key is set up wrongly", async () => {
    const device = await stand.ready("Curve25519", {}, "fresh");
    using admin = stand.as(device, "admin");
    await admin.users.removeTag(parseUserId("operator"), parseTag("tag1"));
    expect(await stand.run(request)).toEqual(refused(78, misconfigured));
    expect(codes()).toEqual(["device-refused"]);
  });

  test("that lies, holds another key or is gone is passed over", async () => {
    const gone = await stand.device("Curve25519", {}, "fresh");
    const failing = await stand.device("Curve25519", { fault: "sign:status=500" });
    const [other, otherKind, good] = [
      await stand.device("Curve25519", { fault: "sign:flip" }),
      await stand.device("EC_P256"),
      await stand.device("Curve25519"),
    ];
    stand.devices = [gone, failing, other, otherKind, good];
    stand.installCertificate(await stand.certify(good));
    stand.configure();
    stand.credential("operator-passphrase");
    await gone.close();
    const skipped: string[] = [];
    for (let run = 0; run < 4; run += 1) {
      await expectSigned(await stand.run(request));
      const verdict = stand.entries().find(({ event }) => event === "verdict");
      expect(verdict).toMatchObject({ outcome: "signed", device: good.url });
      skipped.push(String(verdict?.["skipped"] ?? ""));
    }
    // Where a run begins is chance: once in 625 times all four begin with the good one.
    expect(skipped.join()).toMatch(
      /https:\/\/127\.0\.0\.1:\d+\/api\/v1 (other-key|unreachable|device-error|bad-\w+)|^,,,$/,
    );
  });
});
