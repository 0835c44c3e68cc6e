import { afterAll, beforeAll, expect, test } from "vitest";
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "../testing.ts";

const admin = login(testUsers.admin);
const subAdmin = ["ns1~admin", "passphrase of ns1"] as const;
const person = (role: string) => ({ realName: "", role, passphrase: "passphrase of ns1" });
let hsm: ProvisionedSoftNethsm;

beforeAll(async () => {
  hsm = await provisioned();
});
afterAll(() => hsm.close());

test("a user may come before its namespace, but may do nothing until that exists", async () => {
  expect((await hsm.request("PUT", "/users/ns1~admin", { user: admin, json: person("Administrator") })).status).toBe(
    201,
  );
  expect((await hsm.request("GET", "/users", { user: subAdmin })).status).toBe(403);
  expect((await hsm.request("PUT", "/namespaces/ns1", { user: admin })).status).toBe(204);
  expect((await hsm.request("GET", "/users", { user: subAdmin })).json()).toEqual([{ user: "ns1~admin" }]);
});

test("once a namespace exists its users are its own business", async () => {
  const json = person("Operator");
  const refused = await hsm.request("PUT", "/users/ns1~other", { user: admin, json });
  expect([refused.status, refused.text.includes("message")]).toEqual([403, true]);
  expect((await hsm.request("PUT", "/users/ns1~other", { user: subAdmin, json })).status).toBe(201);
  expect((await hsm.request("GET", "/users/ns1~other", { user: admin })).status).toBe(200);
  expect((await hsm.request("DELETE", "/users/ns1~other", { user: admin })).status).toBe(403);
  expect((await hsm.request("PUT", "/users/ns1~other/tags/x", { user: subAdmin })).status).toBe(204);
  expect((await hsm.request("PUT", "/users/ns1~other/tags/x", { user: subAdmin })).status).toBe(304);
  expect((await hsm.request("GET", "/users/ns1~other/tags", { user: admin })).json()).toEqual(["x"]);
  expect((await hsm.request("GET", "/users/operator", { user: subAdmin })).status).toBe(403);
});

test("POST /users/NS~ makes up the id", async () => {
  const answer = await hsm.request("POST", "/users/ns2~", { user: admin, json: person("Operator") });
  expect(answer.status).toBe(201);
  expect(answer.text).toMatch(/^\{"id":"ns2~[0-9a-f]{20}"\}$/);
  expect((await hsm.request("POST", "/users/operator", { user: admin, json: person("Operator") })).status).toBe(400);
});

test("nobody deletes themselves; passphrases have 10 to 200 bytes", async () => {
  const self = await hsm.request("DELETE", "/users/admin", { user: admin });
  expect(self.json()).toEqual({ message: "Users cannot delete themselves" });
  for (const [passphrase, status] of [
    ["ä".repeat(5), 204],
    ["a".repeat(9), 400],
    ["ä".repeat(101), 400],
  ] as const) {
    const answer = await hsm.request("POST", "/users/backup/passphrase", { user: admin, json: { passphrase } });
    expect([passphrase.length, answer.status]).toEqual([passphrase.length, status]);
  }
});

test("tags are for operators: reading another's is 404, setting them 400", async () => {
  expect((await hsm.request("GET", "/users/backup/tags", { user: admin })).status).toBe(404);
  expect((await hsm.request("PUT", "/users/backup/tags/x", { user: admin })).status).toBe(400);
  expect((await hsm.request("PUT", "/users/nobody/tags/x", { user: admin })).status).toBe(404);
  expect((await hsm.request("DELETE", "/users/operator/tags/x", { user: admin })).status).toBe(404);
});
