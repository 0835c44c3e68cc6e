import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { login, type ProvisionedSoftNethsm, provisioned, startSoftNethsm, testUsers } from "./testing.ts";

const admin = login(testUsers.admin);
const operator = login(testUsers.operator);
let hsm: ProvisionedSoftNethsm;

beforeAll(async () => {
  hsm = await provisioned();
});
afterAll(() => hsm.close());

describe("the order of the checks", () => {
  test("an unknown route is told from everything else by its text", async () => {
    const answer = await hsm.request("GET", "/nothing", { user: admin });
    expect([answer.status, answer.text]).toEqual([404, "Not found"]);
  });

  test("the state comes before the method, the method before credentials", async () => {
    expect((await hsm.request("PATCH", "/unlock")).status).toBe(412);
    expect((await hsm.request("PATCH", "/users")).status).toBe(501);
    const answer = await hsm.request("DELETE", "/users");
    expect([answer.status, answer.headers["allow"]]).toEqual([405, "GET,POST"]);
    expect((await hsm.request("OPTIONS", "/users")).status).toBe(405);
  });

  test("the length of the target comes before the method", async () => {
    expect((await hsm.request("DELETE", `/keys?label=${"a".repeat(2000)}`)).status).toBe(414);
  });

  test("credentials come before the role, the role before the size of the body", async () => {
    const headers = { accept: "text/plain" };
    const body = new Uint8Array(1024 * 1024 + 1);
    expect((await hsm.request("POST", "/keys/generate", { headers, body })).status).toBe(401);
    expect((await hsm.request("POST", "/keys/generate", { headers, body, user: operator })).status).toBe(403);
    expect((await hsm.request("POST", "/keys/generate", { headers, body, user: admin })).status).toBe(413);
  });

  test("Accept comes before existence, preconditions before Content-Type, that before the body", async () => {
    const refusing = { user: admin, headers: { accept: "text/plain" } };
    expect((await hsm.request("GET", "/keys/none", refusing)).status).toBe(406);
    expect((await hsm.request("GET", "/keys/none", { user: admin })).status).toBe(404);
    const plain = { "content-type": "text/plain" };
    const matching = { user: admin, headers: { ...plain, "if-match": "*" } };
    expect((await hsm.request("PUT", "/users/new", matching)).status).toBe(412);
    expect((await hsm.request("PUT", "/users/new", { user: admin, headers: plain })).status).toBe(415);
    const answer = await hsm.request("PUT", "/users/new", { user: admin, json: { unknown: 1 } });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("Invalid data for JSON schema: body.unknown");
  });
});

describe("what comes with an answer", () => {
  test("refusals of the machinery are empty, those of a rule have a message", async () => {
    expect((await hsm.request("GET", "/users", { user: operator })).text).toBe("");
    expect((await hsm.request("PUT", "/users/_x", { user: admin, json: {} })).json()).toEqual({
      message: "ID cannot start with underscore, dash, or dot.",
    });
  });

  test("HEAD works where it is allowed", async () => {
    expect((await hsm.request("HEAD", "/info")).status).toBe(200);
    expect((await hsm.request("HEAD", "/users", { user: admin })).status).toBe(405);
  });

  test("a slash at the end is tolerated, an encoded one separates", async () => {
    expect((await hsm.request("GET", "/users/", { user: admin })).status).toBe(200);
    expect((await hsm.request("GET", "/users%2Fadmin", { user: admin })).status).toBe(200);
  });

  test("a tag is refused once the record has been rewritten", async () => {
    const first = (await hsm.request("GET", "/users/operator", { user: admin })).headers["etag"] ?? "";
    const still = { user: admin, headers: { "if-none-match": first } };
    expect((await hsm.request("GET", "/users/operator", still)).status).toBe(304);
    expect((await hsm.request("PUT", "/users/operator/tags/x", { user: admin })).status).toBe(204);
    expect((await hsm.request("GET", "/users/operator", still)).status).toBe(200);
    const outdated = { user: admin, headers: { "if-match": first } };
    expect((await hsm.request("DELETE", "/users/operator", outdated)).status).toBe(412);
    const createOnly = { user: admin, json: {}, headers: { "if-none-match": "*" } };
    expect((await hsm.request("PUT", "/users/operator", createOnly)).status).toBe(412);
  });
});

describe("credentials", () => {
  test("a failure blocks the same user for a second, and nobody else", async () => {
    const wrong = await hsm.request("GET", "/info");
    expect(wrong.status).toBe(200);
    expect((await hsm.request("GET", "/keys", { user: ["operator", "wrong"] })).status).toBe(401);
    expect((await hsm.request("GET", "/keys", { user: operator })).status).toBe(429);
    expect((await hsm.request("GET", "/keys", { user: admin })).status).toBe(200);
  });

  test.each(["basic YTpi", "Basic", "Basic ???", "Basic YQ==", "Bearer YTpi"])(
    "%s is malformed",
    async (authorization) => {
      const answer = await hsm.request("GET", "/keys", { headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toBe('Basic realm="invalid authorization"');
    },
  );
});

test("nothing but state and information is to be had before provisioning", async () => {
  const fresh = await startSoftNethsm({ release: "2.2" });
  try {
    expect((await fresh.request("GET", "/users", { user: admin })).status).toBe(412);
    expect((await fresh.request("POST", "/system/shutdown")).status).toBe(412);
    expect((await fresh.request("GET", "/health/diagnose")).status).toBe(404);
    expect((await fresh.request("GET", "/health/alive")).status).toBe(200);
  } finally {
    await fresh.close();
  }
});
