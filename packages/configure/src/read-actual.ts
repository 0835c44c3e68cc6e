/** Reads what is: changes nothing, on the device or here. */
import { formatKeyRef } from "@signstar/config/key-ref";
import type { UserId } from "@signstar/nethsm/ids";
import type { SystemState } from "@signstar/nethsm/types";
import { type Actual, type ActualUser, type Contents, freshContents, type PassphraseState } from "./actual.ts";
import { authenticates } from "./authenticates.ts";
import { administratorsOf, leadingAdministrator } from "./desired.ts";
import { ConfigureError } from "./errors.ts";
import { doorkeeper } from "./planning.ts";
import { readKeys } from "./read-keys.ts";
import type { Run } from "./run.ts";

export async function readActual(run: Run, state: SystemState, firstPin?: string): Promise<Actual> {
  if (state === "Failed") {
    throw new ConfigureError("device-failed", "the device has lost its database (state Failed)", {
      hint: "see its diagnosis: nethsm health diagnose",
    });
  }
  run.secrets = await readSecrets(run);
  if (state !== "Unprovisioned") run.requireAdminCredentials();
  const adminCredentials = run.secrets && new Set(run.secrets.current.administrators.keys());
  return { state, firstPin, adminCredentials, contents: await readContents(run, state) };
}

async function readContents(run: Run, state: SystemState): Promise<Contents | undefined> {
  if (state === "Unprovisioned") return freshContents(strayCertificates(run, new Set()));
  if (state !== "Operational") return undefined;
  await requireLogin(run);
  const users = await readUsers(run);
  const namespaces = new Set(await run.as(leadingAdministrator).namespaces.list());
  const { softwareVersion } = await run.as(leadingAdministrator).system.info();
  const keys = new Map(await readKeys(run, undefined, leadingAdministrator));
  for (const { id } of run.desired.namespaces) {
    const as = namespaces.has(id) ? doorkeeper(run.desired, { users, namespaces }, id) : undefined;
    if (as === undefined) continue;
    for (const [label, key] of await readKeys(run, id, as)) keys.set(label, key);
  }
  return {
    softwareVersion,
    users,
    namespaces,
    keys: new Map([...keys].flatMap(([label, key]) => (key === undefined ? [] : [[label, key] as const]))),
    otherKeys: new Set([...keys].flatMap(([label, key]) => (key === undefined ? [label] : []))),
    strayCertificates: strayCertificates(run, new Set(keys.keys())),
  };
}

async function readSecrets(run: Run) {
  const secrets = await run.store.read();
  if (secrets === undefined || secrets.current.iteration === run.iteration) return secrets;
  throw new ConfigureError(
    "not-supported",
    `the admin credentials are of iteration ${secrets.current.iteration}, the configuration is of iteration ${run.iteration}`,
    { hint: "a new iteration asks for new administrator passphrases, which are not made while the old are in force" },
  );
}

async function requireLogin(run: Run): Promise<void> {
  if (await authenticates(run, leadingAdministrator)) return;
  throw new ConfigureError(
    "credentials-refused",
    `the device refuses the admin credentials of ${leadingAdministrator}`,
    {
      hint: "this host's admin-credentials.toml belongs to another device, or to an earlier provisioning",
    },
  );
}

async function readUsers(run: Run): Promise<Map<UserId, ActualUser>> {
  const { users } = run.as(leadingAdministrator);
  const found = new Map<UserId, ActualUser>();
  for (const id of await users.list()) {
    const { role } = await users.get(id);
    const tags = new Set(role === "Operator" ? await users.tags(id) : []);
    found.set(id, { role, tags, passphrase: await passphraseState(run, id, role) });
  }
  return found;
}

async function passphraseState(run: Run, id: UserId, role: ActualUser["role"]): Promise<PassphraseState> {
  if (role === "Administrator") {
    if (run.secrets?.current.administrators.has(id)) {
      return (await authenticates(run, id)) ? "accepted" : "refused";
    }
    const wanted = administratorsOf(run.desired);
    return wanted.includes(id) ? "missing" : "unknown";
  }
  const user = run.desired.users.find((each) => each.id === id);
  if (user?.role !== role) return "unknown";
  const { passphrase, hasOld } = await run.passphraseFiles.read(user);
  if (passphrase === undefined) return "missing";
  run.learn(id, passphrase);
  if (!(await authenticates(run, id))) return "refused";
  return hasOld ? "unsettled" : "accepted";
}

/** Labels of configured keys that the device does not have, but of which this host has a certificate. */
function strayCertificates(run: Run, present: ReadonlySet<string>): Set<string> {
  const absent = run.desired.keys.filter((key) => key.certificate !== undefined && !present.has(formatKeyRef(key)));
  return new Set(absent.filter((key) => run.files.readCertificate(key) !== undefined).map(formatKeyRef));
}
