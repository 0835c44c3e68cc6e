import type { Io } from "@signstar/command/io";
import { runWith } from "@signstar/command/run";
import type { Command } from "@signstar/command/spec";
import { describe, expect, test, vi } from "vitest";
import { nethsm } from "./nethsm.ts";

/**
 * What scripts for the original program rely on: every command with its arguments and options, each with its
 * environment variable after `=`. `[X]` may be missing, `…` takes several. {F} is `-f --force=NETHSM_FORCE`.
 */
const original = `
config get boot-mode
config get logging
config get network
config get time
config get tls-certificate {F} -o --output=NETHSM_CONFIG_TLS_CERT_OUTPUT_FILE
config get tls-csr COMMON_NAME=NETHSM_TLS_CSR_COMMON_NAME [ORG_NAME=NETHSM_TLS_CSR_ORG_NAME] [ORG_UNIT=NETHSM_TLS_CSR_ORG_UNIT] [LOCALITY=NETHSM_TLS_CSR_LOCALITY] [STATE=NETHSM_TLS_CSR_STATE] [COUNTRY=NETHSM_TLS_CSR_COUNTRY] [EMAIL=NETHSM_TLS_CSR_EMAIL] {F} -o --output=NETHSM_CONFIG_TLS_CSR_OUTPUT_FILE
config get tls-public-key {F} -o --output=NETHSM_CONFIG_TLS_PUBKEY_OUTPUT_FILE
config set backup-passphrase -n --new-passphrase-file=NETHSM_NEW_PASSPHRASE_FILE -o --old-passphrase-file=NETHSM_OLD_PASSPHRASE_FILE
config set boot-mode BOOT_MODE=NETHSM_BOOT_MODE
config set logging IP_ADDRESS=NETHSM_LOGGING_IP_ADDRESS PORT=NETHSM_LOGGING_PORT [LOG_LEVEL=NETHSM_LOGGING_LOG_LEVEL]
config set network IP_ADDRESS=NETHSM_NETWORK_IP_ADDRESS NETMASK=NETHSM_NETWORK_NETMASK GATEWAY=NETHSM_NETWORK_GATEWAY
config set time [SYSTEM_TIME=NETHSM_SYSTEM_TIME]
config set tls-certificate TLS_CERT=NETHSM_TLS_CERT
config set tls-generate [TLS_KEY_TYPE=NETHSM_TLS_KEY_TYPE] [TLS_KEY_LENGTH=NETHSM_TLS_KEY_LENGTH]
config set unlock-passphrase -n --new-passphrase-file=NETHSM_NEW_PASSPHRASE_FILE -o --old-passphrase-file=NETHSM_OLD_PASSPHRASE_FILE
env add credentials NAME=NETHSM_USER_NAME [ROLE=NETHSM_USER_ROLE] -p --passphrase-file=NETHSM_PASSPHRASE_FILE -w --with-passphrase=NETHSM_WITH_PASSPHRASE
env add device URL=NETHSM_URL TLS_SECURITY=NETHSM_TLS_SECURITY
env delete credentials NAME=NETHSM_USER_NAME
env delete device
env list
health alive
health ready
health state
info
key cert delete KEY_ID=NETHSM_KEY_ID
key cert get KEY_ID=NETHSM_KEY_ID {F} -o --output=NETHSM_KEY_CERT_OUTPUT_FILE
key cert import KEY_ID=NETHSM_KEY_ID CERT_FILE=NETHSM_KEY_CERT_FILE
key csr KEY_ID=NETHSM_KEY_ID COMMON_NAME=NETHSM_KEY_CSR_COMMON_NAME [ORG_NAME=NETHSM_KEY_CSR_ORG_NAME] [ORG_UNIT=NETHSM_KEY_CSR_ORG_UNIT] [LOCALITY=NETHSM_KEY_CSR_LOCALITY] [STATE=NETHSM_KEY_CSR_STATE] [COUNTRY=NETHSM_KEY_CSR_COUNTRY] [EMAIL=NETHSM_KEY_CSR_EMAIL] {F} -o --output=NETHSM_KEY_CSR_OUTPUT_FILE
key decrypt KEY_ID=NETHSM_KEY_ID MESSAGE=NETHSM_KEY_DECRYPT_MESSAGE [DECRYPT_MODE=NETHSM_KEY_DECRYPT_MODE] {F} -i --initialization-vector=NETHSM_KEY_DECRYPT_IV -o --output=NETHSM_KEY_DECRYPT_OUTPUT
key encrypt KEY_ID=NETHSM_KEY_ID MESSAGE=NETHSM_KEY_ENCRYPT_MESSAGE [ENCRYPT_MODE=NETHSM_KEY_ENCRYPT_MODE] {F} -i --initialization-vector=NETHSM_KEY_ENCRYPT_IV -o --output=NETHSM_KEY_ENCRYPT_OUTPUT
key generate [KEY_TYPE=NETHSM_KEY_TYPE] [KEY_MECHANISMS…=NETHSM_KEY_MECHANISMS] -L --length=NETHSM_KEY_BIT_LENGTH -k --key-id=NETHSM_KEY_ID -t --tags=NETHSM_KEY_TAGS
key get KEY_ID=NETHSM_KEY_ID
key import KEY_TYPE=NETHSM_KEY_TYPE KEY_DATA=NETHSM_KEY_DATA [KEY_MECHANISMS…=NETHSM_KEY_MECHANISMS] --format=NETHSM_KEY_FORMAT -k --key-id=NETHSM_KEY_ID -t --tags=NETHSM_KEY_TAGS
key list [FILTER=NETHSM_KEY_ID_FILTER]
key public-key KEY_ID=NETHSM_KEY_ID {F} -o --output=NETHSM_KEY_PUBKEY_OUTPUT_FILE
key remove KEY_ID=NETHSM_KEY_ID
key sign KEY_ID=NETHSM_KEY_ID SIGNATURE_TYPE=NETHSM_KEY_SIGNATURE_TYPE MESSAGE=NETHSM_KEY_SIGNATURE_MESSAGE {F} -o --output=NETHSM_KEY_SIGNATURE_OUTPUT_FILE
key tag KEY_ID=NETHSM_KEY_ID TAG=NETHSM_KEY_TAG
key untag KEY_ID=NETHSM_KEY_ID TAG=NETHSM_KEY_TAG
lock
metrics
namespace add NAME=NETHSM_NAMESPACE_NAME
namespace list
namespace remove NAME=NETHSM_NAMESPACE_NAME
openpgp add KEY_ID=NETHSM_KEY_ID USER_ID=NETHSM_OPENPGP_USERID -t --time=NETHSM_OPENPGP_CREATED_AT -v --version=NETHSM_OPENPGP_VERSION --can-sign=NETHSM_OPENPGP_CERT_GENERATE_CAN_SIGN --cannot-sign=NETHSM_OPENPGP_CERT_GENERATE_CANNOT_SIGN
openpgp import TSK_FILE=NETHSM_OPENPGP_TSK_FILE -k --key-id=NETHSM_OPENPGP_KEY_ID -t --tags=NETHSM_OPENPGP_KEY_TAGS
openpgp sign KEY_ID=NETHSM_KEY_ID MESSAGE=NETHSM_OPENPGP_SIGNATURE_MESSAGE {F} -o --output=NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE
openpgp sign-state KEY_ID=NETHSM_KEY_ID INPUT=NETHSM_OPENPGP_REQUEST_SIGNATURE_FILE {F} -o --output=NETHSM_OPENPGP_SIGNATURE_OUTPUT_FILE
provision -A --admin-passphrase-file=NETHSM_ADMIN_PASSPHRASE_FILE -U --unlock-passphrase-file=NETHSM_UNLOCK_PASSPHRASE_FILE -s --system-time=NETHSM_SYSTEM_TIME
random LENGTH=NETHSM_RANDOM_LENGTH {F} -o --output=NETHSM_RANDOM_OUTPUT_FILE
system backup {F} -o --output=NETHSM_BACKUP_OUTPUT_FILE
system cancel-update
system commit-update
system factory-reset
system info
system reboot
system restore INPUT=NETHSM_BACKUP_FILE -b --backup-passphrase-file=NETHSM_BACKUP_PASSPHRASE_FILE -s --system-time=NETHSM_SYSTEM_TIME
system shutdown
system upload-update INPUT=NETHSM_UPDATE_FILE
system validate-backup INPUT=NETHSM_VALIDATE_BACKUP_FILE -b --backup-passphrase-file=NETHSM_VALIDATE_BACKUP_PASSPHRASE_FILE
unlock -U --unlock-passphrase-file=NETHSM_UNLOCK_PASSPHRASE_FILE
user add REAL_NAME=NETHSM_REAL_NAME [ROLE=NETHSM_USER_ROLE] [NAME=NETHSM_USER_NAME] -p --passphrase-file=NETHSM_PASSPHRASE_FILE
user get NAME=NETHSM_USER_NAME
user list
user passphrase NAME=NETHSM_USER_NAME -p --passphrase-file=NETHSM_PASSPHRASE_FILE
user remove NAME=NETHSM_USER_NAME
user tag NAME=NETHSM_USER_NAME TAG=NETHSM_USER_TAG
user untag NAME=NETHSM_USER_NAME TAG=NETHSM_USER_TAG
`;
const rows = original.trim().split("\n");

