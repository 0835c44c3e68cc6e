import type { Command, Invocation } from "@signstar/command/spec";
import { loadConfig } from "@signstar/config/load";
import type { Config, DeviceConnection } from "@signstar/config/model";
import { NetHsm } from "@signstar/nethsm/client";
import { Exit } from "@signstar/primitives/failure";
import { applyToDevice, planDevice } from "./apply.ts";
import { type Change, describe } from "./change.ts";
import { desiredFrom } from "./desired.ts";
import { exclusively } from "./exclusive.ts";
import { machineLog } from "./machine-log.ts";
import { type Meeting, meet } from "./meet.ts";
import { type Place, placeAt } from "./place.ts";
import { changeJson, type DevicePlan, isPending, planJson, planText } from "./report.ts";
import { Run } from "./run.ts";
import { StateFiles } from "./state-files.ts";
import { onlyConnection, requireSupported } from "./support.ts";

/** `signstar-configure`: makes the HSM what the configuration says. */
export const configure: Command = {
  name: "signstar-configure",
  summary: "make the HSM and this host's part of it what the configuration says",
  description: `Compares the configuration with the device: users, namespaces, keys, tags, OpenPGP certificates, and the
passphrases that this host keeps for its users. No key is ever replaced, and none deleted that [removal] does not list.

Exit codes: 0 nothing to do or done, 2 changes pending (plan), 69 device unreachable, 77 not root, 78 configuration.`,
  options: [
    { name: "config", value: "FILE", description: "read this configuration and no other" },
    {
      name: "root",
      value: "DIR",
      description: "put DIR in front of every path; your own directory, if you are not root",
    },
    { name: "json", description: "write for machines" },
  ],
  commands: [
    { name: "plan", summary: "show what differs, change nothing; exit 2 if something does", run: runPlan },
    {
      name: "apply",
      summary: "make it so",
      description: "May be interrupted at any point: run it again and it finishes.",
      run: runApply,
    },
  ],
  examples: [
    { command: "signstar-configure plan", description: "what would be done" },
    { command: "signstar-configure apply --json", description: "do it, and log JSON lines" },
  ],
};

async function runPlan(invocation: Invocation): Promise<Exit> {
  const { config, place } = await prepare(invocation);
  const devices: DevicePlan[] = [];
  for (const connection of config.connections) {
    const { url } = connection;
    await withDevice(config, place, connection, async (run, meeting) => {
      devices.push({ url, state: meeting.state, plan: await planDevice(run, meeting) });
    });
  }
  invocation.io.write(invocation.options.flag("json") ? planJson(devices) : planText(devices));
  return devices.some(isPending) ? Exit.changes : Exit.ok;
}

async function runApply(invocation: Invocation): Promise<Exit> {
  const { options, io } = invocation;
  const { config, place } = await prepare(invocation);
  const connection = onlyConnection(config);
  const log = options.flag("json") ? machineLog(connection.url) : undefined;
  const made: Change[] = [];
  await exclusively(place.lock, () =>
    withDevice(config, place, connection, (run, meeting) =>
      applyToDevice(run, meeting, (change) => {
        made.push(change);
        if (log === undefined) io.note(describe(change));
        else log(change);
      }),
    ),
  );
  if (log !== undefined) io.write(`${JSON.stringify({ url: connection.url, changes: made.map(changeJson) })}\n`);
  else if (made.length === 0) io.note("nothing to do");
  return Exit.ok;
}

async function prepare({ options, io }: Invocation): Promise<{ readonly config: Config; readonly place: Place }> {
  const root = options.text("root");
  const place = placeAt(root);
  const { config } = await loadConfig({ config: options.text("config"), root });
  for (const line of [...config.warnings, ...(place.note === undefined ? [] : [place.note])]) io.note(line);
  requireSupported(config);
  return { config, place };
}

async function withDevice(
  config: Config,
  place: Place,
  connection: DeviceConnection,
  work: (run: Run, meeting: Meeting) => Promise<void>,
): Promise<void> {
  const desired = desiredFrom(config);
  const files = new StateFiles(place);
  const meeting = await meet(connection, files, (to) => new NetHsm(to));
  try {
    const { device } = meeting;
    await work(new Run({ desired, iteration: config.iteration, device, place, now: () => new Date() }), meeting);
  } finally {
    meeting.device.close();
  }
}
