/** Prints state and users of a device from the settings that the program `nethsm` keeps: `state.ts [LABEL]`. */
import { NetHsm } from "@signstar/nethsm/client";
import { chooseCredentials } from "@signstar/nethsm-settings/credentials";
import { defaultSettingsPath, loadSettings } from "@signstar/nethsm-settings/load";
import { deviceOf } from "@signstar/nethsm-settings/model";

const { settings } = await loadSettings(process.env["NETHSM_CONFIG"] ?? defaultSettingsPath(process.env));
const device = deviceOf(settings, process.argv[2]);
const credentials = await chooseCredentials(device, {
  roles: ["Administrator"],
  users: [],
  passphraseFiles: [],
  prompter: undefined, // not interactive: without a passphrase it fails
  env: process.env,
});
using hsm = new NetHsm(device.connection, { credentials });
console.log(device.label, await hsm.health.state());
for (const user of await hsm.users.list()) console.log(user);