function find(words: readonly string[]): { command: Command; rest: readonly string[]; path: readonly string[] } {
  let command: Command = nethsm;
  let depth = 0;
  for (const word of words) {
    const next = command.commands?.find(({ name }) => name === word);
    if (next === undefined) break;
    command = next;
    depth += 1;
  }
  return { command, rest: words.slice(depth), path: words.slice(0, depth) };
}

const { run: _, ...global } = find([]).command;

describe.each(rows)("%s", (row) => {
  const { command, rest } = find(row.replace("{F}", "-f --force=NETHSM_FORCE").split(" "));

  test("is there", () => {
    expect(command.run).toBeDefined();
    const positional = rest.filter((word) => !word.startsWith("-"));
    const shown = (command.arguments ?? []).map(({ name, optional, variadic, env }) => {
      const word = `${name}${variadic === true ? "…" : ""}=${env}`;
      return optional === true ? `[${word}]` : word;
    });
    expect(shown).toEqual(positional);
  });

  test("has the options", () => {
    let short: string | undefined;
    for (const word of rest.filter((each) => each.startsWith("-"))) {
      if (!word.startsWith("--")) {
        short = word.slice(1);
        continue;
      }
      const [name, env] = word.slice(2).split("=");
      expect(command.options).toContainEqual(
        expect.objectContaining({ name, env, ...(short !== undefined && { short }) }),
      );
      short = undefined;
    }
  });
});

