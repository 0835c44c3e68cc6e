/** `nethsm env`: the settings of this program itself. */
import { usageError } from "@signstar/command/errors";
import type { Argument, Command } from "@signstar/command/spec";
import { parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { type Role, roles } from "@signstar/nethsm/types";
import { updateSettings } from "@signstar/nethsm-settings/load";
import {
  addCredentials,
  addDevice,
  deviceOf,
  type PassphraseSource,
  removeCredentials,
  removeDevice,
  type Settings,
} from "@signstar/nethsm-settings/model";
import { parseTlsSecurity, showTlsSecurity } from "@signstar/nethsm-settings/tls-words";
import { table } from "./answer.ts";
import { localTask, passphraseOption, type Work } from "./task.ts";
import { choose } from "./words.ts";

const nameArgument: Argument = {
  name: "NAME",
  description: "name of the user, NAMESPACE~NAME in a namespace",
  env: "NETHSM_USER_NAME",
};

/** What the settings remember of a user's passphrase: where it comes from, itself, or nothing. */
async function sourceIn(work: Work): Promise<PassphraseSource | undefined> {
  const { options, words } = work;
  const [program, ...args] = options.list("passphrase-command");
  const credential = options.text("passphrase-credential");
  if (program !== undefined && credential !== undefined) {
    throw usageError("--passphrase-command and --passphrase-credential exclude each other");
  }
  if (program !== undefined) return { kind: "command", argv: [program, ...args] };
  if (credential !== undefined) return { kind: "systemd", name: credential };
  if (options.text("passphrase-file") === undefined && !options.flag("with-passphrase")) return undefined;
  const passphrase = await work.newPassphrase("passphrase-file", `passphrase of ${words.text("NAME")}`);
  return { kind: "stored", passphrase };
}

function labelIn(work: Work): string {
  const label = work.options.text("label");
  if (label === undefined) throw usageError("the device's label is missing", "give it with --label");
  return label;
}

const deviceIn = (work: Work, settings: Settings) => deviceOf(settings, work.options.text("label"));

async function update(work: Work, change: (settings: Settings) => Settings): Promise<void> {
  // For its warnings, and before a directory is made for what is refused.
  change(await work.settings());
  await updateSettings(work.settingsPath, change);
}

const add: Command = {
  name: "add",
  summary: "add a device or a user to the settings",
  commands: [
    localTask({
      name: "credentials",
      summary: "add a user of a device to the settings",
      description:
        "Nothing is asked of the device. Without a passphrase it is asked for whenever it is needed. One that is " +
        "stored can be read by whoever can read the file.",
      arguments: [
        nameArgument,
        {
          name: "ROLE",
          description: "role of the user",
          optional: true,
          env: "NETHSM_USER_ROLE",
          choices: roles,
          default: "Operator",
        },
      ],
      options: [
        passphraseOption("passphrase-file", "p", "NETHSM_PASSPHRASE_FILE", "passphrase to store"),
        {
          name: "with-passphrase",
          short: "w",
          description: "ask for the passphrase and store it",
          env: "NETHSM_WITH_PASSPHRASE",
        },
        {
          name: "passphrase-command",
          value: "WORD",
          description: "program that prints the passphrase; once more for each of its arguments",
          repeatable: true,
        },
        { name: "passphrase-credential", value: "NAME", description: "credential that systemd gives to a service" },
      ],
      run: async (work) => {
        const name = parseUserId(work.words.text("NAME"));
        const role: Role = choose("ROLE", work.words.text("ROLE"), roles);
        // What cannot be is refused before anybody is asked for a passphrase.
        addCredentials(await work.settings(), await work.device(), { name, role, passphrase: undefined });
        const passphrase = await sourceIn(work);
        await update(work, (now) => addCredentials(now, deviceIn(work, now), { name, role, passphrase }));
      },
    }),
    localTask({
      name: "device",
      summary: "add a device to the settings, under the label of --label",
      arguments: [
        { name: "URL", description: "https://HOST[:PORT]/api/v1", env: "NETHSM_URL" },
        {
          name: "TLS_SECURITY",
          description: "Unsafe (any certificate), Native (the system's authorities) or sha256:HEX[,sha256:HEX…]",
          env: "NETHSM_TLS_SECURITY",
        },
      ],
      examples: [
        {
          command: "nethsm env add device --label test https://localhost:8443/api/v1 Unsafe",
          description: "a test device on this machine",
        },
      ],
      run: async (work) => {
        const connection = {
          url: parseDeviceUrl(work.words.text("URL")),
          tls: parseTlsSecurity(work.words.text("TLS_SECURITY")),
        };
        const label = labelIn(work);
        await update(work, (now) => addDevice(now, label, connection));
      },
    }),
  ],
};

const remove: Command = {
  name: "delete",
  summary: "remove a device or a user from the settings",
  commands: [
    localTask({
      name: "credentials",
      summary: "remove a user of a device from the settings",
      arguments: [nameArgument],
      run: async (work) => {
        const name = parseUserId(work.words.text("NAME"));
        await update(work, (now) => removeCredentials(now, deviceIn(work, now), name));
      },
    }),
    localTask({
      name: "device",
      summary: "remove the device of --label from the settings",
      run: async (work) => {
        const label = labelIn(work);
        await update(work, (now) => removeDevice(now, label));
      },
    }),
  ],
};

const sources = { stored: "stored", command: "from a command", systemd: "from systemd" } as const;

const list = localTask({
  name: "list",
  summary: "show the settings, without passphrases",
  run: async (work) => {
    const { devices } = await work.settings();
    const shown = devices.map(({ label, connection, credentials }) => ({
      label,
      url: connection.url,
      tlsSecurity: showTlsSecurity(connection.tls),
      credentials: credentials.map(({ name, role, passphrase }) => ({
        name,
        role,
        passphrase: passphrase === undefined ? "asked for" : sources[passphrase.kind],
      })),
    }));
    const rows = shown.flatMap(({ credentials, label, url, tlsSecurity }) => [
      { device: label, user: undefined, role: undefined, passphrase: undefined, url, tlsSecurity },
      ...credentials.map(({ name, role, passphrase }) => ({ device: label, user: name, role, passphrase })),
    ]);
    return table(rows, { devices: shown });
  },
});

export const env: Command = {
  name: "env",
  summary: "settings of this program: devices and users",
  commands: [add, remove, list],
};
