/** Another HTTP client than ours: what it makes of connections, HEAD, 304 and headers. */
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "@signstar/soft-nethsm/testing";
import { Client } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";

let hsm: ProvisionedSoftNethsm;
let client: Client;
let connections = 0;
const authorization = `Basic ${Buffer.from(login(testUsers.admin).join(":")).toString("base64")}`;

beforeAll(async () => {
  hsm = await provisioned();
  client = new Client(new URL(hsm.url).origin, { connect: { rejectUnauthorized: false } });
  client.on("connect", () => {
    connections += 1;
  });
});
afterAll(async () => {
  await client.close();
  await hsm.close();
});

async function send(method: "GET" | "HEAD" | "PUT" | "DELETE", path: string, headers: Record<string, string> = {}) {
  // undici would else give up a connection after HEAD, since many servers send a body there.
  const options = { method, path: `/api/v1${path}`, headers: { authorization, ...headers }, reset: false };
  const answer = await client.request(options);
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

test("one connection serves what is granted, refused, unchanged and asked for by HEAD", async () => {
  const user = await send("GET", "/users/operator");
  const { etag } = user.headers;
  expect(user).toMatchObject({ status: 200, text: '{"realName":"operator","role":"Operator"}' });
  const unchanged = await send("GET", "/users/operator", { "if-none-match": String(etag) });
  expect(unchanged).toMatchObject({ status: 304, text: "", headers: { etag } });
  const info = await send("GET", "/info");
  const head = await send("HEAD", "/info");
  expect(head).toMatchObject({ status: 200, text: "", headers: { "content-length": String(info.text.length) } });
  expect(await send("HEAD", "/users")).toMatchObject({ status: 405, headers: { allow: "GET,POST" } });
  expect(await send("GET", "/nothing")).toMatchObject({ status: 404, text: "Not found" });
  expect(await send("PUT", "/users/operator/tags/t")).toMatchObject({ status: 204, text: "" });
  expect(await send("PUT", "/users/operator/tags/t")).toMatchObject({ status: 304, text: "" });
  expect(await send("DELETE", "/users/operator/tags/t")).toMatchObject({ status: 204, text: "" });
  expect((await send("GET", "/users/operator")).status).toBe(200);
  expect(connections).toBe(1);
});

test("every answer has a Date, and says what it depends on", async () => {
  const { headers } = await send("GET", "/keys");
  expect(Date.parse(String(headers["date"]))).not.toBeNaN();
  expect(headers).toMatchObject({
    "content-type": "application/json",
    vary: "Accept, Accept-Encoding, Accept-Charset, Accept-Language",
  });
});
