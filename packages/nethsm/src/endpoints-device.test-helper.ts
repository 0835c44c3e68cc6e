import { parseMemberId } from "./cluster.ts";
import {
  bytes,
  type Case,
  created,
  next,
  nothing,
  passphrase,
  pem,
  pemAnswer,
  tag,
  unchanged,
} from "./endpoints.test-helper.ts";
import { parseNamespaceId, parseUserId } from "./ids.ts";
import { json } from "./server.test-helper.ts";

const date = new Date("2026-11-21T10:20:30.456Z");
const [op, ns] = [parseUserId("ns1~op-1"), parseNamespaceId("ns1")];
const member = parseMemberId("8e9e05c52164694d");
const urls = ["https://192.0.2.1:2380"];
const members = [
  { name: "one", urls },
  { name: "", urls: ["https://192.0.2.2:2380"] },
];

const network = { ipAddress: "192.0.2.5", netmask: "255.255.254.0", gateway: "0.0.0.0" };
const logging = { ipAddress: "192.0.2.9", port: 514, logLevel: "info" } as const;
const systemInfo = {
  softwareVersion: "5.0",
  softwareBuild: "abc",
  firmwareVersion: "N/A",
  hardwareVersion: "N/A",
  deviceId: "0000000000",
};
const diagnosis = { clusterLogs: [{ level: "error", msg: "Mock: no etcd" }], clusterState: { running: false } };

