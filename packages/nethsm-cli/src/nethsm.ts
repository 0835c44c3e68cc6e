/** The executable `nethsm`. */
import type { Command } from "@signstar/command/spec";
import { backup } from "./backup.ts";
import { cluster } from "./cluster.ts";
import { configGet } from "./config-get.ts";
import { configSet } from "./config-set.ts";
import { doctor } from "./doctor.ts";
import { env } from "./env.ts";
import { health, info, metrics } from "./health.ts";
import { key } from "./key.ts";
import { namespace } from "./namespace.ts";
import { openpgp } from "./openpgp.ts";
import { lock, provision, random, unlock } from "./state.ts";
import { system } from "./system.ts";
import { user } from "./user.ts";

export const nethsm: Command = {
  name: "nethsm",
  summary: "everything that a NetHSM can do, from the command line",
  description:
    "Devices and users are kept in the settings (nethsm env). Without --user the first stored user with a fitting " +
    "role asks; passphrases come from the settings, from files, or from the person at the terminal.",
  options: [
    {
      name: "auth-passphrase-file",
      short: "a",
      value: "FILE",
      description: "file with the passphrase of the user who asks; the nth belongs to the nth --user",
      repeatable: true,
      env: "NETHSM_AUTH_PASSPHRASE_FILE",
    },
    {
      name: "config",
      short: "c",
      value: "FILE",
      description: "settings; else nethsm/config.toml where the desktop keeps settings",
      env: "NETHSM_CONFIG",
    },
    {
      name: "label",
      short: "l",
      value: "LABEL",
      description: "which device, if there are several",
      env: "NETHSM_LABEL",
    },
    {
      name: "user",
      short: "u",
      value: "NAME",
      description: "user who asks; of several the first with a fitting role",
      repeatable: true,
      env: "NETHSM_USER",
    },
    { name: "json", description: "print data as JSON" },
  ],
  commands: [
    backup,
    cluster,
    { name: "config", summary: "settings of a device", commands: [configGet, configSet] },
    doctor,
    env,
    health,
    info,
    key,
    lock,
    metrics,
    namespace,
    openpgp,
    provision,
    random,
    system,
    unlock,
    user,
  ],
  examples: [
    {
      command: "nethsm env add device --label test https://localhost:8443/api/v1 Unsafe",
      description: "make a device known",
    },
    { command: "nethsm key list --json", description: "the ids of all keys, for a script" },
  ],
};
