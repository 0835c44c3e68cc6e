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
