/** Two devices and this host at any moment of a run: from there another run can go on, as after a stop right then. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "@signstar/config/parse";
import { desiredFrom } from "@signstar/configure/desired";
import type { Connect } from "@signstar/configure/device";
import { placeAt } from "@signstar/configure/place";
import type { Site } from "@signstar/configure/site";
import { NetHsm } from "@signstar/nethsm/client";
import { type Snapshot, type SoftNethsm, startSoftNethsm } from "@signstar/soft-nethsm/testing";
import { Clock, connectionText } from "../stage.ts";
import { readTree, type Tree, writeTree } from "./tree.ts";

export interface Moment {
  readonly tree: Tree;
  readonly devices: readonly Snapshot[];
}

export const twoNewDevices = [undefined, undefined] as const;

/** Gone when it is disposed of. In memory where there is room for it: what is on disk is not the question here. */
export class Scene implements AsyncDisposable {
  readonly root = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "signstar-faults-"));
  readonly clock: Clock;
  readonly devices: readonly SoftNethsm[];

  private constructor(clock: Clock, devices: readonly SoftNethsm[]) {
    this.clock = clock;
    this.devices = devices;
  }

  static async open({ tree, devices }: { readonly tree: Tree; readonly devices: readonly (Snapshot | undefined)[] }) {
    const clock = new Clock();
    const started = await Promise.all(
      devices.map((from) => startSoftNethsm({ uptime: clock.now, ...(from === undefined ? {} : { from }) })),
    );
    const scene = new Scene(clock, started);
    writeTree(scene.root, tree);
    return scene;
  }

  get moment(): Moment {
    return { tree: readTree(this.root), devices: this.devices.map((device) => device.snapshot()) };
  }

  /** `users` with the iteration in front. */
  site(users: string, connect: Connect = (to) => new NetHsm(to)): Site {
    const [iteration, ...others] = users.split("\n");
    const config = parseConfig(`${iteration}
admin_secret_handling = { shamirs-secret-sharing = { number_of_shares = 2, threshold = 2 } }
non_admin_secret_handling = "plaintext"
${this.devices.map((device) => connectionText(device)).join("")}${others.join("\n")}`);
    return {
      config,
      desired: desiredFrom(config),
      place: placeAt(this.root),
      connect,
      now: () => new Date(),
      sleep: this.clock.sleep,
      done: () => undefined,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.devices.map((device) => device.close()));
    rmSync(this.root, { recursive: true });
  }
}
