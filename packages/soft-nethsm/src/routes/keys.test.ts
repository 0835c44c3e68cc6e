import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { login, type ProvisionedSoftNethsm, provisioned, testUsers } from "../testing.ts";

const user = login(testUsers.admin);
const operator = login(testUsers.operator);
let hsm: ProvisionedSoftNethsm;

beforeAll(async () => {
  hsm = await provisioned();
});
afterAll(() => hsm.close());

const p256 = { type: "EC_P256", mechanisms: ["ECDSA_Signature"] };
const generate = (json: object) => hsm.request("POST", "/keys/generate", { user, json });
const get = async (id: string) => (await hsm.request("GET", `/keys/${id}`, { user })).json();

function form(parts: readonly (readonly [string, string])[]) {
  const body = parts.map(([name, text]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`);
  return {
    user,
    headers: { "content-type": 'multipart/form-data; boundary="b"' },
    body: Buffer.from(`${body.join("")}--b--\r\n`),
  };
}

test("a key is shown with its mechanisms in order, its tags sorted and only what it has", async () => {
  const mechanisms = ["RSA_Signature_PSS_SHA256", "RSA_Decryption_RAW", "RSA_Signature_PKCS1"];
  const restrictions = { tags: ["b", "a", "b"] };
  expect((await generate({ type: "RSA", mechanisms, length: 1024, id: "r", restrictions })).status).toBe(201);
  expect(await get("r")).toEqual({
    type: "RSA",
    mechanisms: ["RSA_Decryption_RAW", "RSA_Signature_PKCS1", "RSA_Signature_PSS_SHA256"],
    operations: 0,
    public: { modulus: expect.stringMatching(/^[\w+/]{171}=$/), publicExponent: "AQAB" },
    restrictions: { tags: ["a", "b"] },
  });
  await generate({ type: "Generic", mechanisms: ["AES_Encryption_CBC"], length: 129, id: "g" });
  expect(await get("g")).toEqual({
    type: "Generic",
    mechanisms: ["AES_Encryption_CBC"],
    operations: 0,
    restrictions: {},
  });
});

test.each([
  [{ ...p256, mechanisms: [] }, "Empty set of mechanisms"],
  [{ ...p256, mechanisms: ["EdDSA_Signature"] }, "Mechanism does not match key type"],
  [{ type: "RSA", mechanisms: ["RSA_Signature_PKCS1"] }, "RSA key length must be between 1024 and 8192."],
  [{ type: "Generic", mechanisms: ["AES_Encryption_CBC"], length: 8193 }, "Length must be between 128 and 8192."],
  [{ type: "EC_P224", mechanisms: ["ECDSA_Signature"] }, "Key type EC_P224 is not supported."],
])("%j is refused", async (json, message) => {
  const answer = await generate(json);
  expect([answer.status, answer.json()]).toEqual([400, { message }]);
});

test("a moved key keeps certificate, tags, label and counter", async () => {
  await generate({ ...p256, id: "old", label: "mine", restrictions: { tags: ["x"] } });
  await hsm.request("PUT", "/keys/old/cert", {
    user,
    body: Buffer.from("any bytes"),
    headers: { "content-type": "application/octet-stream" },
  });
  expect((await hsm.request("POST", "/keys/old/move", { user, json: { newId: "old" } })).status).toBe(409);
  expect((await hsm.request("POST", "/keys/old/move", { user, json: { newId: "new" } })).json()).toEqual({ id: "new" });
  expect(await get("new")).toMatchObject({ label: "mine", restrictions: { tags: ["x"] } });
  expect((await hsm.request("GET", "/keys/new/cert", { user })).text).toBe("any bytes");
  expect((await hsm.request("GET", "/keys/old", { user })).status).toBe(404);
});

test("lists go by prefix, by label and by what an operator may use", async () => {
  await generate({ ...p256, id: "list-1", label: "L" });
  await generate({ ...p256, id: "list-2", restrictions: { tags: ["other"] } });
  const ids = async (path: string, as = user) => (await hsm.request("GET", path, { user: as })).json();
  expect(await ids("/keys/list-*")).toEqual([{ id: "list-1" }, { id: "list-2" }]);
  expect(await ids("/keys?label=L")).toEqual([{ id: "list-1" }]);
  expect(await ids("/keys?filter", operator)).not.toContainEqual({ id: "list-2" });
  expect(await ids("/keys?filter", user)).toContainEqual({ id: "list-2" });
  expect((await hsm.request("GET", "/keys/*", { user })).status).toBe(400);
  expect((await hsm.request("DELETE", "/keys/list-*", { user })).status).toBe(400);
});

test("of two parts the one whose name sorts first is the JSON, in whatever order they come", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const key = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  const json = JSON.stringify({ mechanisms: ["RSA_Signature_PKCS1"] });
  const answer = await hsm.request(
    "PUT",
    "/keys/pkcs1",
    form([
      ["key_file", key],
      ["arguments", json],
    ]),
  );
  expect([answer.status, answer.text]).toEqual([204, ""]);
  expect(await get("pkcs1")).toMatchObject({ type: "RSA" });
  expect((await hsm.request("PUT", "/keys/x1", form([["a", json]]))).status).toBe(400);
  expect(
    (
      await hsm.request(
        "PUT",
        "/keys/x1",
        form([
          ["a", json],
          ["b", `${key}${key}`],
        ]),
      )
    ).status,
  ).toBe(400);
  const { privateKey: dh } = generateKeyPairSync("x25519");
  const other = dh.export({ type: "pkcs8", format: "pem" }).toString();
  expect(
    (
      await hsm.request(
        "PUT",
        "/keys/x1",
        form([
          ["a", json],
          ["b", other],
        ]),
      )
    ).status,
  ).toBe(400);
});

test("a PEM key whose numbers do not belong together is refused", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const { qi = "", ...jwk } = privateKey.export({ format: "jwk" });
  const bent = Buffer.from(qi, "base64url");
  bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 2;
  const key = createPrivateKey({ key: { ...jwk, qi: bent.toString("base64url") }, format: "jwk" });
  const file = key.export({ type: "pkcs8", format: "pem" }).toString();
  const json = JSON.stringify({ mechanisms: [] });
  const parts = form([
    ["arguments", json],
    ["key_file", file],
  ]);
  expect((await hsm.request("PUT", "/keys/bent", parts)).json()).toEqual({
    message: "Invalid RSA key: its numbers do not belong together.",
  });
});

const bytes = (length: number, fill: number) => Buffer.alloc(length, fill).toString("base64");
test.each([
  ["a scalar of zero", { type: "EC_P256", private: { data: bytes(32, 0) } }],
  ["a scalar beyond the order", { type: "EC_P256", private: { data: bytes(32, 255) } }],
  ["65 bytes for P-521", { type: "EC_P521", private: { data: bytes(65, 1) } }],
  ["equal primes", { type: "RSA", private: { primeP: "+w==", primeQ: "+w==", publicExponent: "AQAB" } }],
  ["a composite prime", { type: "RSA", private: { primeP: "+w==", primeQ: "8w==", publicExponent: "AQAB" } }],
  ["an even exponent", { type: "RSA", private: { primeP: "+w==", primeQ: "8Q==", publicExponent: "Ag==" } }],
  ["a missing prime", { type: "RSA", private: { primeP: "+w==", publicExponent: "AQAB" } }],
  ["data for RSA", { type: "RSA", private: { data: bytes(32, 1) } }],
])("import refuses %s", async (_, json) => {
  const answer = await hsm.request("PUT", "/keys/bad", { user, json: { ...json, mechanisms: [] } });
  expect([answer.status, answer.text.includes("message")]).toEqual([400, true]);
});

test("keys of a namespace and of the root do not see each other", async () => {
  const inside = ["space~admin", "passphrase of it"] as const;
  const json = { realName: "", role: "Administrator", passphrase: inside[1] };
  await hsm.request("PUT", "/users/space~admin", { user, json });
  await hsm.request("PUT", "/namespaces/space", { user });
  await generate({ ...p256, id: "same" });
  expect((await hsm.request("GET", "/keys", { user: inside })).json()).toEqual([]);
  const made = await hsm.request("POST", "/keys/generate", { user: inside, json: { ...p256, id: "same" } });
  expect(made.status).toBe(201);
  expect((await hsm.request("DELETE", "/keys/same", { user: inside })).status).toBe(204);
  expect((await hsm.request("GET", "/keys/same", { user })).status).toBe(200);
});
