import { createPublicKey, verify } from "node:crypto";
import { request } from "node:https";
import { expect, test } from "vitest";
import { parseFaults } from "./fault.ts";
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "./testing.ts";

function send(hsm: ProvisionedSoftNethsm, path: string, body?: object): Promise<{ status: number; text: string }> {
  const { operator } = hsm.users;
  return new Promise((resolve, reject) => {
    const options = {
      method: body === undefined ? "GET" : "POST",
      rejectUnauthorized: false,
      agent: false,
      auth: `${operator.name}:${operator.passphrase}`,
    };
    const sent = request(`${hsm.url}${path}`, options, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test("a flipped signature is of the right form and does not verify", async () => {
  const hsm = await provisioned({ fault: "sign:flip,state:status=500,ready:delay=200ms,alive:drop" });
  try {
    const admin = login(testUsers.admin);
    const json = { id: "k", type: "Curve25519", mechanisms: ["EdDSA_Signature"] };
    await hsm.request("POST", "/keys/generate", { user: admin, json });
    const { text } = await send(hsm, "/keys/k/sign", { mode: "EdDSA", message: "YQ==" });
    const signature = Buffer.from((JSON.parse(text) as { signature: string }).signature, "base64");
    const key = createPublicKey((await hsm.request("GET", "/keys/k/public.pem", { user: admin })).text);
    expect([signature.length, verify(null, Buffer.from("a"), key, signature)]).toEqual([64, false]);
    expect((await send(hsm, "/health/state")).status).toBe(500);
    const started = performance.now();
    expect((await send(hsm, "/health/ready")).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(190);
    await expect(send(hsm, "/health/alive")).rejects.toThrow();
  } finally {
    await hsm.close();
  }
});

test.each(["", "sign", "sign:flop", "sign:delay=5", "sign:status=600", "sign:flip,", "SIGN:flip"])(
  "%j is no fault",
  (spec) => {
    expect(() => parseFaults(spec)).toThrow(expect.objectContaining({ code: "usage", exit: 64 }));
  },
);
