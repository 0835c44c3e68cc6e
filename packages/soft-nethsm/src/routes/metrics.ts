import { role } from "../access.ts";
import { json } from "../http.ts";
import type { Resource } from "../resource.ts";

export const metricsRoutes: readonly Resource[] = [
  {
    path: "/metrics",
    head: true,
    operations: { GET: { allow: role("Metrics"), run: ({ device }) => json(device.metrics) } },
  },
];