export const deviceCases: readonly Case[] = [
  [
    (h) => h.info(),
    "GET /info",
    "",
    json({ vendor: "v", product: "p", more: 1 }),
    { vendor: "v", product: "p" },
    "public",
  ],
  [(h) => h.health.alive(), "GET /health/alive", "", {}, true, "public"],
  [(h) => h.health.alive(), "GET /health/alive", "", json({ message: "Service not available" }, 412), false, "public"],
  [(h) => h.health.ready(), "GET /health/ready", "", {}, true, "public"],
  [(h) => h.health.ready(), "GET /health/ready", "", { status: 412 }, false, "public"],
  [(h) => h.health.state(), "GET /health/state", "", json({ state: "Locked" }), "Locked", "public"],
  [(h) => h.health.diagnose(), "GET /health/diagnose", "", json(diagnosis), diagnosis],
  [
    (h) => h.metrics(),
    "GET /metrics",
    "",
    json({ "log errors": "3", n: 4 }),
    new Map([
      ["log errors", "3"],
      ["n", "4"],
    ]),
  ],
  [
    (h) => h.provision({ unlockPassphrase: passphrase, adminPassphrase: next, systemTime: date }),
    "POST /provision",
    { unlockPassphrase: "0123456789", adminPassphrase: "9876543210", systemTime: "2026-11-21T10:20:30Z" },
    nothing,
    undefined,
    "public",
  ],
  [(h) => h.unlock(passphrase), "POST /unlock", { passphrase: "0123456789" }, nothing, undefined, "public"],
  [(h) => h.lock(), "POST /lock", "", nothing, undefined],
  [(h) => h.random(3), "POST /random", { length: 3 }, json({ random: "AQID" }), bytes],

  [(h) => h.users.list(), "GET /users", "", json([{ user: "admin" }, { user: "ns1~op-1" }]), ["admin", "ns1~op-1"]],
  [
    (h) => h.users.create(op, { realName: "Ö", role: "Operator", passphrase }),
    "PUT /users/ns1~op-1",
    { realName: "Ö", role: "Operator", passphrase: "0123456789" },
    { status: 201 },
    undefined,
  ],
  [
    (h) => h.users.createUnnamed({ realName: "", role: "Backup", passphrase }),
    "POST /users",
    { realName: "", role: "Backup", passphrase: "0123456789" },
    created,
    "0123456789abcdef0123",
  ],
  [
    (h) => h.users.createUnnamed({ realName: "", role: "Metrics", passphrase }, ns),
    "POST /users/ns1~",
    { realName: "", role: "Metrics", passphrase: "0123456789" },
    json({ id: "ns1~0123" }, 201),
    "ns1~0123",
  ],
  [
    (h) => h.users.get(op),
    "GET /users/ns1~op-1",
    "",
    json({ realName: "Ö", role: "Operator" }),
    { realName: "Ö", role: "Operator" },
  ],
  [(h) => h.users.delete(op), "DELETE /users/ns1~op-1", "", nothing, undefined],
  [
    (h) => h.users.setPassphrase(op, passphrase),
    "POST /users/ns1~op-1/passphrase",
    { passphrase: "0123456789" },
    nothing,
    undefined,
  ],
  [(h) => h.users.tags(op), "GET /users/ns1~op-1/tags", "", json(["tag.1"]), ["tag.1"]],
  [(h) => h.users.addTag(op, tag), "PUT /users/ns1~op-1/tags/tag.1", "", nothing, true],
  [(h) => h.users.addTag(op, tag), "PUT /users/ns1~op-1/tags/tag.1", "", unchanged, false],
  [(h) => h.users.removeTag(op, tag), "DELETE /users/ns1~op-1/tags/tag.1", "", nothing, undefined],

  [(h) => h.namespaces.list(), "GET /namespaces", "", json([{ id: "ns1" }]), ["ns1"]],
  [(h) => h.namespaces.create(ns), "PUT /namespaces/ns1", "", nothing, undefined],
  [(h) => h.namespaces.delete(ns), "DELETE /namespaces/ns1", "", nothing, undefined],

  [
    (h) => h.config.setUnlockPassphrase({ current: passphrase, next }),
    "PUT /config/unlock-passphrase",
    { newPassphrase: "9876543210", currentPassphrase: "0123456789" },
    nothing,
    undefined,
  ],
  [
    (h) => h.config.setBackupPassphrase({ next }),
    "PUT /config/backup-passphrase",
    { newPassphrase: "9876543210", currentPassphrase: "" },
    nothing,
    undefined,
  ],
  [(h) => h.config.getUnattendedBoot(), "GET /config/unattended-boot", "", json({ status: "off" }), "off"],
  [(h) => h.config.setUnattendedBoot("on"), "PUT /config/unattended-boot", { status: "on" }, nothing, undefined],
  [(h) => h.config.getNetwork(), "GET /config/network", "", json(network), { ...network, ipv6: undefined }],
  [(h) => h.config.setNetwork(network), "PUT /config/network", network, nothing, undefined],
  [
    (h) => h.config.setNetwork({ ...network, ipv6: { cidr: "fd00::5/64" } }),
    "PUT /config/network",
    { ...network, ipv6: { cidr: "fd00::5/64", gateway: null } },
    nothing,
    undefined,
  ],
  [(h) => h.config.getLogging(), "GET /config/logging", "", json(logging), logging],
  [(h) => h.config.setLogging(logging), "PUT /config/logging", logging, nothing, undefined],
  [
    (h) => h.config.getTime(),
    "GET /config/time",
    "",
    json({ time: "2026-11-21T10:20:30Z" }),
    new Date("2026-11-21T10:20:30Z"),
  ],
  [(h) => h.config.setTime(date), "PUT /config/time", { time: "2026-11-21T10:20:30Z" }, nothing, undefined],
  [(h) => h.config.tls.publicPem(), "GET /config/tls/public.pem", "", pemAnswer, pem],
  [(h) => h.config.tls.getCertificate(), "GET /config/tls/cert.pem", "", pemAnswer, pem],
  [(h) => h.config.tls.setCertificate(pem), "PUT /config/tls/cert.pem", pem, { status: 201 }, undefined],
  [(h) => h.config.tls.csr({ commonName: "" }), "POST /config/tls/csr.pem", { commonName: "" }, pemAnswer, pem],
  [
    (h) => h.config.tls.generate("RSA", 2048),
    "POST /config/tls/generate",
    { type: "RSA", length: 2048 },
    nothing,
    undefined,
  ],
  [(h) => h.config.tls.generate("EC_P256"), "POST /config/tls/generate", { type: "EC_P256" }, nothing, undefined],
  [(h) => h.config.tls.getClusterCa(), "GET /config/tls/cluster-ca.pem", "", pemAnswer, pem],
  [
    (h) => h.config.tls.getClusterCa(),
    "GET /config/tls/cluster-ca.pem",
    "",
    json({ message: "unset" }, 404),
    undefined,
  ],
  [(h) => h.config.tls.setClusterCa(pem), "PUT /config/tls/cluster-ca.pem", pem, { status: 201 }, undefined],

  [
    (h) => h.system.info(),
    "GET /system/info",
    "",
    json({ ...systemInfo, akPub: {}, pcr: { "0": "ab" } }),
    { ...systemInfo, akPub: {}, pcr: new Map([["0", "ab"]]) },
  ],
  [(h) => h.system.reboot(), "POST /system/reboot", "", nothing, undefined],
  [(h) => h.system.shutdown(), "POST /system/shutdown", "", nothing, undefined],
  [(h) => h.system.factoryReset(), "POST /system/factory-reset", "", nothing, undefined],
  [
    (h) => h.system.update({ chunks: [bytes, bytes] }),
    "POST /system/update",
    "\u0001\u0002\u0003\u0001\u0002\u0003",
    json({ releaseNotes: "n" }),
    "n",
  ],
  [(h) => h.system.commitUpdate(), "POST /system/commit-update", "", nothing, undefined],
  [(h) => h.system.cancelUpdate(), "POST /system/cancel-update", "", nothing, undefined],

  [
    (h) => h.cluster.members(),
    "GET /cluster/members",
    "",
    json([{ id: "deadbeef", name: "mock", urls: [], learner: false }]),
    [{ id: "deadbeef", name: "mock", urls: [], learner: false }],
  ],
  [
    (h) => h.cluster.addMember(urls),
    "POST /cluster/members",
    { urls },
    json({ members, joinerKit: "kit" }, 201),
    { members, joinerKit: "kit" },
  ],
  [(h) => h.cluster.setMemberUrls(member, urls), "PUT /cluster/members/8e9e05c52164694d", { urls }, nothing, undefined],
  [(h) => h.cluster.removeMember(member), "DELETE /cluster/members/8e9e05c52164694d", "", nothing, undefined],
  [(h) => h.cluster.promote(member), "POST /cluster/members/8e9e05c52164694d/promote", "", nothing, undefined],
  [
    (h) => h.cluster.join({ members, joinerKit: "kit" }, passphrase),
    "POST /cluster/join",
    { members, joinerKit: "kit", backupPassphrase: "0123456789" },
    nothing,
    undefined,
  ],
  [(h) => h.cluster.forceNew(), "POST /cluster/force-new", "", nothing, undefined],
];
