/** `nethsm config set`: settings of a device. */
import type { Command, Option } from "@signstar/command/spec";
import { logLevels } from "@signstar/nethsm/types";
import { limits } from "@signstar/primitives/limits";
import { admin } from "./common.ts";
import { readInput } from "./inputs.ts";
import { tlsKeyTypeNames, tlsKeyTypeOf } from "./names.ts";
import { deviceTask, passphraseOption, type Work } from "./task.ts";
import { choose, utcTime, wholeNumber } from "./words.ts";

const levels = logLevels.map((level) => level[0]?.toUpperCase() + level.slice(1));

function changeOptions(what: string): readonly Option[] {
  return [
    passphraseOption("new-passphrase-file", "n", "NETHSM_NEW_PASSPHRASE_FILE", `new ${what}`),
    passphraseOption("old-passphrase-file", "o", "NETHSM_OLD_PASSPHRASE_FILE", `present ${what}`),
  ];
}

async function changeIn(work: Work, what: string) {
  const current = await work.passphrase("old-passphrase-file", `present ${what}`);
  return { current, next: await work.newPassphrase("new-passphrase-file", `new ${what}`) };
}

async function pemIn(work: Work, argument: string): Promise<string> {
  // PEM is ASCII; whether it is PEM is checked before it is sent.
  return Buffer.from(await readInput(work.words.text(argument), limits.certificateBytes, work.io)).toString("latin1");
}

export const configSet: Command = {
  name: "set",
  summary: "change settings of a device",
  commands: [
    deviceTask({
      name: "backup-passphrase",
      summary: "set the passphrase that encrypts backups",
      description: "An empty present passphrase says that there was none yet.",
      roles: admin,
      options: changeOptions("backup passphrase"),
      run: async (work, hsm) => {
        const { current, next } = await changeIn(work, "backup passphrase");
        await hsm.config.setBackupPassphrase(current.length === 0 ? { next } : { current, next });
      },
    }),
    deviceTask({
      name: "boot-mode",
      summary: "let the device boot Locked (Attended) or Operational (Unattended)",
      roles: admin,
      arguments: [
        {
          name: "BOOT_MODE",
          description: "how to boot",
          env: "NETHSM_BOOT_MODE",
          choices: ["Attended", "Unattended"],
        },
      ],
      run: async ({ words }, hsm) => {
        await hsm.config.setUnattendedBoot(words.text("BOOT_MODE") === "Unattended" ? "on" : "off");
      },
    }),
    deviceTask({
      name: "cluster-ca",
      summary: "set the certificate authority of the cluster (release 4.0 and later)",
      roles: admin,
      arguments: [{ name: "CA_CERT", description: "file with the certificate in PEM", env: "NETHSM_CLUSTER_CA" }],
      run: async (work, hsm) => {
        await hsm.config.tls.setClusterCa(await pemIn(work, "CA_CERT"));
      },
    }),
    deviceTask({
      name: "logging",
      summary: "set where the device sends its log",
      roles: admin,
      arguments: [
        {
          name: "IP_ADDRESS",
          description: "address of the syslog server; 0.0.0.0 for none",
          env: "NETHSM_LOGGING_IP_ADDRESS",
        },
        { name: "PORT", description: "its UDP port", env: "NETHSM_LOGGING_PORT" },
        {
          name: "LOG_LEVEL",
          description: "the least important messages to send",
          optional: true,
          env: "NETHSM_LOGGING_LOG_LEVEL",
          choices: levels,
          default: "Info",
        },
      ],
      run: async ({ words }, hsm) => {
        await hsm.config.setLogging({
          ipAddress: words.text("IP_ADDRESS"),
          port: wholeNumber("PORT", words.text("PORT")),
          logLevel: choose("LOG_LEVEL", words.text("LOG_LEVEL"), logLevels),
        });
      },
    }),
    deviceTask({
      name: "network",
      summary: "set the device's addresses",
      roles: admin,
      arguments: [
        { name: "IP_ADDRESS", description: "IPv4 address", env: "NETHSM_NETWORK_IP_ADDRESS" },
        { name: "NETMASK", description: "IPv4 netmask", env: "NETHSM_NETWORK_NETMASK" },
        { name: "GATEWAY", description: "IPv4 gateway; 0.0.0.0 for none", env: "NETHSM_NETWORK_GATEWAY" },
      ],
      options: [
        { name: "ipv6", value: "CIDR", description: "IPv6 address, as in fd00::5/64 (release 4.0 and later)" },
        { name: "ipv6-gateway", value: "ADDRESS", description: "IPv6 gateway" },
      ],
      run: async ({ words, options }, hsm) => {
        const [cidr, gateway] = [options.text("ipv6"), options.text("ipv6-gateway")];
        await hsm.config.setNetwork({
          ipAddress: words.text("IP_ADDRESS"),
          netmask: words.text("NETMASK"),
          gateway: words.text("GATEWAY"),
          ...((cidr ?? gateway) !== undefined && { ipv6: { cidr: cidr ?? "", gateway } }),
        });
      },
    }),
    deviceTask({
      name: "time",
      summary: "set the device's clock",
      roles: admin,
      arguments: [
        {
          name: "SYSTEM_TIME",
          description: "in UTC, as in 2026-11-21T12:00:00Z; else the present time",
          optional: true,
          env: "NETHSM_SYSTEM_TIME",
        },
      ],
      run: async ({ words }, hsm) => {
        const time = words.optional("SYSTEM_TIME");
        await hsm.config.setTime(time === undefined ? new Date() : utcTime("SYSTEM_TIME", time));
      },
    }),
    deviceTask({
      name: "tls-certificate",
      summary: "set the certificate for the device's present TLS key",
      roles: admin,
      arguments: [{ name: "TLS_CERT", description: "file with the chain in PEM, leaf first", env: "NETHSM_TLS_CERT" }],
      run: async (work, hsm) => {
        await hsm.config.tls.setCertificate(await pemIn(work, "TLS_CERT"));
      },
    }),
    deviceTask({
      name: "tls-generate",
      summary: "make a new TLS key and a self-signed certificate on the device",
      description: "Afterwards pins of the former certificate do not match any more.",
      roles: admin,
      arguments: [
        {
          name: "TLS_KEY_TYPE",
          description: "type of the key",
          optional: true,
          env: "NETHSM_TLS_KEY_TYPE",
          choices: tlsKeyTypeNames,
          default: "Rsa",
        },
        {
          name: "TLS_KEY_LENGTH",
          description: "length of an RSA key in bits",
          optional: true,
          env: "NETHSM_TLS_KEY_LENGTH",
        },
      ],
      run: async ({ words }, hsm) => {
        const length = words.optional("TLS_KEY_LENGTH");
        const type = tlsKeyTypeOf(words.text("TLS_KEY_TYPE"));
        await hsm.config.tls.generate(type, length === undefined ? undefined : wholeNumber("TLS_KEY_LENGTH", length));
      },
    }),
    deviceTask({
      name: "unlock-passphrase",
      summary: "set the passphrase that unlocks the device",
      roles: admin,
      options: changeOptions("unlock passphrase"),
      run: async (work, hsm) => {
        await hsm.config.setUnlockPassphrase(await changeIn(work, "unlock passphrase"));
      },
    }),
  ],
};
