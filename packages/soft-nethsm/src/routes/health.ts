/** What anybody may know: who makes it and whether it is ready. */
import { createHash } from "node:crypto";
import { systemStates } from "@signstar/nethsm/types";
import { rootOnly } from "../access.ts";
import { empty, json } from "../http.ts";
import type { Resource } from "../resource.ts";

const info = { vendor: "Nitrokey GmbH", product: "NetHSM" };
const infoTag = createHash("md5").update(JSON.stringify(info)).digest("hex");

export const healthRoutes: readonly Resource[] = [
  {
    path: "/info",
    states: systemStates,
    head: true,
    tag: () => infoTag,
    operations: { GET: { run: () => json(info) } },
  },
  {
    path: "/health/alive",
    states: ["Unprovisioned", "Locked"],
    head: true,
    operations: { GET: { run: () => empty(200) } },
  },
  { path: "/health/ready", head: true, operations: { GET: { run: () => empty(200) } } },
  {
    path: "/health/state",
    states: systemStates,
    head: true,
    operations: { GET: { run: ({ device }) => json({ state: device.state }) } },
  },
  {
    path: "/health/diagnose",
    since: "diagnose",
    states: systemStates,
    head: true,
    operations: {
      GET: {
        allow: rootOnly("Administrator"),
        publicIn: ["Unprovisioned", "Locked", "Failed"],
        run: () => json({ clusterLogs: [{ level: "error", msg: "Mock: no etcd" }], clusterState: { running: false } }),
      },
    },
  },
];
