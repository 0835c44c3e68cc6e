import { request } from "node:https";
import { expect, test } from "vitest";
import { provisioned, startSoftNethsm } from "./testing.ts";

function get(url: string, fingerprint: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { rejectUnauthorized: false, agent: false }, (response) => {
      const socket = response.socket as import("node:tls").TLSSocket;
      const seen = socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase();
      if (`sha256:${seen}` !== fingerprint) reject(new Error(`certificate is ${seen}`));
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end();
  });
}

test("a fresh device answers over TLS with the certificate that it announces", async () => {
  const device = await startSoftNethsm();
  try {
    const { status, text } = await get(`${device.url}/health/state`, device.tlsFingerprint);
    expect({ status, text }).toEqual({ status: 200, text: '{"state":"Unprovisioned"}' });
  } finally {
    await device.close();
  }
});

test("a provisioned device has a user of each role", async () => {
  const device = await provisioned();
  try {
    const { admin } = device.users;
    const answer = await device.request("GET", "/users", { user: [admin.name, admin.passphrase] });
    expect(answer.json()).toEqual([{ user: "admin" }, { user: "backup" }, { user: "metrics" }, { user: "operator" }]);
    expect((await get(`${device.url}/health/ready`, device.tlsFingerprint)).status).toBe(200);
  } finally {
    await device.close();
  }
});

test("a device goes on from a snapshot of another; without what was in its memory it is locked", async () => {
  let now = 0;
  await using first = await provisioned({ uptime: () => now });
  const { admin } = first.users;
  const snapshot = first.snapshot();
  const user = [admin.name, admin.passphrase] as const;
  expect((await first.request("DELETE", "/users/backup", { user })).status).toBe(204);
  await using second = await startSoftNethsm({ from: snapshot, uptime: () => now });
  expect((await second.request("GET", "/users/backup", { user: [admin.name, "a wrong one"] })).status).toBe(401);
  expect((await second.request("GET", "/users/backup", { user })).status).toBe(429);
  now += 1000;
  expect((await second.request("GET", "/users/backup", { user })).status).toBe(200);
  await using third = await startSoftNethsm({ from: { ...snapshot, domainKey: undefined } });
  expect((await third.request("GET", "/health/state")).json()).toEqual({ state: "Locked" });
});
