import { formatKeyRef } from "@signstar/config/key-ref";
import type { KeyRef } from "@signstar/config/model";
import type { ActualCertificate, CertificateState } from "./actual.ts";
import type { DesiredCertificate, DesiredKey } from "./desired.ts";
import type { Planning } from "./planning.ts";

const missing: CertificateState = { kind: "missing" };

/**
 * OpenPGP certificates, on the device and on this host. The host's file decides; the device's is taken over only
 * where there is no file, after the checks that gave it its state.
 */
export function planCertificates(context: Planning): void {
  for (const key of context.desired.keys) {
    if (key.certificate === undefined || context.actorFor(key.namespace) === undefined) continue;
    const found = context.contents.keys.get(formatKeyRef(key))?.certificate;
    planCertificate(context, key, key.certificate, found ?? { file: missing, device: missing, same: false });
  }
}

function planCertificate(
  { changes, conflicts, actorFor }: Planning,
  wanted: DesiredKey,
  { userId, fingerprint }: DesiredCertificate,
  { file, device, same }: ActualCertificate,
): void {
  const as = actorFor(wanted.namespace);
  if (as === undefined) return;
  const key: KeyRef = { namespace: wanted.namespace, keyId: wanted.keyId };
  const isOnHost = file.kind !== "missing";
  const rules = isOnHost ? file : device;
  switch (rules.kind) {
    case "missing":
      if (fingerprint === undefined) {
        changes.push({ kind: "make-certificate", as, key: wanted, userId, createdAt: undefined, why: undefined });
      } else {
        conflicts.push(`key ${formatKeyRef(key)} has no certificate, and a new one would not be ${fingerprint}`);
      }
      return;
    case "outdated":
      changes.push({ kind: "make-certificate", as, key: wanted, userId, createdAt: rules.createdAt, why: rules.why });
      return;
    case "foreign":
      conflicts.push(
        `the certificate of key ${formatKeyRef(key)} ${isOnHost ? "on this host" : "on the device"} ${rules.why}`,
      );
      return;
    case "good":
      if (!isOnHost) changes.push({ kind: "write-certificate", as, key });
      else if (!same) changes.push({ kind: "store-certificate", as, key });
  }
}
