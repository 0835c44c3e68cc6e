/** What every case of the endpoint tests needs. */

import { Secret } from "@signstar/primitives/secret";
import type { NetHsm } from "./client.ts";
import { parseKeyId, parseTag } from "./ids.ts";
import { type Answering, json } from "./server.test-helper.ts";

/** A call, the request it makes (method and path, body as JSON or as text), the device's answer and what comes of it. */
export type Case = readonly [
  call: (hsm: NetHsm) => Promise<unknown>,
  request: string,
  body: unknown,
  answer: Answering,
  result: unknown,
  auth?: "public",
];

export const passphrase = Secret.fromText("0123456789");
export const next = Secret.fromText("9876543210");
export const [key, tag] = [parseKeyId("key-1"), parseTag("tag.1")];
export const created = json({ id: "0123456789abcdef0123" }, 201);
export const nothing: Answering = { status: 204, headers: { "content-type": "application/json" } };
export const unchanged: Answering = { status: 304 };
export const pem = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n";
export const pemAnswer: Answering = { headers: { "content-type": "application/x-pem-file" }, body: pem };
export const bytes = Uint8Array.of(1, 2, 3);
