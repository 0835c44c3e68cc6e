/** The machine: what it is, reboot, shutdown, factory reset, updates. */
import { createHash } from "node:crypto";
import { systemStates } from "@signstar/nethsm/types";
import { rootOnly } from "../access.ts";
import type { Device } from "../device.ts";
import { done, json, Refusal } from "../http.ts";
import { reboot } from "../lifecycle.ts";
import { has } from "../release.ts";
import { limits, type Resource } from "../resource.ts";
import { readUpdate } from "../update.ts";

const allow = rootOnly("Administrator");

export const systemRoutes: readonly Resource[] = [
  {
    path: "/system/info",
    head: true,
    tag: ({ device }) =>
      createHash("md5")
        .update(JSON.stringify(infoOf(device)))
        .digest("hex"),
    operations: { GET: { allow, run: ({ device }) => json(infoOf(device)) } },
  },
  {
    path: "/system/reboot",
    states: ["Operational", "Failed"],
    operations: {
      POST: {
        allow,
        publicIn: ["Failed"],
        changes: true,
        run: async ({ device }) => {
          await reboot(device);
          return done();
        },
      },
    },
  },
  {
    path: "/system/shutdown",
    states: ({ release }) => (has(release, "publicShutdown") ? systemStates : ["Operational"]),
    operations: {
      POST: {
        allow,
        publicIn: ["Unprovisioned", "Locked", "Failed"],
        changes: true,
        run: async ({ device }) => {
          await device.flush();
          device.events.shutdown();
          return done();
        },
      },
    },
  },
  {
    path: "/system/factory-reset",
    states: ["Operational", "Failed"],
    operations: {
      POST: {
        allow,
        publicIn: ["Failed"],
        changes: true,
        run: async ({ device }) => {
          await device.erase();
          return done();
        },
      },
    },
  },
  {
    path: "/system/update",
    operations: {
      POST: {
        allow,
        limit: limits.file,
        changes: true,
        run: ({ device }, body) => {
          const update = readUpdate(body);
          if (update.major < Number.parseInt(device.release, 10)) throw new Refusal(409, "Major version downgrade.");
          if (device.pendingUpdate !== undefined) throw new Refusal(409, "Update already in progress.");
          device.pendingUpdate = update.version;
          return json({ releaseNotes: update.releaseNotes }, 200, { "cache-control": "no-cache" });
        },
      },
    },
  },
  {
    path: "/system/commit-update",
    operations: {
      POST: {
        allow,
        changes: true,
        run: async ({ device }) => {
          device.softwareVersion = requirePending(device);
          await reboot(device);
          return done();
        },
      },
    },
  },
  {
    path: "/system/cancel-update",
    operations: {
      POST: {
        allow,
        changes: true,
        run: ({ device }) => {
          requirePending(device);
          device.pendingUpdate = undefined;
          return done();
        },
      },
    },
  },
];

/** As the container has it: there is no hardware to speak of. */
function infoOf(device: Device) {
  return {
    softwareVersion: device.softwareVersion,
    softwareBuild: "soft-nethsm",
    firmwareVersion: "N/A",
    hardwareVersion: "N/A",
    deviceId: device.id,
    akPub: {},
    pcr: {},
  };
}

function requirePending({ pendingUpdate }: Device): string {
  if (pendingUpdate !== undefined) return pendingUpdate;
  throw new Refusal(412, "No update available. Please upload a system image.");
}
