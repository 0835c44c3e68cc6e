/** `nethsm health`, `nethsm info`, `nethsm metrics`: how a device is. */
import type { Command } from "@signstar/command/spec";
import { Exit } from "@signstar/primitives/failure";
import { type Json, line, paint, record, table, verdict } from "./answer.ts";
import { deviceTask } from "./task.ts";

export const health: Command = {
  name: "health",
  summary: "how a device is",
  commands: [
    deviceTask({
      name: "alive",
      summary: "ends with 0 if the device is Locked or Unprovisioned, else with 1",
      run: async (_work, hsm) => {
        const alive = await hsm.health.alive();
        return verdict({ alive }, alive ? Exit.ok : Exit.no);
      },
    }),
    deviceTask({
      name: "diagnose",
      summary: "show the state of the device's database (release 5.0 and later)",
      description: "Of an Operational device only an Administrator may ask.",
      run: async (work, hsm) => {
        const asker = (await hsm.health.state()) === "Operational" ? await work.as(["Administrator"]) : hsm;
        const { clusterState, clusterSnapshot, clusterLogs } = await asker.health.diagnose();
        return record({
          clusterState: { ...clusterState },
          clusterSnapshot: clusterSnapshot && { ...clusterSnapshot },
          clusterLogs: clusterLogs.map(({ level, msg }) => `${level}: ${msg ?? ""}`),
        });
      },
    }),
    deviceTask({
      name: "ready",
      summary: "ends with 0 if the device is Operational, else with 1",
      run: async (_work, hsm) => {
        const ready = await hsm.health.ready();
        return verdict({ ready }, ready ? Exit.ok : Exit.no);
      },
    }),
    deviceTask({
      name: "state",
      summary: "show the device's state: Unprovisioned, Locked, Operational or Failed",
      run: async (_work, hsm) => {
        const state = await hsm.health.state();
        const colour = state === "Operational" ? "green" : state === "Failed" ? "red" : "yellow";
        return { ...line(state, { state }), payload: (style) => `${paint(style, colour, state)}\n` };
      },
    }),
  ],
};

export const info = deviceTask({
  name: "info",
  summary: "show vendor and product of a device",
  run: async (_work, hsm) => record({ ...(await hsm.info()) }),
});

export const metrics = deviceTask({
  name: "metrics",
  summary: "show the device's metrics: JSON, on a terminal a table",
  roles: ["Metrics"],
  run: async (_work, hsm) => {
    const found = [...(await hsm.metrics())];
    const json: Json = Object.fromEntries(found);
    const rows = table(found.map(([name, value]) => ({ name, value })));
    return { json, payload: (style) => (style.terminal ? rows.payload(style) : `${JSON.stringify(json)}\n`) };
  },
});
