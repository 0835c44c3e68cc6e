import { toBase64 } from "@signstar/primitives/bytes";
import {
  bytes,
  type Case,
  created,
  key,
  next,
  nothing,
  passphrase,
  pem,
  pemAnswer,
  tag,
  unchanged,
} from "./endpoints.test-helper.ts";
import { parseKeyId } from "./ids.ts";
import { json } from "./server.test-helper.ts";

const digest = new Uint8Array(32).fill(7);
const iv = new Uint8Array(16).fill(9);
const generation = { type: "RSA", mechanisms: ["RSA_Signature_PKCS1"], length: 4096 } as const;

export const keyCases: readonly Case[] = [
  [(h) => h.keys.list(), "GET /keys", "", json([{ id: "key-1" }]), ["key-1"]],
  [(h) => h.keys.list({ usable: true, label: "a b&c" }), "GET /keys?filter=1&label=a+b%26c", "", json([]), []],
  [(h) => h.keys.listByPrefix(key), "GET /keys/key-1*", "", json([]), []],
  [(h) => h.keys.listByPrefix(key, { label: "x" }), "GET /keys/key-1*?label=x", "", json([]), []],
  [(h) => h.keys.generate(generation), "POST /keys/generate", generation, created, "0123456789abcdef0123"],
  [
    (h) => h.keys.generate({ id: key, type: "Curve25519", mechanisms: ["EdDSA_Signature"], tags: [tag], label: "L" }),
    "POST /keys/generate",
    { id: "key-1", type: "Curve25519", mechanisms: ["EdDSA_Signature"], restrictions: { tags: ["tag.1"] }, label: "L" },
    json({ id: "key-1" }, 201),
    "key-1",
  ],
  [
    (h) => h.keys.import({ id: key, type: "Generic", mechanisms: [], data: passphrase, tags: [tag] }),
    "PUT /keys/key-1",
    { type: "Generic", mechanisms: [], private: { data: "MDEyMzQ1Njc4OQ==" }, restrictions: { tags: ["tag.1"] } },
    nothing,
    "key-1",
  ],
  [
    (h) =>
      h.keys.import({
        type: "RSA",
        mechanisms: [],
        primeP: passphrase,
        primeQ: next,
        publicExponent: Uint8Array.of(1, 0, 1),
      }),
    "POST /keys",
    {
      type: "RSA",
      mechanisms: [],
      private: { primeP: "MDEyMzQ1Njc4OQ==", primeQ: "OTg3NjU0MzIxMA==", publicExponent: "AQAB" },
    },
    created,
    "0123456789abcdef0123",
  ],
  [
    (h) => h.keys.get(key),
    "GET /keys/key-1",
    "",
    json({ type: "Generic", mechanisms: ["AES_Encryption_CBC"], operations: 3, restrictions: {}, public: null }),
    {
      type: "Generic",
      mechanisms: ["AES_Encryption_CBC"],
      operations: 3,
      publicKey: undefined,
      tags: [],
      label: undefined,
    },
  ],
  [(h) => h.keys.delete(key), "DELETE /keys/key-1", "", nothing, undefined],
  [(h) => h.keys.move(key, parseKeyId("new")), "POST /keys/key-1/move", { newId: "new" }, json({ id: "new" }), "new"],
  [(h) => h.keys.setLabel(key, "L"), "PUT /keys/key-1/label", { label: "L" }, nothing, true],
  [(h) => h.keys.setLabel(key, "L"), "PUT /keys/key-1/label", { label: "L" }, unchanged, false],
  [(h) => h.keys.deleteLabel(key), "DELETE /keys/key-1/label", "", nothing, undefined],
  [(h) => h.keys.addTag(key, tag), "PUT /keys/key-1/restrictions/tags/tag.1", "", nothing, true],
  [(h) => h.keys.removeTag(key, tag), "DELETE /keys/key-1/restrictions/tags/tag.1", "", nothing, undefined],
  [(h) => h.keys.publicPem(key), "GET /keys/key-1/public.pem", "", pemAnswer, pem],
  [
    (h) => h.keys.csr(key, { commonName: "a", subjectAltNames: [] }),
    "POST /keys/key-1/csr.pem",
    { commonName: "a", subjectAltNames: [] },
    pemAnswer,
    pem,
  ],
  [(h) => h.keys.getCertificate(key), "GET /keys/key-1/cert", "", { body: bytes }, bytes],
  [(h) => h.keys.getCertificate(key), "GET /keys/key-1/cert", "", { status: 404 }, undefined],
  [(h) => h.keys.setCertificate(key, bytes), "PUT /keys/key-1/cert", "\u0001\u0002\u0003", { status: 201 }, undefined],
  [(h) => h.keys.deleteCertificate(key), "DELETE /keys/key-1/cert", "", nothing, undefined],
  [
    (h) => h.keys.sign(key, { mode: "ECDSA", message: digest }),
    "POST /keys/key-1/sign",
    { mode: "ECDSA", message: toBase64(digest) },
    json({ signature: "AQID" }),
    bytes,
  ],
  [
    (h) => h.keys.decrypt(key, { mode: "RAW", encrypted: digest }),
    "POST /keys/key-1/decrypt",
    { mode: "RAW", encrypted: toBase64(digest) },
    json({ decrypted: "AQID" }),
    bytes,
  ],
  [
    (h) => h.keys.decrypt(key, { mode: "AES_CBC", encrypted: digest, iv }),
    "POST /keys/key-1/decrypt",
    { mode: "AES_CBC", encrypted: toBase64(digest), iv: toBase64(iv) },
    json({ decrypted: "" }),
    new Uint8Array(0),
  ],
  [
    (h) => h.keys.encrypt(key, { mode: "AES_CBC", message: digest }),
    "POST /keys/key-1/encrypt",
    { mode: "AES_CBC", message: toBase64(digest) },
    json({ encrypted: "AQID", iv: toBase64(iv) }),
    { encrypted: bytes, iv },
  ],
];
