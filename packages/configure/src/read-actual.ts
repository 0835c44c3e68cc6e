/** Reads what is: changes nothing, on the device or here. */
import { formatKeyRef } from "@signstar/config/key-ref";
import { namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { Role, SystemState } from "@signstar/nethsm/types";
import {
  type Actual,
  type ActualUser,
  type Contents,
  freshContents,
  type KnownSecrets,
  type PassphraseState,
} from "./actual.ts";
import type { AdminSecrets } from "./admin-secrets.ts";
import { administratorLogin, authenticates } from "./authenticates.ts";
import { administratorsOf, leadingAdministrator } from "./desired.ts";
import { logIn } from "./enter.ts";
import { ConfigureError } from "./errors.ts";
import { doorkeeper } from "./planning.ts";
import { readKeys } from "./read-keys.ts";
import type { Run } from "./run.ts";

/** Without `passphrases` nobody but administrators is tried: a wrong passphrase costs a second each. */
export async function readActual(
  run: Run,
  { state, firstPin }: { readonly state: SystemState; readonly firstPin?: string | undefined },
  { passphrases = true } = {},
): Promise<Actual> {
  if (state === "Failed") {
    throw new ConfigureError("device-failed", "the device has lost its database (state Failed)", {
      hint: "see its diagnosis: nethsm health diagnose",
    });
  }
  run.secrets = await run.store.read();
  if (state !== "Unprovisioned") run.requireSecrets();
  return {
    state,
    firstPin,
    secrets: run.secrets && knownSecrets(run, run.secrets),
    contents: await readContents(run, state, passphrases),
    backup: run.backups.isDue() ? "due" : "kept",
  };
}

function knownSecrets(run: Run, { current, previous }: AdminSecrets): KnownSecrets {
  const standing = current.iteration === run.iteration ? "in-force" : "outdated";
  return {
    administrators: new Set(current.administrators.keys()),
    // One rotation is finished before the next begins.
    standing: previous === undefined ? standing : "rotating",
    handedIn: run.store.handedIn,
  };
}

async function readContents(run: Run, state: SystemState, passphrases: boolean): Promise<Contents | undefined> {
  if (state === "Unprovisioned") return freshContents(strayCertificates(run, new Set()));
  if (state !== "Operational") return undefined;
  await logIn(run);
  const users = await readUsers(run, passphrases);
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
    keys: new Map([...keys].flatMap(([label, key]) => ("certificate" in key ? [[label, key] as const] : []))),
    otherKeys: new Map([...keys].flatMap(([label, key]) => ("certificate" in key ? [] : [[label, key] as const]))),
    strayCertificates: strayCertificates(run, new Set(keys.keys())),
  };
}

async function readUsers(run: Run, passphrases: boolean): Promise<Map<UserId, ActualUser>> {
  const { users } = run.as(leadingAdministrator);
  const found = new Map<UserId, ActualUser>();
  for (const id of await users.list()) {
    const { role } = await users.get(id);
    const tags = new Set(role === "Operator" ? await users.tags(id) : []);
    found.set(id, { role, tags, passphrase: await passphraseState(run, { id, role, passphrases }) });
  }
  return found;
}

async function passphraseState(
  run: Run,
  { id, role, passphrases }: { readonly id: UserId; readonly role: Role; readonly passphrases: boolean },
): Promise<PassphraseState> {
  if (role === "Administrator") return administratorState(run, id);
  const user = run.desired.users.find((each) => each.id === id);
  if (user?.role !== role || !passphrases) return "unknown";
  const { passphrase, hasOld } = await run.passphraseFiles.read(user);
  if (passphrase === undefined) return "missing";
  run.learn(id, passphrase);
  if (!(await authenticates(run, id))) return "refused";
  return hasOld ? "unsettled" : "accepted";
}

async function administratorState(run: Run, id: UserId): Promise<PassphraseState> {
  switch (await administratorLogin(run, id)) {
    case "current":
      return "accepted";
    case "previous":
      return isReplaceable(run, id) ? "previous" : "unknown";
    case "none":
      return "refused";
    default: {
      return administratorsOf(run.desired).includes(id) ? "missing" : "unknown";
    }
  }
}

/** Whether there is another passphrase for the administrator, or a configured one can take over from them. */
function isReplaceable(run: Run, id: UserId): boolean {
  if (run.requireAdminCredentials().administrators.has(id)) return true;
  return run.desired.namespaces.some((namespace) => namespace.id === namespaceOf(id));
}

/** Labels of configured keys that the device does not have, but of which this host has a certificate. */
function strayCertificates(run: Run, present: ReadonlySet<string>): Set<string> {
  const absent = run.desired.keys.filter((key) => key.certificate !== undefined && !present.has(formatKeyRef(key)));
  return new Set(absent.filter((key) => run.files.readCertificate(key) !== undefined).map(formatKeyRef));
}
