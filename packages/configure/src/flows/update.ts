import type { DeviceConnection } from "@signstar/config/model";
import { NetHsmError } from "@signstar/nethsm/errors";
import { readUpdateFile, UpdateFileError } from "@signstar/nethsm/update-file";
import { messageOf } from "@signstar/primitives/failure";
import type { AdminSecrets } from "../admin-secrets.ts";
import { unlessLost } from "../answer-lost.ts";
import type { Device } from "../device.ts";
import { ConfigureError } from "../errors.ts";
import type { Site } from "../site.ts";
import { administrate, meeting } from "./each-device.ts";
import { wrongState } from "./power.ts";
import { untilRestarted } from "./restart.ts";
import { type Staged, withStaged } from "./staged.ts";

/**
 * Installs the staged update on one device after the other: the next is not touched before the one before it runs the
 * new version and is Operational. A device that runs it already is passed over, so that an interrupted update goes on
 * where it stopped. Afterwards the staged file is gone.
 *
 * @throws ConfigureError no-staged-file, unfit-file, wrong-state, out-of-reach, not-updated; NetHsmError
 */
export function updateSite(
  site: Site,
  secrets: AdminSecrets,
  { sha256 }: { readonly sha256: string },
): Promise<Installed> {
  return withStaged(site, "update", sha256, async (file) => {
    const version = await versionOf(file);
    let releaseNotes = "";
    for (const connection of site.config.connections) {
      releaseNotes = (await updateDevice({ site, secrets, connection }, file, version)) ?? releaseNotes;
    }
    file.discard();
    return { version, releaseNotes };
  });
}

export interface Installed {
  readonly version: string;
  /** The vendor's own words, as a device has told them; empty if all devices had the version already. */
  readonly releaseNotes: string;
}

/** They are text for people, of any length. */
const maxNotes = 2_000;

interface Target {
  readonly site: Site;
  readonly secrets: AdminSecrets;
  readonly connection: DeviceConnection;
}

async function updateDevice(
  { site, secrets, connection }: Target,
  file: Staged,
  version: string,
): Promise<string | undefined> {
  const { url } = connection;
  const started = await meeting(site, secrets, connection, async (met) => {
    if (met.state === "Unprovisioned" || met.state === "Failed") throw wrongState(met.state, "updated");
    const device = await administrate(site, met);
    const { softwareVersion: from } = await device.system.info();
    if (from === version) return undefined;
    const attended = (await device.config.getUnattendedBoot()) === "off";
    const releaseNotes = (await upload(device, file)).slice(0, maxNotes);
    await unlessLost(device.system.commitUpdate());
    site.done(url, { kind: "update", from, to: version, releaseNotes });
    return { attended, releaseNotes };
  });
  if (started === undefined) return undefined;
  await untilRestarted(site, connection, started);
  await meeting(site, secrets, connection, async (met) => {
    const { softwareVersion } = await (await administrate(site, met)).system.info();
    if (softwareVersion !== version) throw notUpdated(`${url} runs ${softwareVersion} after the update to ${version}`);
    site.done(url, { kind: "updated", to: version });
  });
  return started.releaseNotes;
}

/** One that an earlier run has uploaded makes way. */
async function upload({ system }: Device, file: Staged): Promise<string> {
  try {
    return await system.update(file.open());
  } catch (thrown) {
    if (!(thrown instanceof NetHsmError) || thrown.code !== "conflict") throw thrown;
    try {
      await system.cancelUpdate();
    } catch (cause) {
      // There was none: the device does not want this one.
      if (cause instanceof NetHsmError && cause.code === "wrong-state") throw thrown;
      throw cause;
    }
    return system.update(file.open());
  }
}

async function versionOf(file: Staged): Promise<string> {
  const { chunks } = file.open();
  try {
    return (await readUpdateFile(asynchronous(chunks))).version;
  } catch (cause) {
    if (!(cause instanceof UpdateFileError)) throw cause;
    throw new ConfigureError("unfit-file", `the staged file is not a whole NetHSM update: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function* asynchronous(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function notUpdated(problem: string): ConfigureError {
  return new ConfigureError("not-updated", problem, {
    hint: "the devices after it were not touched; look at this one before you name the update again",
  });
}
