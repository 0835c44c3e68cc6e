import { Agent, request } from "node:https";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { login, provisioned, startSoftNethsm, testUsers } from "./testing.ts";

function send(
  url: string,
  agent: Agent,
  options: { method?: string; auth?: string; body?: string; headers?: object } = {},
) {
  const { method = "GET", auth, body, headers = {} } = options;
  return new Promise<{ status: number; text: string; headers: object; reused: boolean }>((resolve, reject) => {
    const settings = { method, agent, headers: { ...headers }, ...(auth === undefined ? {} : { auth }) };
    const sent = request(url, settings, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers, reused: sent.reusedSocket });
      });
    });
    sent.on("error", reject).end(body);
  });
}

const keptAlive = () => new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 1 });
const admin = `admin:${testUsers.admin.passphrase}`;

test("one connection serves many requests, refused ones among them", async () => {
  const hsm = await provisioned();
  const agent = keptAlive();
  try {
    const first = await send(`${hsm.url}/users`, agent, { auth: admin });
    expect(first.headers).toMatchObject({ date: expect.any(String), vary: expect.stringContaining("Accept") });
    const refused = await send(`${hsm.url}/users/x`, agent, { method: "PUT", auth: "x:y", body: "{}" });
    expect([refused.status, refused.reused]).toEqual([401, true]);
    const tags = `${hsm.url}/users/operator/tags/x`;
    const json = { "content-type": "application/json" };
    const changed = await send(tags, agent, { method: "PUT", auth: admin, headers: json });
    expect([changed.status, changed.reused]).toEqual([204, true]);
    const same = await send(tags, agent, { method: "PUT", auth: admin, headers: json });
    expect([same.status, same.text, same.reused]).toEqual([304, "", true]);
    expect((await send(`${hsm.url}/info`, agent, { method: "HEAD" })).text).toBe("");
  } finally {
    agent.destroy();
    await hsm.close();
  }
});

test("a body over the limit is refused by its announced length, and while it comes if it announces none", async () => {
  const hsm = await provisioned();
  const agent = keptAlive();
  try {
    const url = `${hsm.url}/keys/generate`;
    const body = "x".repeat(8 * 1024 * 1024);
    const headers = { "content-type": "application/json" };
    expect((await send(url, agent, { method: "POST", auth: admin, body, headers })).status).toBe(413);
    const chunked = { ...headers, "transfer-encoding": "chunked" };
    // Only announced lengths have the small limit.
    expect((await send(url, agent, { method: "POST", auth: admin, body, headers: chunked })).status).toBe(400);
    const huge = "x".repeat(68 * 1024 * 1024);
    expect((await send(url, agent, { method: "POST", auth: admin, body: huge, headers: chunked })).status).toBe(413);
    expect((await send(`${hsm.url}/users`, agent, { auth: admin })).status).toBe(200);
  } finally {
    agent.destroy();
    await hsm.close();
  }
});

test("a new TLS key is shown to new connections, and old ones go on", async () => {
  const hsm = await provisioned();
  const agent = keptAlive();
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(hsm.url);
      const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
        resolve(`sha256:${socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase()}`);
        socket.destroy();
      });
      socket.on("error", reject);
    });
  try {
    expect(await shown()).toBe(hsm.tlsFingerprint);
    await send(`${hsm.url}/info`, agent);
    const json = { type: "Curve25519" };
    const user = login(hsm.users.admin);
    expect((await hsm.request("POST", "/config/tls/generate", { user, json })).status).toBe(204);
    expect(await shown()).not.toBe(hsm.tlsFingerprint);
    expect((await send(`${hsm.url}/info`, agent)).reused).toBe(true);
  } finally {
    agent.destroy();
    await hsm.close();
  }
});

test("the end answers what is under way and does not wait for idle connections", async () => {
  const hsm = await startSoftNethsm({ fault: "state:delay=300ms" });
  const agents = [keptAlive(), keptAlive()] as const;
  await send(`${hsm.url}/info`, agents[0]);
  const slow = send(`${hsm.url}/health/state`, agents[1]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  const started = performance.now();
  await hsm.close();
  expect(performance.now() - started).toBeLessThan(3000);
  expect(await slow).toMatchObject({ status: 200, headers: { connection: "close" } });
  for (const agent of agents) agent.destroy();
});
