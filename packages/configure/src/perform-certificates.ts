import { formatKeyRef } from "@signstar/config/key-ref";
import type { KeyRef } from "@signstar/config/model";
import type { UserId } from "@signstar/nethsm/ids";
import { materialOf } from "@signstar/signing/key-material";
import { makeCertificate } from "@signstar/signing/make-certificate";
import { nethsmSigner } from "@signstar/signing/raw-signer";
import { assessCertificate } from "./assess-certificate.ts";
import type { Change } from "./change.ts";
import { leadingAdministrator } from "./desired.ts";
import { ConfigureError } from "./errors.ts";
import type { Run } from "./run.ts";

/** The mapped Operator signs once. The file is first: where it is, the device's copy follows it. */
export async function makeKeyCertificate(
  run: Run,
  change: Extract<Change, { kind: "make-certificate" }>,
): Promise<void> {
  const { as, key, userId, createdAt } = change;
  const { type, publicKey } = await run.as(as).keys.get(key.keyId);
  const deviceAddsDigestInfo = type === "RSA" && (await isRelease30(run));
  const signer = nethsmSigner(run.as(key.operator).keys, key.keyId, materialOf(publicKey), { deviceAddsDigestInfo });
  const now = Math.floor(run.now().getTime() / 1000);
  const creationTime = createdAt ?? now;
  // Whoever has the certificate that this one replaces is to see which of the two is newer.
  const { bytes } = await makeCertificate({ signer, userId, creationTime, signedAt: Math.max(now, creationTime) });
  run.files.writeCertificate(key, bytes);
  await storeCertificate(run, as, key);
}

/** From the file to the device, which wants the one before deleted first. */
export async function storeCertificate(run: Run, as: UserId, key: KeyRef): Promise<void> {
  const bytes = run.files.readCertificate(key);
  if (bytes === undefined) throw gone(key, "on this host");
  const { keys } = run.as(as);
  if ((await keys.getCertificate(key.keyId)) !== undefined) await keys.deleteCertificate(key.keyId);
  await keys.setCertificate(key.keyId, bytes);
}

/** From the device to the file, if it still is as it was judged: from now on signatures are made for it. */
export async function writeCertificate(run: Run, as: UserId, key: KeyRef): Promise<void> {
  const { keys } = run.as(as);
  const wanted = run.desired.keys.find((each) => formatKeyRef(each) === formatKeyRef(key))?.certificate;
  const bytes = await keys.getCertificate(key.keyId);
  const { publicKey } = await keys.get(key.keyId);
  if (wanted === undefined || bytes === undefined || publicKey === undefined) throw gone(key, "on the device");
  const { kind } = await assessCertificate(bytes, { wanted, publicKey, now: run.now() });
  if (kind !== "good") throw gone(key, "on the device");
  run.files.writeCertificate(key, bytes);
}

/** The one release that wants a bare digest for PKCS #1. */
async function isRelease30(run: Run): Promise<boolean> {
  return (await run.as(leadingAdministrator).system.info()).softwareVersion === "3.0";
}

function gone(key: KeyRef, where: string): ConfigureError {
  return new ConfigureError(
    "conflict",
    `the certificate of key ${formatKeyRef(key)} ${where} is another meanwhile, or gone`,
    {
      hint: "run it again",
    },
  );
}
