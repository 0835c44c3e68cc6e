/** All routes; of two that fit the first is taken, so fixed words stand before parameters. */
import type { Resource } from "../resource.ts";
import { backupRoutes } from "./backup.ts";
import { clusterRoutes } from "./cluster.ts";
import { configRoutes } from "./config.ts";
import { healthRoutes } from "./health.ts";
import { keyCertRoutes } from "./key-cert.ts";
import { keyUseRoutes } from "./key-use.ts";
import { keyRoutes } from "./keys.ts";
import { metricsRoutes } from "./metrics.ts";
import { namespaceRoutes } from "./namespaces.ts";
import { passphraseRoutes } from "./passphrases.ts";
import { stateRoutes } from "./state.ts";
import { systemRoutes } from "./system.ts";
import { tlsRoutes } from "./tls.ts";
import { userTagRoutes } from "./user-tags.ts";
import { userRoutes } from "./users.ts";

export const resources: readonly Resource[] = [
  ...healthRoutes,
  ...metricsRoutes,
  ...stateRoutes,
  ...keyRoutes,
  ...keyUseRoutes,
  ...keyCertRoutes,
  ...userRoutes,
  ...userTagRoutes,
  ...namespaceRoutes,
  ...passphraseRoutes,
  ...configRoutes,
  ...tlsRoutes,
  ...systemRoutes,
  ...backupRoutes,
  ...clusterRoutes,
];
