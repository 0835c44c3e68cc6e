/** What the device says of its TLS key, and certificates for it: against a software NetHSM. */
import { X509Certificate } from "node:crypto";
import { NetHsm } from "@signstar/nethsm/client";
import { provisioned } from "@signstar/soft-nethsm/testing";
import { afterAll, expect, test } from "vitest";
import { readTls } from "./actual-settings.ts";
import { issueTlsCertificate } from "./issue-tls-certificate.ts";

/** One of each release for all tests. */
const devices = { "2.2": await deviceOf("2.2"), "5.0": await deviceOf("5.0") };
afterAll(async () => {
  for (const { close } of Object.values(devices)) await close();
});

async function deviceOf(release: "2.2" | "5.0") {
  const soft = await provisioned({ release });
  const hsm = new NetHsm({ ...soft.connection, tls: { mode: "unsafe" } }, { credentials: soft.credentials.admin });
  const close = () => {
    hsm.close();
    return soft.close();
  };
  return { tls: hsm.config.tls, close };
}

test.each([
  ["RSA", 2048],
  ["Curve25519", undefined],
  ["EC_P384", undefined],
  ["BrainpoolP256", undefined],
] as const)("a key of type %s is known as such", async (type, length) => {
  const { tls } = devices["5.0"];
  await tls.generate(type, length);
  const read = readTls(await tls.publicPem(), await tls.getCertificate());
  expect(read).toMatchObject({ keyType: type, keyLength: length, subject: { CN: "keyfender" }, alternativeNames: [] });
});

test.each(["5.0", "2.2"] as const)("release %s takes a certificate for the names it asked for", async (release) => {
  const { tls } = devices[release];
  const names = release === "5.0" ? { subjectAltNames: ['odd", DNS:name', "IP:fd00::1", "IP:192.0.2.1"] } : {};
  const request = await tls.csr({ commonName: "hsm, exämple", countryName: "DE", emailAddress: "a@b", ...names });
  const chain = issueTlsCertificate(request, await tls.publicPem());
  await tls.setCertificate(chain);
  const found = readTls(await tls.publicPem(), await tls.getCertificate());
  expect(found.subject).toEqual({ CN: "hsm, exämple", C: "DE", emailAddress: "a@b" });
  const alternatives = ['DNS:odd", DNS:name', "IP Address:FD00:0:0:0:0:0:0:1", "IP Address:192.0.2.1"];
  expect(found.alternativeNames).toEqual(release === "5.0" ? alternatives : []);

  const [leaf, authority] = chain.split(/(?<=-----END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem));
  expect(authority !== undefined && leaf?.verify(authority.publicKey)).toBe(true);
  expect([leaf?.ca, authority?.ca]).toEqual([false, true]);
  expect(leaf?.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect(leaf?.validTo).toBe("Dec 31 23:59:59 9999 GMT");
});

test("a request for another key, or none, is not signed", async () => {
  const request = await devices["2.2"].tls.csr({ commonName: "hsm1" });
  const publicPem = await devices["5.0"].tls.publicPem();
  expect(() => issueTlsCertificate(request, publicPem)).toThrow("for another key than its own");
  expect(() => issueTlsCertificate("nothing", publicPem)).toThrow("request for a TLS certificate is none");
  const cut = request.replace(/\n.{64}\n/, "\n");
  expect(() => issueTlsCertificate(cut, publicPem)).toThrow("cannot be read");
});
