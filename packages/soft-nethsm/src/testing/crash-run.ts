/**
 * A device on the data directory of the first argument that goes through a few changes and says after each, in a line
 * on standard output, that it has been answered. It waits for a line on standard input first, so that it can be traced.
 */
import { writeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { Device } from "../device.ts";
import { FileStorage } from "../file-storage.ts";
import { handle } from "../handler.ts";

const [directory = ""] = process.argv.slice(2);

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const login = `Basic ${Buffer.from("admin:administrator").toString("base64")}`;
const changes = [
  [
    "POST",
    "/provision",
    { unlockPassphrase: "unlock-unlock", adminPassphrase: "administrator", systemTime: "1970-01-01T00:00:00Z" },
  ],
  ["PUT", "/config/unattended-boot", { status: "on" }],
  ["PUT", "/users/op", { realName: "op", role: "Operator", passphrase: "operator-op" }],
  ["PUT", "/users/op/tags/t", undefined],
  ["POST", "/keys/generate", { id: "k", type: "Curve25519", mechanisms: ["EdDSA_Signature"] }],
] as const;

// The thread that does the file work is there from its first task on.
await stat("/");
say("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
const device = await Device.open(await FileStorage.open(directory), { release: "5.0" });
say("open");
for (const [method, path, json] of changes) {
  const body = Buffer.from(json === undefined ? "" : JSON.stringify(json));
  const answer = await handle(device, {
    method,
    target: `/api/v1${path}`,
    headers: { authorization: login, ...(json === undefined ? {} : { "content-type": "application/json" }) },
    peer: "127.0.0.1",
    contentLength: body.length,
    body: async () => body,
  });
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${Buffer.from(answer.body).toString()}`);
  say(`${method} ${path}`);
}
process.exit();