test("the global options are those of the original", () => {
  expect(global.options?.map(({ short, name, env, repeatable }) => [short, name, env, repeatable === true])).toEqual([
    ["a", "auth-passphrase-file", "NETHSM_AUTH_PASSPHRASE_FILE", true],
    ["c", "config", "NETHSM_CONFIG", false],
    ["l", "label", "NETHSM_LABEL", false],
    ["u", "user", "NETHSM_USER", true],
    [undefined, "json", undefined, false],
  ]);
});

function everyPath(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return [path, ...(command.commands ?? []).flatMap((sub) => everyPath(sub, [...path, sub.name]))];
}

describe("every command", () => {
  const paths = everyPath(nethsm);

  test("has help", async () => {
    for (const path of paths) {
      const write = vi.fn();
      // Help touches nothing of its Io but `write`: whatever else it reached for would throw.
      expect(await runWith(nethsm, [...path, "--help"], { write } as unknown as Io)).toBe(0);
      expect(write.mock.calls[0]?.[0]).toContain(`usage: nethsm${path.map((word) => ` ${word}`).join("")} [options]`);
    }
  });

  test("has options of distinct names and letters, its parents' included", () => {
    for (const path of paths) {
      const { command } = find(path);
      const options = [...(command.options ?? []), ...(path.length === 0 ? [] : (nethsm.options ?? []))];
      const names = options.flatMap(({ name, short }) => [name, ...(short === undefined ? [] : [short])]);
      expect(new Set(names).size, path.join(" ")).toBe(names.length);
    }
  });

  test("is told in one line, lower case and without full stop", () => {
    for (const path of paths) expect(find(path).command.summary).toMatch(/^(?:[a-z]|OpenPGP)[^\n]*[^.]$/);
  });
});
