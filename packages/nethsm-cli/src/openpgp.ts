/** `nethsm openpgp`: certificates and signatures of OpenPGP with keys of a device. */
import { usageError } from "@signstar/command/errors";
import type { Command, Option } from "@signstar/command/spec";
import type { Sha512State } from "@signstar/hash-state/sha512-state";
import type { NetHsm } from "@signstar/nethsm/client";
import { type Certificate, readCertificate } from "@signstar/openpgp/certificate";
import { limits } from "@signstar/primitives/limits";
import { materialOf } from "@signstar/signing/key-material";
import { makeCertificate } from "@signstar/signing/make-certificate";
import { nethsmSigner } from "@signstar/signing/raw-signer";
import { signState } from "@signstar/signing/sign-state";
import { parseSigningRequest } from "@signstar/signing-request/request";
import { type Answer, bytes, text } from "./answer.ts";
import { admin, keyIdArgument, keyIdIn, keyIdOption, newKeyId, operator, tagsIn, tagsOption } from "./common.ts";
import { CliError } from "./errors.ts";
import { hashInput, readInput } from "./inputs.ts";
import { importSecretKey } from "./openpgp-import.ts";
import { openPgpKeys } from "./sign-with-info.ts";
import { deviceTask, localTask, type Work } from "./task.ts";
import { utcTime } from "./words.ts";

const add = localTask({
  name: "add",
  summary: "make a certificate for a key and store it beside the key",
  description:
    "The key signs its own certificate, which allows it to certify and to sign and does not expire. " +
    "Asks as an Operator, who signs, and as an Administrator, who stores: name both with --user. Which is which, the " +
    "settings say (nethsm env add credentials).",
  arguments: [
    keyIdArgument,
    { name: "USER_ID", description: 'for whom, as in "Name <mail@example.org>"', env: "NETHSM_OPENPGP_USERID" },
  ],
  options: [
    {
      name: "time",
      short: "t",
      value: "TIME",
      description: "time of creation in UTC; else the present time",
      env: "NETHSM_OPENPGP_CREATED_AT",
    },
    {
      name: "version",
      short: "v",
      value: "VERSION",
      description: "of OpenPGP; there is only version 4",
      choices: ["4", "v4", "OpenPGPv4"],
      loose: true,
      default: "4",
      env: "NETHSM_OPENPGP_VERSION",
    },
    {
      name: "can-sign",
      description: "allow the key to sign, as is usual",
      env: "NETHSM_OPENPGP_CERT_GENERATE_CAN_SIGN",
    },
    {
      name: "cannot-sign",
      description: "allow the key to certify only",
      env: "NETHSM_OPENPGP_CERT_GENERATE_CANNOT_SIGN",
    },
  ],
  run: async (work) => {
    const cannotSign = work.options.flag("cannot-sign");
    if (cannotSign && work.options.flag("can-sign"))
      throw usageError("--can-sign and --cannot-sign exclude each other");
    const time = work.options.text("time");
    const creationTime = Math.floor((time === undefined ? new Date() : utcTime("--time", time)).getTime() / 1000);
    const id = keyIdIn(work);
    const { keys } = await work.as(operator);
    const administrator = await work.as(admin);
    const material = materialOf((await keys.get(id)).publicKey);
    const made = await makeCertificate({
      signer: nethsmSigner(openPgpKeys(keys), id, material),
      userId: work.words.text("USER_ID"),
      creationTime,
      ...(cannotSign && { flags: 1 }),
    });
    await administrator.keys.setCertificate(id, made.bytes);
  },
});

const importKey = deviceTask({
  name: "import",
  summary: "import a secret OpenPGP key and store its certificate beside it",
  description:
    "The file, binary or armored, has one unprotected key without subkeys: RSA of 2048 bits and more, NIST P-256, " +
    "P-384, P-521 or Ed25519.",
  roles: admin,
  arguments: [{ name: "TSK_FILE", description: "file with the secret key", env: "NETHSM_OPENPGP_TSK_FILE" }],
  options: [keyIdOption("NETHSM_OPENPGP_KEY_ID"), tagsOption("NETHSM_OPENPGP_KEY_TAGS")],
  run: async (work, hsm) => {
    const file = await readInput(work.words.text("TSK_FILE"), limits.certificateBytes, work.io);
    await importSecretKey(hsm, file, { id: newKeyId(work), tags: tagsIn(work) });
  },
});

const armorOption: Option = { name: "armor", description: "armored text instead of a binary signature" };

/** The device's key signs the file of this state, under the certificate that is stored beside it. */
async function signed(work: Work, hsm: NetHsm, state: Sha512State): Promise<Answer> {
  const id = keyIdIn(work);
  const certificate = await certificateOf(hsm, work);
  const signer = nethsmSigner(openPgpKeys(hsm.keys), id, certificate.key.material);
  const now = Math.floor(Date.now() / 1000);
  const { packet, armored } = await signState({ state, certificate, signer, now });
  return work.options.flag("armor") ? text(armored, { signature: armored }) : bytes(packet, "signature");
}

async function certificateOf(hsm: NetHsm, work: Work): Promise<Certificate> {
  const id = keyIdIn(work);
  const stored = await hsm.keys.getCertificate(id);
  if (stored !== undefined) return readCertificate(stored);
  throw new CliError("no-certificate", `key ${id} has no certificate, or does not exist`, {
    hint: `make one: nethsm openpgp add ${id} 'Name <mail@example.org>'`,
  });
}

const output = { env: "NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE", binary: true } as const;

const sign = deviceTask({
  name: "sign",
  summary: "make a detached OpenPGP signature for a file",
  description: "The file is hashed here and may have any size; its SHA-512 is noted in the signature.",
  roles: operator,
  arguments: [
    keyIdArgument,
    { name: "MESSAGE", description: "file to sign; - is standard input", env: "NETHSM_OPENPGP_SIGNATURE_MESSAGE" },
  ],
  options: [armorOption],
  output,
  run: async (work, hsm) => await signed(work, hsm, await hashInput(work.words.text("MESSAGE"))),
});

const signStateTask = deviceTask({
  name: "sign-state",
  summary: "make a detached OpenPGP signature for the file that a signing request speaks of",
  description:
    "The request is made by signstar-request-signature; the file itself is not needed. The signature is binary unless " +
    "--armor is given.",
  roles: operator,
  arguments: [
    keyIdArgument,
    { name: "INPUT", description: "file with the request", env: "NETHSM_OPENPGP_REQUEST_SIGNATURE_FILE" },
  ],
  options: [armorOption],
  output,
  run: async (work, hsm) => {
    const request = parseSigningRequest(await readInput(work.words.text("INPUT"), limits.requestBytes, work.io));
    return await signed(work, hsm, request.input.state);
  },
});

export const openpgp: Command = {
  name: "openpgp",
  summary: "OpenPGP certificates and signatures",
  commands: [add, importKey, sign, signStateTask],
};
