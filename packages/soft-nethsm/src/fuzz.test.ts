/** Requests made of plausible pieces: nothing but an answer may come of them, and a refused one leaves no trace. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Device } from "./device.ts";
import { handle } from "./handler.ts";
import { provision } from "./lifecycle.ts";
import type { Resource } from "./resource.ts";
import { resources } from "./routes/table.ts";
import { MemoryStorage } from "./storage.ts";

const timeLimitMs = 4000;
const encode = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

const word = fc.constantFrom(
  "keys",
  "users",
  "generate",
  "namespaces",
  "config",
  "tls",
  "sign",
  "cert",
  "tags",
  "restrictions",
  "admin",
  "op",
  "ns~",
  "ns~x",
  "k",
  "k*",
  "%2e",
  "%zz",
  "label",
  "move",
  "system",
  "info",
  "csr.pem",
  "public.pem",
  "network",
  "time",
  "logging",
  "unattended-boot",
  "backup-passphrase",
  "cert.pem",
  "cluster",
  "members",
  "deadbeef",
  "random",
  "passphrase",
);
/** Routes that leave the Operational state would end the game. */
const stays = ({ path }: Resource) => !/lock$|reboot|shutdown|factory-reset|update|restore/.test(path);
const route = fc
  .tuple(fc.constantFrom(...resources.filter(stays)), word)
  .map(([{ path }, name]) => path.slice(1).replaceAll(/\{[^}]*\}/g, name));
const anyPath = fc.array(word, { maxLength: 5 }).map((words) => words.join("/"));
const target = fc
  .tuple(fc.oneof(route, anyPath), fc.constantFrom("", "?filter", "?label=x", "?%", "/"))
  .map(([path, query]) => `/api/v1/${path}${query}`);
const member = fc.constantFrom(
  "type",
  "mechanisms",
  "length",
  "id",
  "private",
  "data",
  "mode",
  "message",
  "realName",
  "role",
  "passphrase",
  "label",
  "restrictions",
  "commonName",
  "newId",
  "status",
  "time",
  "newPassphrase",
  "currentPassphrase",
  "urls",
  "__proto__",
);
const value = fc.oneof(
  fc.constantFrom("EC_P256", "Curve25519", "EdDSA", "Operator", "on", "YWJj", "", "op", "long enough passphrase"),
  fc.integer(),
  fc.constantFrom(["ECDSA_Signature"], ["EdDSA_Signature"], [], {}, null, { data: "YWJj" }, { tags: ["x"] }),
);
const body = fc.oneof(
  fc.dictionary(member, value).map((fields) => Buffer.from(JSON.stringify(fields))),
  fc.uint8Array({ maxLength: 40 }),
  fc.constant(Buffer.from("--b\r\nContent-Disposition: form-data; name=x\r\n\r\n{}\r\n--b--")),
);
const request = fc.record({
  method: fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"),
  target,
  headers: fc.record(
    {
      authorization: fc.constantFrom(encode("admin:administrator"), encode("op:operator-op"), encode("x"), "Basic"),
      "content-type": fc.constantFrom("application/json", "multipart/form-data; boundary=b", "text/plain"),
      accept: fc.constantFrom("application/json", "*/*;q=0", ",,", "application/*"),
      "if-match": fc.constantFrom("*", '"x"', ","),
      "if-none-match": fc.constantFrom("*", '"x"'),
    },
    { requiredKeys: ["authorization"] },
  ),
  body,
});

test("no exception, and no change by a refused request", async () => {
  const storage = new MemoryStorage();
  const device = await Device.open(storage, { release: "5.0" });
  await provision(device, { unlockPassphrase: "unlock-unlock", adminPassphrase: "administrator", systemTime: 0 });
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ body, ...head }) => {
      const before = storage.records;
      const peer = String(Math.random());
      const answer = await handle(device, { ...head, peer, contentLength: body.length, body: async () => body });
      statuses.add(answer.status);
      if (answer.status >= 300) expect(storage.records).toBe(before);
      expect(answer.status).toBeLessThan(502);
    }),
    { numRuns: 1_000_000, interruptAfterTimeLimit: timeLimitMs, markInterruptAsFailure: false },
  );
  // The pieces do fit together often enough to get somewhere.
  for (const status of [200, 400, 401, 404, 405, 406]) expect(statuses).toContain(status);
});
