import { formatKeyRef } from "@signstar/config/key-ref";
import type { UserId } from "@signstar/nethsm/ids";
import { type Actual, type ActualKey, type CertificateState, freshContents, type PassphraseState } from "../actual.ts";
import type { Desired } from "../desired.ts";
import type { World } from "./model.ts";
import type { ModelCertificate, ModelDevice, ModelKey, ModelUser } from "./model-device.ts";

/** What a look at a device of the world shows. */
export function observe(world: World, device: ModelDevice, desired: Desired): Actual {
  const wantedKeys = new Set(desired.keys.map(formatKeyRef));
  const stray = new Set(
    [...wantedKeys].filter((label) => world.certificateFiles.has(label) && !device.keys.has(label)),
  );
  const about: Omit<Actual, "contents"> = {
    state: device.state,
    firstPin: undefined,
    secrets: knownSecrets(world),
    backup: world.isBackupDue || world.kept === undefined ? "due" : "kept",
  };
  if (device.state === "Unprovisioned") return { ...about, contents: freshContents(stray) };
  if (device.state !== "Operational") return { ...about, contents: undefined };
  const held = [...device.keys].map(([label, key]) => [label, heldKey(world, label, key, desired)] as const);
  return {
    ...about,
    contents: {
      softwareVersion: "5.0",
      users: new Map(
        [...device.users].map(([id, user]) => [
          id,
          { role: user.role, tags: new Set(user.tags), passphrase: passphraseState(world, desired, id, user) },
        ]),
      ),
      namespaces: new Set(device.namespaces),
      keys: new Map(held.filter(([label]) => wantedKeys.has(label))),
      otherKeys: new Map(held.filter(([label]) => !wantedKeys.has(label))),
      strayCertificates: stray,
    },
  };
}

function knownSecrets({ secrets, iteration }: World): Actual["secrets"] {
  if (secrets === undefined) return undefined;
  const { current, previous } = secrets;
  const standing = current.iteration === iteration ? "in-force" : "outdated";
  return {
    administrators: new Set(current.administrators.keys()),
    standing: previous === undefined ? standing : "rotating",
    handedIn: false,
  };
}

function passphraseState(world: World, desired: Desired, id: UserId, user: ModelUser): PassphraseState {
  if (user.role === "Administrator") {
    const { current, previous } = world.secrets ?? {};
    const [newer, older] = [current?.administrators.get(id), previous?.administrators.get(id)];
    if (newer === user.passphrase) return "accepted";
    if (older === user.passphrase) return "previous";
    if (newer !== undefined || older !== undefined) return "refused";
    const administrators = [...desired.administrators, ...desired.namespaces.flatMap((each) => each.administrators)];
    return administrators.includes(id) ? "missing" : "unknown";
  }
  if (!desired.users.some((each) => each.id === id && each.role === user.role)) return "unknown";
  const file = world.passphraseFiles.get(id);
  if (file === undefined) return "missing";
  if (file.current !== user.passphrase) return "refused";
  return file.old === undefined ? "accepted" : "unsettled";
}

function heldKey(world: World, label: string, key: ModelKey, desired: Desired): ActualKey {
  const wanted = desired.keys.find((each) => formatKeyRef(each) === label)?.certificate?.userId;
  const state = (certificate: ModelCertificate | undefined): CertificateState => {
    if (certificate === undefined) return { kind: "missing" };
    if (certificate.key !== key.serial) return { kind: "foreign", why: "is for another key" };
    if (certificate.userId === wanted) return { kind: "good" };
    return { kind: "outdated", createdAt: 1, why: "its user id is another" };
  };
  const file = world.certificateFiles.get(label);
  return {
    key: { namespace: key.namespace, keyId: key.keyId },
    publicKey: String(key.serial),
    type: key.type,
    mechanisms: new Set(key.mechanisms),
    length: key.length,
    tags: new Set(key.tags),
    certificate: { file: state(file), device: state(key.certificate), same: file === key.certificate },
  };
}
