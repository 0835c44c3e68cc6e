/** All that a configuration is about: its devices, the first of which leads, and this host. */
import type { Config, DeviceConnection } from "@signstar/config/model";
import type { DeviceUrl } from "@signstar/nethsm/tls";
import type { AnyChange } from "./change.ts";
import type { Desired } from "./desired.ts";
import type { Connect } from "./device.ts";
import { ConfigureError } from "./errors.ts";
import type { Place } from "./place.ts";

export interface Site {
  readonly config: Config;
  readonly desired: Desired;
  readonly place: Place;
  readonly connect: Connect;
  now(): Date;
  sleep(ms: number): Promise<void>;
  /** Told of each change right after it was made. */
  done(device: DeviceUrl, change: AnyChange): void;
}

/** The device that leads, and those that follow. Throws ConfigureError (no-connection). */
export function connectionsOf({ connections }: Config): readonly [DeviceConnection, ...DeviceConnection[]] {
  const [first, ...others] = connections;
  if (first === undefined) throw new ConfigureError("no-connection", "the configuration names no device");
  return [first, ...others];
}
