import { toPem } from "@signstar/primitives/pem";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { selfSigned } from "../crypto/certificate.ts";
import { generateAsymmetric } from "../crypto/generate.ts";
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "../testing.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const user = login(testUsers.admin);
let hsm: ProvisionedSoftNethsm;

beforeAll(async () => {
  hsm = await provisioned();
});
afterAll(() => hsm.close());

const get = async (path: string) => (await hsm.request("GET", path, { user })).json();
const put = async (path: string, json: object) => (await hsm.request("PUT", path, { user, json })).status;
const ipv4 = { ipAddress: "10.0.0.2", netmask: "255.255.255.128", gateway: "0.0.0.0" };

test("a device begins with the settings of a fresh one, none of which has a tag yet", async () => {
  const network = await hsm.request("GET", "/config/network", { user });
  expect(network.json()).toEqual({ ipAddress: "192.168.1.1", netmask: "255.255.255.0", gateway: "0.0.0.0" });
  expect(network.headers["etag"]).toBeUndefined();
  expect(await get("/config/logging")).toEqual({ ipAddress: "0.0.0.0", port: 514, logLevel: "info" });
  expect(await get("/config/unattended-boot")).toEqual({ status: "off" });
});

test.each([
  [ipv4, 204],
  [{ ...ipv4, gateway: "10.0.0.1" }, 204],
  [{ ...ipv4, ipv6: { cidr: "fd00::2/64", gateway: "fd00::1" } }, 204],
  [{ ...ipv4, netmask: "255.0.255.0" }, 400],
  [{ ...ipv4, ipAddress: "10.0.0.256" }, 400],
  [{ ...ipv4, gateway: undefined }, 400],
  [{ ...ipv4, ipv6: { cidr: "fd00::2/129", gateway: null } }, 400],
  [{ ...ipv4, ipv6: { cidr: "fd00::2", gateway: null } }, 400],
])("network %j: %i", async (network, status) => {
  expect(await put("/config/network", network)).toBe(status);
  if (status === 204) expect(await get("/config/network")).toEqual(network);
});

test.each([
  [{ ipAddress: "fd00::1", port: 99999, logLevel: "debug" }, 204],
  [{ ipAddress: "syslog", port: 514, logLevel: "info" }, 400],
  [{ ipAddress: "10.0.0.1", port: 514.5, logLevel: "info" }, 400],
  [{ ipAddress: "10.0.0.1", port: 514, logLevel: "info", extra: true }, 400],
])("logging %j: %i", async (logging, status) => {
  expect(await put("/config/logging", logging)).toBe(status);
});

test.each([
  ["2030-01-01T00:00:00Z", 204],
  ["2030-01-01T00:00:00+00:00", 204],
  ["2030-01-01T00:00:00+01:00", 400],
  ["2030-13-01T00:00:00Z", 400],
  ["tomorrow", 400],
])("time %s: %i", async (time, status) => {
  expect(await put("/config/time", { time })).toBe(status);
});

test("the backup passphrase is changed with the current one", async () => {
  const change = (currentPassphrase: string, newPassphrase: string) =>
    put("/config/backup-passphrase", { currentPassphrase, newPassphrase });
  expect(await change("", "new passphrase")).toBe(403);
  expect(await change(hsm.backupPassphrase, "too short")).toBe(400);
  expect(await change(hsm.backupPassphrase, "new passphrase")).toBe(204);
  expect(await change("new passphrase", hsm.backupPassphrase)).toBe(204);
});

describe("the TLS certificate", () => {
  const putPem = (path: string, text: string, type = "application/x-pem-file") =>
    hsm.request("PUT", path, { user, body: Buffer.from(text), headers: { "content-type": type } });

  test("must be PEM, for the device's key, and a chain", async () => {
    const own = (await hsm.request("GET", "/config/tls/cert.pem", { user })).text;
    const stranger = toPem("CERTIFICATE", selfSigned(await generateAsymmetric("EC_P256"), "stranger"));
    expect((await putPem("/config/tls/cert.pem", own, "application/json")).status).toBe(415);
    for (const text of ["", "no PEM", stranger, own + stranger]) {
      expect([text, (await putPem("/config/tls/cert.pem", text)).status]).toEqual([text, 400]);
    }
    expect((await putPem("/config/tls/cert.pem", own)).status).toBe(201);
  });

  test("a cluster CA must be a CA that has signed it", async () => {
    const own = (await hsm.request("GET", "/config/tls/cert.pem", { user })).text;
    expect((await putPem("/config/tls/cluster-ca.pem", own)).status).toBe(400);
    expect((await putPem("/config/tls/cluster-ca.pem", "")).status).toBe(400);
    expect((await hsm.request("GET", "/config/tls/cluster-ca.pem", { user })).status).toBe(404);
  });

  test.each([
    [{ type: "EC_P256K1" }, 400],
    [{ type: "Generic", length: 256 }, 400],
    [{ type: "RSA" }, 400],
    [{ type: "EC_P384", length: 1 }, 204],
  ])("generate %j: %i", async (json, status) => {
    expect((await hsm.request("POST", "/config/tls/generate", { user, json })).status).toBe(status);
  });
});

describe("a cluster of one", () => {
  const urls = ["https://10.0.0.1:2380"];

  test("lists itself and refuses to change", async () => {
    expect(await get("/cluster/members")).toEqual([{ id: "deadbeef", name: "mock", urls: [], learner: false }]);
    const refused = { message: "cluster error: backend is not etcd" };
    expect((await hsm.request("POST", "/cluster/members", { user, json: { urls } })).json()).toEqual(refused);
    expect((await hsm.request("PUT", "/cluster/members/deadbeef", { user, json: { urls } })).json()).toEqual(refused);
    expect((await hsm.request("POST", "/cluster/members/deadbeef/promote", { user })).json()).toEqual(refused);
    expect((await hsm.request("DELETE", "/cluster/members/abc", { user })).status).toBe(404);
    expect((await hsm.request("DELETE", "/cluster/members/xyz", { user })).status).toBe(400);
    expect((await hsm.request("POST", "/cluster/members", { user, json: { urls: ["http://x"] } })).status).toBe(400);
  });

  test("a joiner kit must open before anything else counts", async () => {
    const members = [
      { name: "", urls },
      { name: "other", urls },
    ];
    const kit = { backup_salt: "AAAAAAAAAAAAAAAAAAAAAA==", unlock_salt: "AAAA", locked_domain_key: "AAAA" };
    const joinerKit = Buffer.from(JSON.stringify(kit)).toString("base64");
    const join = async (json: object) => (await hsm.request("POST", "/cluster/join", { user, json })).json();
    expect(await join({ members, joinerKit, backupPassphrase: "x" })).toEqual({
      message: "Joiner kit cannot be decrypted. Is the passphrase correct?",
    });
    expect(await join({ members: members.slice(1), joinerKit, backupPassphrase: "x" })).toEqual({
      message: "At least two members are needed, exactly one of them without a name.",
    });
  });
});
