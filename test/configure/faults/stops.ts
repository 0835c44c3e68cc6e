/**
 * Records one whole run on two devices and takes it up again from after each of its calls: once as a process that was
 * killed there, with devices that stay as they are, and once as after a power loss, when /run is empty, the devices are
 * locked and the secrets have to be handed in again. Whatever the moment, the next run has to finish.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type AdminCredentials,
  encodeAdminCredentials,
  parseAdminCredentials,
} from "@signstar/configure/admin-credentials";
import type { AdminSecrets } from "@signstar/configure/admin-secrets";
import { applySite } from "@signstar/configure/apply-site";
import { describe } from "@signstar/configure/change";
import type { Device } from "@signstar/configure/device";
import { planSite } from "@signstar/configure/plan-site";
import type { Site } from "@signstar/configure/site";
import { NetHsm } from "@signstar/nethsm/client";
import { fromUtf8 } from "@signstar/primitives/bytes";
import type { SoftNethsm } from "@signstar/soft-nethsm/testing";
import { expect } from "vitest";
import { intercepted } from "../stage.ts";
import { type Moment, Scene, twoNewDevices } from "./scene.ts";

export interface Job {
  readonly users: string;
  readonly secrets: AdminSecrets;
  readonly rotate: boolean;
  /** Where it begins; two new devices and an empty host by default. */
  readonly from?: Moment;
}

export interface Stop extends Moment {
  /** Of the call, such as `users.create`. */
  readonly name: string;
}

export interface Recording {
  /** After each call, refused ones too: its answer never came. */
  readonly answers: readonly Stop[];
  /** Before a call, wherever this host has written something since the one before: the request never went out. */
  readonly requests: readonly Stop[];
  readonly end: Moment;
}

export async function record({ users, secrets, rotate, from }: Job): Promise<Recording> {
  await using scene = await Scene.open(from ?? { tree: [], devices: twoNewDevices });
  const answers: Stop[] = [];
  const requests: Stop[] = [];
  const around = async (name: string, call: () => Promise<unknown>): Promise<unknown> => {
    const { moment } = scene;
    if (!isDeepStrictEqual(moment.tree, (answers.at(-1) ?? from)?.tree ?? [])) requests.push({ name, ...moment });
    try {
      return await call();
    } finally {
      answers.push({ name, ...scene.moment });
    }
  };
  const site = scene.site(users, (to) => intercepted<Device>(new NetHsm(to), around));
  await applySite(site, secrets, { rotate });
  return { answers, requests, end: scene.moment };
}

export type Loss = "process" | "power";

/** What must not let anybody in any more. */
export interface Dead {
  readonly credentials: AdminCredentials;
  /** User to passphrase. */
  readonly users: ReadonlyMap<string, string>;
}

/** At a time; most of a run is waiting for files and for the shells that write them. */
const atOnce = 4;

/** Every stop, with either loss. Prints how many of them the next run has made good. */
export async function completeAll(name: string, job: Job, recording: Recording, before?: Dead): Promise<void> {
  const began = performance.now();
  const { answers, requests } = recording;
  const groups = [
    { title: "stopped after a call", loss: "process", stops: answers },
    { title: "stopped after a call, power lost", loss: "power", stops: answers },
    { title: "stopped before a call, files written", loss: "process", stops: requests },
  ] as const;
  const failed: string[] = [];
  for (const { title, loss, stops } of groups) {
    let completed = 0;
    const next = stops.entries();
    const work = async () => {
      for (const [i, stop] of next) {
        const thrown: unknown = await complete(job, stop, loss, before).catch((each: unknown) => each);
        if (thrown === undefined) completed += 1;
        else failed.push(`${title}: call ${i + 1} of ${stops.length}, ${stop.name}: ${String(thrown)}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    console.log(`${name}, ${title}: ${completed} of ${stops.length} completed`);
  }
  console.log(`${name}: ${Math.round((performance.now() - began) / 1000)} s`);
  expect(failed).toEqual([]);
}

/** Goes on from a stop and says that all is well afterwards, or throws. */
export async function complete(job: Job, stop: Moment, loss: Loss, before?: Dead): Promise<void> {
  const isLost = loss === "power";
  const devices = stop.devices.map((device) => (isLost ? { ...device, domainKey: undefined } : device));
  await using scene = await Scene.open({ tree: stop.tree, devices });
  if (isLost) rmSync(join(scene.root, "run"), { recursive: true, force: true });
  const { current, previous } = job.secrets;
  const secrets = isLost ? { current: again(current), previous: previous && again(previous) } : job.secrets;
  const site = scene.site(job.users);
  if (!isLost && before !== undefined) await expectUsable(scene, site, before);
  await applySite(site, secrets, { rotate: job.rotate });
  const plans = await planSite(site, { current, previous: undefined });
  expect(plans.map(({ state }) => state)).toEqual(["Operational", "Operational"]);
  expect(plans.flatMap(({ plan }) => [...plan.changes.map(describe), ...plan.conflicts])).toEqual([]);
  for (const device of scene.devices) await expectOpen(scene, device, current, before);
}

/** At any moment whoever had a passphrase can go on with the one in their file, or with the one before. */
async function expectUsable({ devices, clock, moment }: Scene, { desired }: Site, before: Dead): Promise<void> {
  const contents = new Map(moment.tree.map(({ path, content }) => [path.slice(path.lastIndexOf("/") + 1), content]));
  // One that has just been restored is Locked for a moment.
  const open = devices.filter((device) => device.snapshot().domainKey !== undefined);
  expect(open).not.toEqual([]);
  for (const { id } of desired.users) {
    if (!before.users.has(id)) continue;
    for (const device of open) {
      const statuses: number[] = [];
      for (const name of [`${id}.txt`, `${id}.txt.old`]) {
        const passphrase = contents.get(name);
        if (passphrase === undefined) continue;
        const { status } = await device.request("GET", `/users/${id}`, { user: [id, String(passphrase)] });
        statuses.push(status);
        clock.pass();
      }
      expect(statuses, `${id} at ${device.url}`).toContain(200);
    }
  }
}

/** What the plan does not tell: that the unlock passphrase is in force, and nothing of what was before. */
async function expectOpen(scene: Scene, device: SoftNethsm, current: AdminCredentials, before?: Dead): Promise<void> {
  const ask = async (...words: Parameters<SoftNethsm["request"]>) => {
    const { status } = await device.request(...words);
    scene.clock.pass();
    return status;
  };
  const admin = passphraseOf(current, "admin");
  const dead = [
    ...(before?.users ?? []),
    ...[...(before?.credentials.administrators ?? [])].map(([id, secret]) => [id, secret.use(fromUtf8)] as const),
  ];
  for (const user of dead) expect(await ask("GET", "/users", { user })).toBe(401);
  expect(await ask("POST", "/lock", { user: ["admin", admin] })).toBe(204);
  const unlock = ({ unlockPassphrase }: AdminCredentials) =>
    ask("POST", "/unlock", { json: { passphrase: unlockPassphrase.use(fromUtf8) } });
  if (before !== undefined) expect(await unlock(before.credentials)).toBe(403);
  expect(await unlock(current)).toBe(204);
}

function again(credentials: AdminCredentials): AdminCredentials {
  return parseAdminCredentials(encodeAdminCredentials(credentials), "of the shares");
}

export function passphraseOf({ administrators }: AdminCredentials, name: string): string {
  return [...administrators].find(([id]) => id === name)?.[1].use(fromUtf8) ?? "";
}
