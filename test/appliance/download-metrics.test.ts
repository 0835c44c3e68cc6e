// needs: openssl, promtool
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { emptySummary, encodeJournalSummary, type JournalSummary } from "@signstar/host/journal-summary";
import { CredentialsService, recordedFiles } from "@signstar/host/testing/credentials-service";
import { toUtf8 } from "@signstar/primitives/bytes";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toolPath } from "../../scripts/debian.ts";
import { liar } from "./liar.ts";
import { refusesOthers } from "./refusals.ts";
import { mappingOf } from "./roles.ts";
import { Stand } from "./stand.ts";

const name = "signstar-download-metrics";

let stand: Stand;
beforeAll(async () => {
  // The payload names devices and keys: that is what it is for.
  stand = await Stand.make(name, ["key1", "127.0.0.1", "localhost", "HSM", "hsm"]);
});
beforeEach(() => stand.reset());
afterAll(() => stand[Symbol.asyncDispose]());

const users = 'nethsm_users = { metrics_user = "metrics", operator_users = ["operator"] }';
function configure(kind = "system_nethsm_metrics"): void {
  stand.configure({ mapping: mappingOf(kind, users) });
  stand.credential("metrics-passphrase", "", "metrics");
  stand.credential("operator-passphrase");
}

const samples = (out: string) => out.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
const host = (url: string) => new URL(url).host;

function checked(out: string): string {
  const tool = toolPath("promtool") ?? "promtool";
  const { status, stdout, stderr } = spawnSync(tool, ["check", "metrics"], { input: out, encoding: "utf8" });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  return out;
}

/** Every name of the device's own documentation, and one that is new. */
const everything = {
  uptime: "1234",
  "log warnings": "1",
  "log errors": "2",
  "gc major bytes": "3",
  "gc major collections": "4",
  "gc minor collections": "5",
  "gc compactions": "6",
  generate: "7",
  sign: "8",
  decrypt: "9",
  encrypt: "10",
  "http response total": "11",
  "http response 200": "12",
  "http response 412": "13",
  "http response time": "0.000451",
  "kv write": "14",
  "client connections": "15",
  "established state": "16",
  "external.received bytes": "17",
  "external.received packets": "18",
  "external.transmitted bytes": "19",
  "external.transmitted packets": "20",
  "internal.received bytes": "21",
  "internal.received packets": "22",
  "internal.transmitted bytes": "23",
  "internal.transmitted packets": "24",
  "free chunk count": "25",
  "maximum allocated space": "26",
  "maximum releasable bytes": "27",
  "mmapped region count": "28",
  "new sleeper size": "29",
  "non-mmapped allocated bytes": "30",
  "sleep queue size": "31",
  "syn-rcvd state": "32",
  timers: "33",
  "total allocated space": "34",
  "total client": "35",
  "total established": "36",
  "total free space": "37",
  "total sleeper size": "38",
  "total syn-rcvd": "39",
  "total timers": "40",
} as const;

const reporting = (metrics: Record<string, string>) =>
  liar((path) => {
    if (path === "/health/state") return toUtf8('{"state":"Operational"}');
    if (path === "/metrics") return toUtf8(JSON.stringify(metrics));
    return path === "/keys" ? toUtf8("[]") : undefined;
  });

