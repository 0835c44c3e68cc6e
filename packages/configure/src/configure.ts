import { setTimeout } from "node:timers/promises";
import type { Io } from "@signstar/command/io";
import type { Command, Invocation } from "@signstar/command/spec";
import { loadConfig } from "@signstar/config/load";
import { NetHsm } from "@signstar/nethsm/client";
import { Exit } from "@signstar/primitives/failure";
import { adminStoreOf } from "./admin-store.ts";
import { applyWithStore } from "./apply-site.ts";
import { holdCeremonies } from "./ceremony/ceremony.ts";
import { sharingOf } from "./ceremony/holders.ts";
import { ceremonyStatus } from "./ceremony/status.ts";
import { describe } from "./change.ts";
import { desiredFrom } from "./desired.ts";
import { exclusively } from "./exclusive.ts";
import { type MachineLog, machineLog } from "./machine-log.ts";
import { placeAt } from "./place.ts";
import { planWithStore } from "./plan-site.ts";
import { isPending, type Made, madeJson, planJson, planText } from "./report.ts";
import type { Site } from "./site.ts";
import { requireSupported } from "./support.ts";

const allowKeyRemoval = {
  name: "allow-key-removal",
  description: "delete keys and namespaces that the configuration does not have, [removal] or not",
};

/** `signstar-configure`: makes the HSM what the configuration says. */
export const configure: Command = {
  name: "signstar-configure",
  summary: "make the HSM and this host's part of it what the configuration says",
  description: `Compares the configuration with the device: users, namespaces, keys, tags, OpenPGP certificates, and the
passphrases that this host keeps for its users. No key is ever replaced, and none deleted that [removal] does not list.

A secret that is shared among holders is never kept: then changes are made by "run", for what enough of them want.

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
  run: runShares,
  commands: [
    {
      name: "run",
      summary: "do what holders of shares have agreed on; so does the program without a command",
      description: `The units of systemd start it whenever a share was confirmed or handed in, and every five minutes. With nothing to
do it ends at once and talks to no device.`,
      run: runShares,
    },
    { name: "status", summary: "show where the ceremonies around the admin secret stand", run: runStatus },
    {
      name: "plan",
      summary: "show what differs, change nothing; exit 2 if something does",
      options: [allowKeyRemoval],
      run: runPlan,
    },
    {
      name: "apply",
      summary: "make it so",
      description: `May be interrupted at any point: run it again and it finishes. The first connection leads; every other device
gets what the first has by a backup of it. A device that is away is told of, the others are done.`,
      options: [
        { name: "rotate", description: "give every user but the administrators a fresh passphrase" },
        allowKeyRemoval,
      ],
      run: runApply,
    },
  ],
  examples: [
    { command: "signstar-configure plan", description: "what would be done" },
    { command: "signstar-configure apply --json", description: "do it, and log JSON lines" },
  ],
};

async function runShares(invocation: Invocation): Promise<Exit> {
  const { options, io } = invocation;
  const log = options.flag("json") ? machineLog() : textLog(io);
  const site = await prepare(invocation, log.change);
  const sharing = sharingOf(site.config);
  if (sharing === undefined) io.note("the admin secret is not shared: changes are made with signstar-configure apply");
  else await exclusively(site.place.lock, () => holdCeremonies(site, sharing, log.event));
  return Exit.ok;
}

async function runStatus(invocation: Invocation): Promise<Exit> {
  const { config, place } = await prepare(invocation, () => undefined);
  invocation.io.write(ceremonyStatus(config, place, invocation.options.flag("json") ? "json" : "text"));
  return Exit.ok;
}

function textLog(io: Io): MachineLog {
  return { change: (_, change) => io.note(describe(change)), event: (_, text) => io.note(text) };
}

async function runPlan(invocation: Invocation): Promise<Exit> {
  const site = await prepare(invocation, () => undefined, removalOf(invocation));
  const devices = await planWithStore(site, adminStoreOf(site.config, site.place));
  invocation.io.write(invocation.options.flag("json") ? planJson(devices) : planText(devices));
  return devices.some(isPending) ? Exit.changes : Exit.ok;
}

async function runApply(invocation: Invocation): Promise<Exit> {
  const { options, io } = invocation;
  const log = options.flag("json") ? machineLog() : undefined;
  const made: Made[] = [];
  const site = await prepare(
    invocation,
    (device, change) => {
      made.push({ device, change });
      if (log === undefined) io.note(describe(change));
      else log.change(device, change);
    },
    removalOf(invocation),
  );
  const store = adminStoreOf(site.config, site.place);
  const rotate = options.flag("rotate");
  await exclusively(site.place.lock, () => applyWithStore(site, store, { rotate }));
  if (log !== undefined) io.write(madeJson(site.config.connections, made));
  else if (made.length === 0) io.note("nothing to do");
  return Exit.ok;
}

/** Holders, who give no options, allow what `[removal]` lists and nothing else. */
function removalOf({ options }: Invocation): { readonly allowKeyRemoval: boolean } {
  return { allowKeyRemoval: options.flag("allow-key-removal") };
}

async function prepare(
  { options, io }: Invocation,
  done: Site["done"],
  { allowKeyRemoval = false } = {},
): Promise<Site> {
  const root = options.text("root");
  const place = placeAt(root);
  const { config } = await loadConfig({ config: options.text("config"), root });
  for (const line of [...config.warnings, ...(place.note === undefined ? [] : [place.note])]) io.note(line);
  await requireSupported(config);
  return {
    config,
    desired: desiredFrom(config, { allowKeyRemoval }),
    place,
    connect: (to) => new NetHsm(to),
    now: () => new Date(),
    sleep: (ms) => setTimeout(ms),
    done,
  };
}
