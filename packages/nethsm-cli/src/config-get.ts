/** `nethsm config get`: settings of a device. */
import type { Command } from "@signstar/command/spec";
import { line, record, text } from "./answer.ts";
import { admin } from "./common.ts";
import { CliError } from "./errors.ts";
import { subjectArguments, subjectIn, subjectOptions } from "./subject.ts";
import { deviceTask } from "./task.ts";

export const configGet: Command = {
  name: "get",
  summary: "show settings of a device",
  commands: [
    deviceTask({
      name: "boot-mode",
      summary: "show whether the device boots Locked (Attended) or Operational (Unattended)",
      roles: admin,
      run: async (_work, hsm) => line((await hsm.config.getUnattendedBoot()) === "on" ? "Unattended" : "Attended"),
    }),
    deviceTask({
      name: "cluster-ca",
      summary: "show the certificate authority of the cluster (release 4.0 and later)",
      roles: admin,
      output: { env: "NETHSM_CONFIG_CLUSTER_CA_OUTPUT_FILE" },
      run: async (_work, hsm) => {
        const pem = await hsm.config.tls.getClusterCa();
        if (pem === undefined) throw new CliError("no-certificate", "the device has no cluster CA");
        return text(pem, { certificate: pem });
      },
    }),
    deviceTask({
      name: "logging",
      summary: "show where the device sends its log",
      roles: admin,
      run: async (_work, hsm) => record({ ...(await hsm.config.getLogging()) }),
    }),
    deviceTask({
      name: "network",
      summary: "show the device's addresses",
      roles: admin,
      run: async (_work, hsm) => {
        const { ipv6, ...rest } = await hsm.config.getNetwork();
        return record({ ...rest, ipv6: ipv6 && { ...ipv6 } });
      },
    }),
    deviceTask({
      name: "time",
      summary: "show the device's clock, in UTC",
      roles: admin,
      run: async (_work, hsm) => line((await hsm.config.getTime()).toISOString().replace(".000", "")),
    }),
    deviceTask({
      name: "tls-certificate",
      summary: "show the certificate of the device's TLS connections",
      roles: admin,
      output: { env: "NETHSM_CONFIG_TLS_CERT_OUTPUT_FILE" },
      run: async (_work, hsm) => {
        const pem = await hsm.config.tls.getCertificate();
        return text(pem, { certificate: pem });
      },
    }),
    deviceTask({
      name: "tls-csr",
      summary: "make a certificate signing request for the device's TLS key",
      roles: admin,
      arguments: subjectArguments("NETHSM_TLS_CSR_"),
      options: subjectOptions,
      output: { env: "NETHSM_CONFIG_TLS_CSR_OUTPUT_FILE" },
      run: async (work, hsm) => {
        const pem = await hsm.config.tls.csr(subjectIn(work));
        return text(pem, { request: pem });
      },
    }),
    deviceTask({
      name: "tls-public-key",
      summary: "show the public key of the device's TLS connections",
      roles: admin,
      output: { env: "NETHSM_CONFIG_TLS_PUBKEY_OUTPUT_FILE" },
      run: async (_work, hsm) => {
        const pem = await hsm.config.tls.publicPem();
        return text(pem, { publicKey: pem });
      },
    }),
  ],
};
