import type { Io } from "@signstar/command/io";
import type { ForcedCommand } from "@signstar/command/run-forced";
import type { Options } from "@signstar/command/spec";
import { version } from "@signstar/command/version";
import { writeFileAtomic } from "@signstar/host/atomic-file";
import { trustedOwners } from "@signstar/host/caller";
import { HostError } from "@signstar/host/errors";
import { type JournalSummary, readJournalSummary } from "@signstar/host/journal-summary";
import type { UserId } from "@signstar/nethsm/ids";
import type { Connection, DeviceUrl } from "@signstar/nethsm/tls";
import { systemStates } from "@signstar/nethsm/types";
import { toUtf8 } from "@signstar/primitives/bytes";
import { connectionsOf, credentialsOf, passphrasesOf } from "./device-access.ts";
import { addDeviceMetrics } from "./device-metrics.ts";
import { Exposition, type Format, type Labels, type Metric } from "./exposition.ts";
import { addJournalMetrics } from "./journal-metrics.ts";
import type { Login, Observation } from "./observe.ts";
import { mappingOf } from "./role.ts";
import { Session, serverOptions } from "./session.ts";

const name = "signstar-download-metrics";
const formats = ["prometheus", "openmetrics"] as const satisfies readonly Format[];

/** What the devices and this appliance measure, in the text format of Prometheus. */
export const downloadMetrics: ForcedCommand = {
  name,
  summary: "print metrics of the HSM for Prometheus",
  description:
    "Run by sshd's ForceCommand, or on the appliance itself with --output for the textfile collector of the node\n" +
    "exporter. A device that is down has nethsm_up 0; that is no error.",
  options: [
    ...serverOptions,
    {
      name: "output",
      value: "FILE",
      description: "write this file, whole or not at all, and nothing to standard output",
    },
    { name: "format", value: "FORMAT", description: "which text format", choices: formats, default: formats[0] },
  ],
  accepts: [[]],
  begin(options) {
    const session = new Session(name, options);
    return { run: ({ io }) => handOut(session, io, options), ended: (ending) => session.ended(ending) };
  },
};

async function handOut(session: Session, io: Io, options: Options): Promise<void> {
  const began = performance.now();
  const { caller, config } = await session.open();
  const mapping = mappingOf(config, caller, ["metrics", "hermetic-metrics"]);
  const connections = connectionsOf(config, session.paths, session.root);
  using wipe = new DisposableStack();
  const login = async (user: UserId): Promise<Login> => {
    const passphrases = wipe.use(await passphrasesOf(config, user, caller, session.paths));
    return { user, credentials: credentialsOf(user, passphrases) };
  };
  const metricsUser = await login(mapping.metricsUser);
  const operators: Login[] = [];
  // One after the other: systemd lets nobody decrypt much at a time.
  for (const user of mapping.operatorUsers) operators.push(await login(user));
  const { observe } = await import("./observe.ts");
  const observed = await Promise.all(connections.map((connection) => observe(connection, metricsUser, operators)));

  const exposition = new Exposition();
  const labels = deviceLabels(connections);
  for (const [i, observation] of observed.entries()) {
    addObservation(exposition, labels[i] ?? "", observation);
    for (const problem of observation.problems) {
      await session.failed({ event: "device-problem", device: connections[i]?.url }, problem);
    }
  }
  addJournalMetrics(exposition, await journalSummary(session));
  exposition.add(own.build, { version }, 1);
  exposition.add(own.iteration, {}, config.iteration);
  exposition.add(own.duration, {}, (performance.now() - began) / 1000);

  const format = formats.find((each) => each === options.text("format")) ?? formats[0];
  const text = exposition.text(format);
  const output = options.text("output");
  if (output === undefined) io.write(text);
  else writeFileAtomic(output, toUtf8(text), { mode: 0o644 });
}

/** Host and port; the whole URL where that does not tell two devices apart. */
function deviceLabels(connections: readonly Connection[]): readonly string[] {
  const hostOf = (url: DeviceUrl) => new URL(url).host;
  return connections.map(({ url }) => {
    const alike = connections.filter((other) => hostOf(other.url) === hostOf(url));
    return alike.length === 1 ? hostOf(url) : url;
  });
}

/** Nobody who fetches metrics reads the journal: it was added up for them. A summary that is no good is as none. */
async function journalSummary(session: Session): Promise<JournalSummary | undefined> {
  try {
    return readJournalSummary(session.paths.journalSummary, trustedOwners(session.root));
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    await session.failed({ event: "summary-problem" }, thrown);
    return undefined;
  }
}

const gauge = (metric: string, help: string): Metric => ({ name: metric, type: "gauge", help });

/** What this process knows of itself. */
const own = {
  build: gauge("signstar_build_info", "Version of the program that made these metrics; always 1."),
  iteration: gauge("signstar_config_iteration", "The iteration that the appliance's configuration names."),
  duration: { ...gauge("signstar_scrape_duration_seconds", "Time to make these metrics."), unit: "seconds" },
  request: {
    ...gauge("signstar_hsm_request_duration_seconds", "Time that one request of this scrape took, by kind."),
    unit: "seconds",
  },
} as const satisfies Record<string, Metric>;

const device = {
  up: gauge("nethsm_up", "Whether the device is Operational and has told its metrics."),
  state: gauge("nethsm_state", "1 for the state that the device is in, 0 for the others; none if it is unreachable."),
  keysUp: gauge("nethsm_key_counters_up", "Whether the counters of a namespace's keys could be read."),
  keys: {
    name: "nethsm_key_operations_total",
    type: "counter",
    help: "Operations with a key since it exists; up to an hour of them may be lost when a device loses power.",
  },
} as const satisfies Record<string, Metric>;

function addObservation(into: Exposition, label: string, observation: Observation): void {
  const { state, stateSeconds, metrics, metricsSeconds, counters } = observation;
  const labels: Labels = { device: label };
  into.add(device.up, labels, metrics === undefined ? 0 : 1);
  if (state !== undefined) {
    for (const each of systemStates) into.add(device.state, { ...labels, state: each }, each === state ? 1 : 0);
  }
  if (stateSeconds !== undefined) into.add(own.request, { ...labels, request: "state" }, stateSeconds);
  if (metricsSeconds !== undefined) into.add(own.request, { ...labels, request: "metrics" }, metricsSeconds);
  if (metrics !== undefined) addDeviceMetrics(into, labels, metrics);
  for (const [namespace, keys] of counters) {
    into.add(device.keysUp, { ...labels, namespace }, keys === undefined ? 0 : 1);
    for (const [key, count] of keys ?? []) into.add(device.keys, { ...labels, namespace, key }, count);
  }
}
