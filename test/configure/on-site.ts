/** A site over software NetHSMs, with a root directory of the caller's own, for what is done to all of it. */
import { setTimeout } from "node:timers/promises";
import { parseConfig } from "@signstar/config/parse";
import { type AnyChange, describe } from "@signstar/configure/change";
import { desiredFrom } from "@signstar/configure/desired";
import type { Connect, Device } from "@signstar/configure/device";
import { placeAt } from "@signstar/configure/place";
import type { Site } from "@signstar/configure/site";
import { NetHsm } from "@signstar/nethsm/client";
import { NetHsmError } from "@signstar/nethsm/errors";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import { Interrupted, type Interruption, intercepted } from "./stage.ts";

export interface SiteOptions {
  readonly config: string;
  readonly root: string;
  readonly connect?: Connect;
  readonly sleep?: (ms: number) => Promise<void>;
  readonly done?: (device: DeviceUrl, change: AnyChange) => void;
}

export interface TestSite extends Site {
  /** What was done, as people read it. */
  readonly made: string[];
}

export function siteOf({ config: text, root, connect = (to) => new NetHsm(to), sleep, done }: SiteOptions): TestSite {
  const config = parseConfig(text);
  const made: string[] = [];
  return {
    config,
    desired: desiredFrom(config),
    place: placeAt(root),
    connect,
    now: () => new Date(),
    sleep: sleep ?? ((ms) => setTimeout(ms)),
    done(device, change) {
      made.push(describe(change));
      done?.(device, change);
    },
    made,
  };
}

/** What these calls do is done, and nobody hears of it; whoever made them goes on. */
export function losingAnswers(...names: readonly string[]): Connect {
  const around = async (name: string, made: () => Promise<unknown>): Promise<unknown> => {
    const answer = await made();
    if (names.includes(name)) throw new NetHsmError("connection-lost", `the answer to ${name} was lost`);
    return answer;
  };
  return (to) => intercepted<Device>(new NetHsm(to), around);
}

/** Breaks off at that call, whichever of the connections it is made over, and at every one after it. */
export function breakingOff({ call, loses }: Interruption): { readonly connect: Connect; readonly names: string[] } {
  const names: string[] = [];
  const around = async (name: string, made: () => Promise<unknown>): Promise<unknown> => {
    const number = names.push(name);
    if (number > call || (number === call && loses === "request")) throw new Interrupted();
    const answer = await made();
    if (number >= call) throw new Interrupted();
    return answer;
  };
  return { connect: (to) => intercepted<Device>(new NetHsm(to), around), names };
}
