import { createHash } from "node:crypto";
import type { SigningMapping } from "@signstar/config/model";
import { finishSha512 } from "@signstar/hash-state/resume";
import type { Sha512State } from "@signstar/hash-state/sha512-state";
import { sizeOfState } from "@signstar/hash-state/sha512-state";
import { type Fields, Priority } from "@signstar/host/journal";
import type { NetHsm } from "@signstar/nethsm/client";
import { NetHsmError } from "@signstar/nethsm/errors";
import type { Pool, PoolAnswer } from "@signstar/nethsm/pool";
import { type Certificate, readCertificate } from "@signstar/openpgp/certificate";
import { toHex } from "@signstar/primitives/bytes";
import { messageOf } from "@signstar/primitives/failure";
import { materialOf } from "@signstar/signing/key-material";
import { nethsmSigner } from "@signstar/signing/raw-signer";
import { type StateSignature, signState } from "@signstar/signing/sign-state";
import { nameOf, requireCertificateOf, requireSameKey } from "@signstar/signing/trust";
import type { SigningRequest } from "@signstar/signing-request/request";
import { asOurs, credentialsOf, namesOf, type Passphrases } from "./device-access.ts";
import { ApplianceError } from "./errors.ts";
import type { Session } from "./session.ts";
import { keyName } from "./signing-task.ts";

/** Disposing of it wipes the passphrases. */
export interface SignerOptions extends Disposable {
  readonly session: Session;
  readonly user: string;
  readonly mapping: SigningMapping;
  /** Undefined: key and certificate are asked of the device. */
  readonly certificate: Certificate | undefined;
  readonly pool: Pool;
  readonly passphrases: Passphrases;
  readonly warnings: readonly string[];
}

export interface Signed {
  /** Armored. */
  readonly signature: string;
  /** SHA-512 of the file in lower-case hexadecimal digits. */
  readonly digest: string;
}

interface Made extends StateSignature {
  readonly certificate: Certificate;
  readonly created: number;
}

/** Makes the signatures of one session; each leaves two entries in the journal. */
export class Signer {
  readonly #options: SignerOptions;

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** `id` names the request in the journal. Throws what the entries then say. */
  async sign({ input, optional }: SigningRequest, id: string): Promise<Signed> {
    const { session, user, mapping, certificate, warnings } = this.#options;
    const about = { request: id, digest: toHex(finishSha512(input.state)), key: keyName(mapping) };
    const intent = {
      event: "intent",
      ...about,
      user,
      client_key: session.clientKey,
      size: numberOrText(sizeOfState(input.state)),
      certificate: certificate === undefined ? undefined : nameOf(certificate),
      claimed_name: claimed(optional.get("file-name")),
      claimed_time: claimed(optional.get("request-time")),
      warnings: warnings.length === 0 ? undefined : warnings.join("; "),
    };
    await session.entry(intent, Priority.notice);
    const began = performance.now();
    const outcome = (): Fields => ({ event: "verdict", ...about, ms: Math.round(performance.now() - began) });
    let answer: PoolAnswer<Made>;
    try {
      answer = await this.#ask(input.state);
    } catch (thrown) {
      await session.failed({ ...outcome(), outcome: "failed" }, thrown);
      throw thrown;
    }
    const { value, device, skipped } = answer;
    const verdict = {
      ...outcome(),
      outcome: "signed",
      certificate: nameOf(value.certificate),
      device,
      skipped: namesOf(skipped),
      signature: createHash("sha256").update(value.packet).digest("hex"),
      created: value.created,
    };
    await session.entry(verdict, Priority.notice);
    return { signature: value.armored, digest: about.digest };
  }

  /** The first device that can sign does, with the passphrase that it takes. */
  async #ask(state: Sha512State): Promise<PoolAnswer<Made>> {
    const { mapping, passphrases, pool } = this.#options;
    try {
      return await pool.run(credentialsOf(mapping.operator, passphrases), (hsm) => this.#signAt(hsm, state));
    } catch (thrown) {
      throw asOurs(thrown);
    }
  }

  async #signAt(hsm: NetHsm, state: Sha512State): Promise<Made> {
    const created = Math.floor(Date.now() / 1000);
    const certificate = this.#options.certificate ?? (await this.#certificateAt(hsm, created));
    const sign = (deviceAddsDigestInfo: boolean) => {
      const { material } = certificate.key;
      const signer = nethsmSigner(hsm.keys, this.#options.mapping.key.keyId, material, { deviceAddsDigestInfo });
      return signState({ state, certificate, signer, now: created });
    };
    try {
      return { ...(await sign(false)), certificate, created };
    } catch (thrown) {
      if (!(thrown instanceof NetHsmError) || thrown.code !== "bad-request") throw thrown;
      await requireKeyAt(hsm, this.#options.mapping, certificate);
      if (certificate.key.material.algorithm !== "RSA") throw thrown;
      // Release 3.0 of the NetHSM, and only it, refuses a complete DigestInfo and makes it itself.
      return { ...(await sign(true)), certificate, created };
    }
  }

  /** The certificate that the device keeps beside the key, if it is one of that key. */
  async #certificateAt(hsm: NetHsm, at: number): Promise<Certificate> {
    const { mapping } = this.#options;
    const { keyId } = mapping.key;
    const [{ publicKey }, bytes] = await Promise.all([hsm.keys.get(keyId), hsm.keys.getCertificate(keyId)]);
    if (bytes === undefined) {
      throw new ApplianceError("certificate-missing", `there is no certificate for key ${keyName(mapping)}`, {
        hint: "let signstar-configure make one",
      });
    }
    const certificate = readHeld(bytes, mapping);
    const pinnedFingerprint = mapping.certificateFingerprint;
    await requireCertificateOf({ certificate, material: materialOf(publicKey), at, pinnedFingerprint });
    return certificate;
  }
}

/** Throws ApplianceError (78): what is wrong with a certificate is no matter of the client's input. */
function readHeld(bytes: Uint8Array, mapping: SigningMapping): Certificate {
  try {
    return readCertificate(bytes);
  } catch (cause) {
    const message = `the device's certificate for key ${keyName(mapping)} cannot be used: ${messageOf(cause)}`;
    throw new ApplianceError("certificate-unreadable", message, { cause, hint: "let signstar-configure make one" });
  }
}

/** A key of another kind refuses what it is asked to sign. Throws SigningError `other-key`. */
async function requireKeyAt(hsm: NetHsm, { key }: SigningMapping, certificate: Certificate): Promise<void> {
  const { publicKey } = await hsm.keys.get(key.keyId);
  requireSameKey(certificate, materialOf(publicKey));
}

function numberOrText(size: bigint): number | string {
  return size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : String(size);
}

function claimed(value: unknown): string | number | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}
