import { formatKeyRef } from "@signstar/config/key-ref";
import type { NamespaceId, UserId } from "@signstar/nethsm/ids";
import type { KeyInfo } from "@signstar/nethsm/types";
import { equal } from "@signstar/primitives/bytes";
import type { ActualCertificate, ActualKey } from "./actual.ts";
import { assessCertificate } from "./assess-certificate.ts";
import type { DesiredKey } from "./desired.ts";
import type { Run } from "./run.ts";

/** The keys of one namespace by label; undefined for one that the configuration does not have. */
export async function readKeys(
  run: Run,
  namespace: NamespaceId | undefined,
  as: UserId,
): Promise<Map<string, ActualKey | undefined>> {
  const found = new Map<string, ActualKey | undefined>();
  for (const keyId of await run.as(as).keys.list()) {
    const label = formatKeyRef({ namespace, keyId });
    const wanted = run.desired.keys.find((key) => formatKeyRef(key) === label);
    found.set(label, wanted && (await readKey(run, wanted, as)));
  }
  return found;
}

async function readKey(run: Run, wanted: DesiredKey, as: UserId): Promise<ActualKey> {
  const info = await run.as(as).keys.get(wanted.keyId);
  return {
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
