import { formatKeyRef } from "@signstar/config/key-ref";
import type { NamespaceId, UserId } from "@signstar/nethsm/ids";
import type { KeyInfo } from "@signstar/nethsm/types";
import { equal, toBase64 } from "@signstar/primitives/bytes";
import type { ActualCertificate, ActualKey, HeldKey } from "./actual.ts";
import { assessCertificate } from "./assess-certificate.ts";
import type { DesiredKey } from "./desired.ts";
import type { Run } from "./run.ts";

/** The keys of one namespace by label; with a certificate, where the configuration has them. */
export async function readKeys(
  run: Run,
  namespace: NamespaceId | undefined,
  as: UserId,
): Promise<Map<string, ActualKey | HeldKey>> {
  const found = new Map<string, ActualKey | HeldKey>();
  for (const keyId of await run.as(as).keys.list()) {
    const label = formatKeyRef({ namespace, keyId });
    const wanted = run.desired.keys.find((key) => formatKeyRef(key) === label);
    const info = await run.as(as).keys.get(keyId);
    const held = { key: { namespace, keyId }, publicKey: publicKeyText(info) };
    found.set(label, wanted === undefined ? held : await readKey(run, { wanted, as, info, held }));
  }
  return found;
}

async function readKey(
  run: Run,
  { wanted, as, info, held }: { wanted: DesiredKey; as: UserId; info: KeyInfo; held: HeldKey },
): Promise<ActualKey> {
  return {
    ...held,
    type: info.type,
    mechanisms: new Set(info.mechanisms),
    length: info.publicKey?.type === "RSA" ? bitLength(info.publicKey.modulus) : undefined,
    tags: new Set(info.tags),
    certificate: await readCertificate(run, wanted, as, info),
  };
}

async function readCertificate(run: Run, wanted: DesiredKey, as: UserId, info: KeyInfo): Promise<ActualCertificate> {
  const missing = { kind: "missing" } as const;
  if (wanted.certificate === undefined || info.publicKey === undefined) {
    return { file: missing, device: missing, same: false };
  }
  const onDevice = await run.as(as).keys.getCertificate(wanted.keyId);
  const onHost = run.files.readCertificate(wanted);
  const about = { wanted: wanted.certificate, publicKey: info.publicKey, now: run.now() };
  return {
    file: onHost === undefined ? missing : await assessCertificate(onHost, about),
    device: onDevice === undefined ? missing : await assessCertificate(onDevice, about),
    same: onHost !== undefined && onDevice !== undefined && equal(onHost, onDevice),
  };
}

function bitLength(number: Uint8Array): number {
  const first = number[0] ?? 0;
  return number.length * 8 - (Math.clz32(first) - 24);
}

function publicKeyText({ publicKey }: KeyInfo): string {
  if (publicKey === undefined) return "";
  const parts = publicKey.type === "RSA" ? [publicKey.modulus, publicKey.publicExponent] : [publicKey.data];
  return [publicKey.type, ...parts.map(toBase64)].join(" ");
}