describe(name, () => {
  refusesOthers(name, () => stand, configure);

  test("tells of several devices, their keys, and which of them are down", async () => {
    const [device, locked] = [await stand.device("Curve25519"), await stand.device("EC_P256", {}, "fresh")];
    await locked.request("POST", "/lock", { user: ["admin", "admin-passphrase"] });
    const before = (await device.request("GET", "/keys/key1", { user: ["admin", "admin-passphrase"] })).json();
    stand.devices = [device, locked, { ...device, url: "https://localhost:1/api/v1" }];
    configure();
    const { code, out, err } = await stand.run("");
    expect([code, err]).toEqual([0, ""]);
    const lines = samples(checked(out));
    const label = `device="${host(device.url)}"`;
    const { operations } = before as { operations: number };
    for (const line of [
      `nethsm_up{${label}} 1`,
      `nethsm_up{device="${host(locked.url)}"} 0`,
      'nethsm_up{device="localhost:1"} 0',
      `nethsm_state{${label},state="Operational"} 1`,
      `nethsm_state{device="${host(locked.url)}",state="Locked"} 1`,
      `nethsm_key_operations_total{${label},namespace="",key="key1"} ${operations}`,
      `nethsm_key_counters_up{${label},namespace=""} 1`,
      "signstar_config_iteration 1",
    ]) {
      expect(lines).toContain(line);
    }
    expect(lines.some((line) => line.startsWith(`nethsm_uptime_seconds{${label}}`))).toBe(true);
    expect(lines.some((line) => line.startsWith('nethsm_state{device="localhost:1"'))).toBe(false);
    expect(lines.every((line) => /^[a-z_]+(?:\{[^{}]*\})? [0-9.e+-]+$/.test(line))).toBe(true);
    expect(stand.entries().map(({ event, device: url }) => [event, url])).toContainEqual([
      "device-problem",
      "https://localhost:1/api/v1",
    ]);
  });

  test("counts the keys of every namespace that an Operator of the mapping can see", async () => {
    const device = await stand.device("Curve25519", {}, "fresh");
    const as = async (user: string, method: string, path: string, json?: object) => {
      const who = { user: [user, `${user.replace("~", "-")}-passphrase`] as const };
      const { status } = await device.request(method, path, json === undefined ? who : { ...who, json });
      expect(status, `${method} ${path}`).toBeLessThan(300);
    };
    const made = (user: string, role: string) => ({
      realName: user,
      role,
      passphrase: `${user.replace("~", "-")}-passphrase`,
    });
    await as("admin", "PUT", "/users/ns1~admin", made("ns1~admin", "Administrator"));
    await as("admin", "PUT", "/namespaces/ns1");
    await as("ns1~admin", "PUT", "/users/ns1~operator", made("ns1~operator", "Operator"));
    for (const id of ["a", "b"]) {
      await as("ns1~admin", "POST", "/keys/generate", { id, type: "Curve25519", mechanisms: ["EdDSA_Signature"] });
    }
    stand.devices = [device];
    const operators = 'nethsm_users = { metrics_user = "metrics", operator_users = ["operator", "ns1~operator"] }';
    stand.configure({
      mapping: mappingOf("system_nethsm_metrics", operators),
      tail: '[[users]]\nnethsm_only_admin = "ns1~admin"',
    });
    stand.credential("metrics-passphrase", "", "metrics");
    stand.credential("operator-passphrase");
    stand.credential("ns1-operator-passphrase", "", "ns1~operator");
    const { code, out } = await stand.run("");
    expect(code).toBe(0);
    const counters = samples(checked(out)).filter((line) => line.startsWith("nethsm_key_"));
    const label = `device="${host(device.url)}"`;
    expect(counters.map((line) => line.replace(/ \d+$/, ""))).toEqual([
      `nethsm_key_counters_up{${label},namespace=""}`,
      `nethsm_key_counters_up{${label},namespace="ns1"}`,
      `nethsm_key_operations_total{${label},namespace="",key="key1"}`,
      `nethsm_key_operations_total{${label},namespace="ns1",key="a"}`,
      `nethsm_key_operations_total{${label},namespace="ns1",key="b"}`,
    ]);
  });

  test("asks systemd for the passphrases that it has encrypted", async () => {
    const device = await stand.device("Curve25519", {}, "fresh");
    const passphrase = "operator-passphrase";
    const admin = { user: ["admin", "admin-passphrase"], json: { passphrase } } as const;
    expect((await device.request("POST", "/users/metrics/passphrase", admin)).status).toBe(204);
    stand.devices = [device];
    stand.configure({ mapping: mappingOf("system_nethsm_metrics", users), secrets: "systemd-creds" });
    for (const user of ["metrics", "operator"]) stand.credential(recordedFiles[passphrase], "", user, "creds");
    await using service = await CredentialsService.listen(join(stand.root, "/run/systemd/io.systemd.Credentials"));
    const { code, out } = await stand.run("");
    expect([code, service.calls.length]).toEqual([0, 2]);
    for (const metric of ["nethsm_up", "nethsm_key_counters_up"]) {
      expect(samples(checked(out))).toContainEqual(expect.stringMatching(new RegExp(`^${metric}\\{.*\\} 1$`)));
    }
  });

  test("does not wait for a device that says nothing", async () => {
    const device = await stand.device("Curve25519");
    await using silent = await liar(() => new Promise<never>(() => undefined));
    stand.devices = [silent, device];
    configure();
    const { code, out } = await stand.run("");
    expect(code).toBe(0);
    const lines = samples(checked(out));
    expect(lines).toContain(`nethsm_up{device="${host(silent.url)}"} 0`);
    expect(lines).toContain(`nethsm_up{device="${host(device.url)}"} 1`);
  });

  test("has each metric of a device, once, with its value", async () => {
    await using device = await reporting(everything);
    stand.devices = [device];
    configure();
    const out = checked((await stand.run("")).out);
    const lines = samples(out).filter((line) => line.startsWith("nethsm_") && !/^nethsm_(?:up\{|state|key)/.test(line));
    expect(lines.map((line) => line.split(" ")[1]).sort()).toEqual(Object.values(everything).sort());
    expect(out).not.toContain("nethsm_other");
    for (const [line, type] of [
      [`nethsm_operations_total{device="${host(device.url)}",operation="sign"} 8`, "counter"],
      [`nethsm_http_responses_by_status_total{device="${host(device.url)}",status="412"} 13`, "counter"],
      [`nethsm_network_received_bytes_total{device="${host(device.url)}",interface="external"} 17`, "counter"],
      [`nethsm_memory_free_bytes{device="${host(device.url)}"} 37`, "gauge"],
    ] as const) {
      expect(lines).toContain(line);
      expect(out).toContain(`# TYPE ${line.split("{")[0]} ${type}\n`);
    }
  });

  test("believes no device that reports nonsense", async () => {
    const hostile = {
      uptime: "NaN\nnethsm_up 7",
      'new "thing"\n# TYPE x': "5",
      constructor: "6",
      ["x".repeat(1000)]: "7",
      sign: "1e99999",
    };
    await using device = await reporting(hostile);
    await using broken = await liar((path) => toUtf8(path === "/health/state" ? '{"state":"Operational"}' : "[1,2"));
    stand.devices = [device, broken];
    configure();
    const { code, out } = await stand.run("");
    expect(code).toBe(0);
    const label = `device="${host(device.url)}"`;
    expect(samples(checked(out)).filter((line) => line.startsWith("nethsm_other"))).toEqual([
      `nethsm_other{${label},name="new \\"thing\\"\\n# TYPE x"} 5`,
      `nethsm_other{${label},name="constructor"} 6`,
      `nethsm_other{${label},name="${"x".repeat(128)}"} 7`,
    ]);
    expect(out).toContain(`nethsm_up{device="${host(broken.url)}"} 0\n`);
    expect(out).not.toContain("nethsm_uptime");
  });

  test("shows counters that it may not read as such", async () => {
    stand.devices = [await stand.device("Curve25519")];
    configure();
    stand.credential("another passphrase");
    const { code, out } = await stand.run("");
    expect(code).toBe(0);
    expect(samples(checked(out))).toContain(
      `nethsm_key_counters_up{device="${host(stand.devices[0]?.url ?? "")}",namespace=""} 0`,
    );
    expect(out).toMatch(/^nethsm_up\{.*\} 1$/m);
    expect(out).not.toContain("nethsm_key_operations_total");
  });

  test("adds what the journal tells, if that is known", async () => {
    stand.devices = [await stand.device("Curve25519")];
    configure();
    expect(samples(checked((await stand.run("")).out))).toContain("signstar_journal_up 0");

    const path = "/var/lib/signstar/metrics/journal.json";
    const summary: JournalSummary = {
      ...emptySummary,
      at: 1_795_000_100_500,
      cursorsLost: 1,
      entries: { counted: 40, foreign: 2, malformed: 3 },
      keys: new Map([
        ["key1", { requested: 5, signed: 3, failed: 1, lastSuccess: 1_795_000_000_250 }],
        ["ns1~key2", { requested: 1, signed: 0, failed: 1, lastSuccess: undefined }],
      ]),
      failures: new Map([["device-refused", 2]]),
      refusals: new Map([["forbidden-words", 4]]),
      sessions: new Map([
        [
          "signstar-download-signature",
          new Map([
            ["0", 3],
            ["64", 4],
          ]),
        ],
      ]),
      signing: { counts: [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1], sumMs: 12_358 },
    };
    stand.write(path, encodeJournalSummary(summary), 0o644);
    const { code, out } = await stand.run("");
    expect(code).toBe(0);
    const told = samples(checked(out)).filter((line) => /^signstar_(?!build|config|scrape|hsm)/.test(line));
    const bucket = (le: string, count: number) => `signstar_signing_duration_seconds_bucket{le="${le}"} ${count}`;
    expect(told).toEqual([
      "signstar_journal_cursors_lost_total 1",
      'signstar_journal_entries_total{fate="counted"} 40',
      'signstar_journal_entries_total{fate="foreign"} 2',
      'signstar_journal_entries_total{fate="malformed"} 3',
      "signstar_journal_timestamp_seconds 1795000100.5",
      "signstar_journal_up 1",
      'signstar_last_success_timestamp_seconds{key="key1"} 1795000000.25',
      'signstar_refusals_total{code="forbidden-words"} 4',
      'signstar_sessions_total{program="signstar-download-signature",exit="0"} 3',
      'signstar_sessions_total{program="signstar-download-signature",exit="64"} 4',
      'signstar_signature_failures_total{code="device-refused"} 2',
      'signstar_signature_requests_total{key="key1"} 5',
      'signstar_signature_requests_total{key="ns1~key2"} 1',
      'signstar_signatures_total{key="key1",outcome="signed"} 3',
      'signstar_signatures_total{key="key1",outcome="failed"} 1',
      'signstar_signatures_total{key="ns1~key2",outcome="signed"} 0',
      'signstar_signatures_total{key="ns1~key2",outcome="failed"} 1',
      bucket("0.005", 0),
      ...["0.01", "0.025", "0.05", "0.1"].map((le) => bucket(le, 1)),
      ...["0.25", "0.5", "1.0", "2.5", "5.0", "10.0"].map((le) => bucket(le, 2)),
      bucket("+Inf", 3),
      "signstar_signing_duration_seconds_sum 12.358",
      "signstar_signing_duration_seconds_count 3",
    ]);
    const open = await stand.run("", {}, false, ["--format", "openmetrics"]);
    expect(open.out).toContain(
      "# TYPE signstar_signing_duration_seconds histogram\n# UNIT signstar_signing_duration_seconds seconds\n",
    );
    expect(open.out).toContain("# TYPE signstar_signatures counter\n");

    for (const [content, mode] of [
      ["{}", 0o644],
      [encodeJournalSummary(summary), 0o666],
    ] as const) {
      stand.write(path, content, mode);
      const damaged = await stand.run("");
      expect(damaged.code).toBe(0);
      expect(samples(checked(damaged.out))).toContain("signstar_journal_up 0");
      expect(stand.entries().map(({ event, code: why }) => [event, why])).toContainEqual([
        "summary-problem",
        "summary-unusable",
      ]);
    }
  });

  test("writes a file whole, and speaks OpenMetrics, on the appliance itself", async () => {
    await using device = await reporting(everything);
    stand.devices = [device];
    configure("hermetic_system_nethsm_metrics");
    const output = stand.write("/metrics/nethsm.prom", "old");
    expect(await stand.run("", {}, false, ["--output", output])).toEqual({ code: 0, out: "", err: "" });
    checked(readFileSync(output, "utf8"));
    expect(statSync(output).mode & 0o7777).toBe(0o644);
    expect(readdirSync(join(output, ".."))).toEqual(["nethsm.prom"]);
    const { out } = await stand.run("", {}, false, ["--format", "openmetrics"]);
    expect(out.endsWith("\n# EOF\n")).toBe(true);
    expect(out).toContain("# TYPE nethsm_kv_writes counter\n");
    expect(out).toContain("\nnethsm_kv_writes_total{");
    expect(out).toContain("# UNIT nethsm_network_received_bytes bytes\n");
    const elsewhere = await stand.run("", {}, false, ["--output", "/nowhere/nethsm.prom"]);
    expect([elsewhere.code, elsewhere.out]).toEqual([73, ""]);
  });

  test("is not set up right without passphrases", async () => {
    stand.devices = [await stand.device("Curve25519")];
    stand.configure({ mapping: mappingOf("system_nethsm_metrics", users) });
    expect((await stand.run("")).code).toBe(78);
  });
});
