/** The parts under the batch: framing in process, the software NetHSM against the bare primitive. */

import { constants, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { finishSha512, resumeSha512 } from "@signstar/hash-state/resume";
import { freshSha512 } from "@signstar/hash-state/sha512-state";
import { NetHsm } from "@signstar/nethsm/client";
import { parseKeyId, parseTag, parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import type { KeyMechanism, KeyType, SignMode } from "@signstar/nethsm/types";
import { armor } from "@signstar/openpgp/armor";
import { makePublicKey } from "@signstar/openpgp/public-key";
import { prepareDetachedSignature } from "@signstar/openpgp/signature";
import { toUtf8 } from "@signstar/primitives/bytes";
import { Secret } from "@signstar/primitives/secret";
import type { ProvisionedSoftNethsm } from "@signstar/soft-nethsm/testing";
import { type Row, row } from "./measure.ts";

type Device = Pick<ProvisionedSoftNethsm, "url" | "tlsFingerprint" | "users">;

/** Seconds for one of `count` calls. */
async function each(count: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i += 1) await work();
  return (performance.now() - start) / 1000 / count;
}

/** From a state to an armored signature, all but the call of the HSM. */
export async function frameCpu(_: string, n: number): Promise<Row> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const point = new Uint8Array(Buffer.from(String(publicKey.export({ format: "jwk" }).x), "base64url"));
  const key = makePublicKey({ algorithm: "EdDSALegacy", point }, 1_700_000_000);
  const state = { ...freshSha512, tail: toUtf8("some bytes that wait for their block") };
  const raw = { algorithm: "EdDSALegacy", r: new Uint8Array(32).fill(1), s: new Uint8Array(32).fill(2) } as const;
  const frame = (): string => {
    const dataDigest = finishSha512(state);
    const hasher = resumeSha512(state);
    const unfinished = prepareDetachedSignature({ key, creationTime: 1_700_000_001, dataDigest, hasher });
    return armor("PGP SIGNATURE", unfinished.finish(raw));
  };
  const digest = new Uint8Array(64);
  const measured: [number, number][] = [];
  for (let run = -2; run < n; run += 1) {
    const pair: [number, number] = [await each(500, frame), await each(500, () => sign(null, digest, privateKey))];
    if (run >= 0) measured.push(pair);
  }
  return row("frame.cpu", "cost", "one Ed25519 signature by node:crypto", measured);
}

const soft: readonly {
  readonly name: string;
  readonly type: KeyType;
  readonly mechanism: KeyMechanism;
  readonly mode: SignMode;
  readonly length?: number;
  readonly message: Uint8Array;
  readonly primitive: () => (message: Uint8Array) => unknown;
}[] = [
  {
    name: "Ed25519",
    type: "Curve25519",
    mechanism: "EdDSA_Signature",
    mode: "EdDSA",
    message: new Uint8Array(64),
    primitive: () => direct(generateKeyPairSync("ed25519").privateKey, null),
  },
  {
    name: "EcP256",
    type: "EC_P256",
    mechanism: "ECDSA_Signature",
    mode: "ECDSA",
    message: new Uint8Array(32).fill(7),
    primitive: () => direct(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, "sha256"),
  },
  ...[2048, 4096].map((length) => ({
    name: `RSA-${length}`,
    type: "RSA" as const,
    mechanism: "RSA_Signature_PKCS1" as const,
    mode: "PKCS1" as const,
    length,
    message: new Uint8Array(83).fill(7),
    primitive: () => {
      const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: length });
      return (message: Uint8Array) => privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, message);
    },
  })),
];

function direct(key: KeyObject, algorithm: string | null) {
  return (message: Uint8Array) => sign(algorithm, message, key);
}

/** Signatures a second of soft-nethsm in a thread of its own, 8 at a time over kept-alive TLS. */
export async function softSign(_: string, n: number): Promise<Row[]> {
  const thread = new Worker(new URL("device-worker.ts", import.meta.url));
  const [device] = (await once(thread, "message")) as [Device];
  const rows: Row[] = [];
  const as = (role: "admin" | "operator") => {
    const { name, passphrase } = device.users[role];
    const connection = {
      url: parseDeviceUrl(device.url),
      tls: { mode: "pinned", sha256: [parsePin(device.tlsFingerprint)] },
    } as const;
    return new NetHsm(connection, {
      credentials: { user: parseUserId(name), passphrase: Secret.fromText(passphrase) },
      maxSockets: 8,
    });
  };
  using admin = as("admin");
  using operator = as("operator");
  const tag = parseTag("bench");
  await admin.users.addTag(parseUserId(device.users.operator.name), tag);
  for (const { name, type, mechanism, mode, length, message, primitive } of soft) {
    const id = parseKeyId(`bench${name.replace("-", "")}`);
    await admin.keys.generate({ id, type, mechanisms: [mechanism], tags: [tag], ...(length && { length }) });
    const count = name === "RSA-4096" ? 40 : 400;
    const work = primitive();
    const overTls = async (): Promise<number> => {
      const start = performance.now();
      const worker = async () => {
        for (let i = 0; i < count / 8; i += 1) await operator.keys.sign(id, { mode, message });
      };
      await Promise.all(Array.from({ length: 8 }, worker));
      return (performance.now() - start) / 1000 / count;
    };
    const measured: [number, number][] = [];
    // A device serves for long: the first thousands of answers, in which V8 is still compiling, are not measured.
    for (let run = name === "Ed25519" ? -10 : -1; run < n; run += 1) {
      const pair: [number, number] = [await overTls(), await each(count, () => work(message))];
      if (run >= 0) measured.push(pair);
    }
    rows.push(
      row(`soft.sign.${name}`, "speed", "the same primitive in process; soft-nethsm over kept-alive TLS", measured),
    );
  }
  thread.postMessage("end");
  await once(thread, "exit");
  return rows;
}
