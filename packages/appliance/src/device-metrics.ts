/** What a NetHSM counts and measures, and what each of it is called here. All of it begins anew when it restarts. */
import type { Exposition, Labels, Metric } from "./exposition.ts";

interface Known {
  readonly metric: Metric;
  readonly labels?: Labels;
}

const counter = (name: string, help: string): Metric => ({ name: `nethsm_${name}_total`, type: "counter", help });
const byteCounter = (name: string, help: string): Metric => ({ ...counter(`${name}_bytes`, help), unit: "bytes" });
const gauge = (name: string, help: string): Metric => ({ name: `nethsm_${name}`, type: "gauge", help });
const bytes = (name: string, help: string): Metric => ({ ...gauge(`${name}_bytes`, help), unit: "bytes" });
const seconds = (name: string, help: string): Metric => ({ ...gauge(`${name}_seconds`, help), unit: "seconds" });

const operations = counter("operations", "Operations with keys since the device started, by kind.");
const byStatus = counter("http_responses_by_status", "HTTP responses since the device started, by status code.");

const table: Readonly<Record<string, Metric>> = {
  uptime: seconds("uptime", "Time since the device started."),
  "log warnings": counter("log_warnings", "Warnings in the device's log."),
  "log errors": counter("log_errors", "Errors in the device's log."),
  "gc major bytes": bytes("gc_major", "Size of the device's major heap."),
  "gc major collections": counter("gc_major_collections", "Major garbage collections."),
  "gc minor collections": counter("gc_minor_collections", "Minor garbage collections."),
  "gc compactions": counter("gc_compactions", "Heap compactions."),
  "http response total": counter("http_responses", "HTTP responses since the device started."),
  "http response time": seconds("http_response_time", "Time to respond, exponentially smoothed by the device."),
  "kv write": counter("kv_writes", "Writes to the device's store."),
  "client connections": gauge("tcp_client_connections", "TCP connections that the device has opened."),
  "established state": gauge("tcp_established_connections", "TCP connections in state ESTABLISHED."),
  "syn-rcvd state": gauge("tcp_syn_received_connections", "TCP connections in state SYN-RECEIVED."),
  timers: gauge("tcp_timers", "TCP timers that run."),
  "total client": counter("tcp_connections_opened", "TCP connections that the device has opened so far."),
  "total established": counter("tcp_connections_established", "TCP connections that were established so far."),
  "total syn-rcvd": counter("tcp_connections_requested", "TCP connections that were asked for so far."),
  "total timers": counter("tcp_timers_started", "TCP timers that were started so far."),
  "sleep queue size": gauge("sleep_queue_entries", "Tasks in the device's sleep queue."),
  "new sleeper size": gauge("sleep_new_entries", "Tasks that have begun to sleep and are not in the queue yet."),
  "total sleeper size": gauge("sleep_entries", "Tasks that sleep, in the queue or not."),
  "free chunk count": gauge("memory_free_chunks", "Free chunks of memory."),
  "mmapped region count": gauge("memory_mmapped_regions", "Mapped regions of memory."),
  "maximum allocated space": bytes("memory_allocated_highest", "Most memory that was ever allocated."),
  "maximum releasable bytes": bytes("memory_releasable", "Memory that could be given back at most."),
  "non-mmapped allocated bytes": bytes("memory_not_mmapped", "Memory that was allocated without mapping."),
  "total allocated space": bytes("memory_allocated", "Memory that is allocated."),
  "total free space": bytes("memory_free", "Memory that is free."),
};

const traffic: Readonly<Record<string, Metric>> = {
  "received bytes": byteCounter("network_received", "Bytes received, by network interface."),
  "received packets": counter("network_received_packets", "Packets received, by network interface."),
  "transmitted bytes": byteCounter("network_transmitted", "Bytes sent, by network interface."),
  "transmitted packets": counter("network_transmitted_packets", "Packets sent, by network interface."),
};

const other: Metric = {
  name: "nethsm_other",
  type: "untyped",
  help: "What the device reports beyond what is known, by the device's own name for it.",
};

/** A device that reports more than this is not believed. */
const maxMetrics = 256;

/** Adds what a device reports: names with spaces, values as decimal text. What is no number is left out. */
export function addDeviceMetrics(into: Exposition, device: Labels, reported: ReadonlyMap<string, string>): void {
  for (const [name, value] of [...reported].slice(0, maxMetrics)) {
    if (!/^[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?$/.test(value)) continue;
    const { metric, labels } = known(name);
    into.add(metric, { ...device, ...labels }, value);
  }
}

function known(name: string): Known {
  const metric = Object.hasOwn(table, name) ? table[name] : undefined;
  if (metric !== undefined) return { metric };
  if (["generate", "sign", "decrypt", "encrypt"].includes(name)) {
    return { metric: operations, labels: { operation: name } };
  }
  const status = /^http response (\d{3})$/.exec(name)?.[1];
  if (status !== undefined) return { metric: byStatus, labels: { status } };
  const [, place = "", what = ""] = /^(external|internal)[ .](.*)$/.exec(name) ?? [];
  const moved = Object.hasOwn(traffic, what) ? traffic[what] : undefined;
  if (moved !== undefined) return { metric: moved, labels: { interface: place } };
  return { metric: other, labels: { name: name.slice(0, 128) } };
}
