/** `nethsm key`. */
import type { Command } from "@signstar/command/spec";
import { limits } from "@signstar/primitives/limits";
import { bytes, text } from "./answer.ts";
import { admin, adminOrOperator, keyIdArgument, keyIdIn, operatorOrAdmin } from "./common.ts";
import { CliError } from "./errors.ts";
import { readInput } from "./inputs.ts";
import { keyChanges, keyGenerate, keyGet, keyImport, keyList, keyPublicKey } from "./key-manage.ts";
import { keyDecrypt, keyEncrypt, keySign } from "./key-use.ts";
import { subjectArguments, subjectIn, subjectOptions } from "./subject.ts";
import { deviceTask } from "./task.ts";

const certificate: Command = {
  name: "cert",
  summary: "certificates that are kept beside keys, of any kind",
  commands: [
    deviceTask({
      name: "delete",
      summary: "delete the certificate of a key",
      roles: admin,
      arguments: [keyIdArgument],
      run: (work, hsm) => hsm.keys.deleteCertificate(keyIdIn(work)),
    }),
    deviceTask({
      name: "get",
      summary: "get the certificate of a key, as it was stored",
      roles: operatorOrAdmin,
      arguments: [keyIdArgument],
      output: { env: "NETHSM_KEY_CERT_OUTPUT_FILE", binary: true },
      run: async (work, hsm) => {
        const found = await hsm.keys.getCertificate(keyIdIn(work));
        if (found !== undefined) return bytes(found, "certificate");
        throw new CliError("no-certificate", `key ${keyIdIn(work)} has no certificate, or does not exist`);
      },
    }),
    deviceTask({
      name: "import",
      summary: "store a certificate beside a key, any bytes up to 1 MiB",
      roles: admin,
      arguments: [
        keyIdArgument,
        { name: "CERT_FILE", description: "file with the certificate", env: "NETHSM_KEY_CERT_FILE" },
      ],
      run: async (work, hsm) => {
        const file = await readInput(work.words.text("CERT_FILE"), limits.certificateBytes, work.io);
        await hsm.keys.setCertificate(keyIdIn(work), file);
      },
    }),
  ],
};

const csr = deviceTask({
  name: "csr",
  summary: "make a certificate signing request for a key",
  roles: adminOrOperator,
  arguments: [keyIdArgument, ...subjectArguments("NETHSM_KEY_CSR_")],
  options: subjectOptions,
  output: { env: "NETHSM_KEY_CSR_OUTPUT_FILE" },
  run: async (work, hsm) => {
    const pem = await hsm.keys.csr(keyIdIn(work), subjectIn(work));
    return text(pem, { request: pem });
  },
});

export const key: Command = {
  name: "key",
  summary: "keys of a device",
  commands: [
    certificate,
    csr,
    keyDecrypt,
    keyEncrypt,
    keyGenerate,
    keyGet,
    keyImport,
    keyList,
    keyPublicKey,
    keySign,
    ...keyChanges,
  ],
};
