import { parseSystemUserId } from "@signstar/config/system-user";
import { parseKeyId, parseNamespaceId, parseTag, parseUserId } from "@signstar/nethsm/ids";
import { describe, expect, test } from "vitest";
import {
  type ActualCertificate,
  type ActualKey,
  type CertificateState,
  type Contents,
  freshContents,
} from "./actual.ts";
import { type Desired, type DesiredKey, leadingAdministrator } from "./desired.ts";
import { planContents } from "./plan.ts";

const operator = parseUserId("op1");
const key: DesiredKey = {
  keyId: parseKeyId("key1"),
  namespace: undefined,
  type: "RSA",
  mechanisms: ["RSA_Signature_PKCS1"],
  length: 4096,
  tags: [parseTag("tag1")],
  operator,
  certificate: { userId: "A", fingerprint: undefined },
};
const desired: Desired = {
  administrators: [leadingAdministrator],
  namespaces: [],
  users: [{ id: operator, role: "Operator", tags: [parseTag("tag1")], systemUser: parseSystemUserId("build") }],
  passphrases: "plaintext",
  keys: [key],
  removal: { keys: [], namespaces: [], everything: false },
};
const missing: CertificateState = { kind: "missing" };
const good: CertificateState = { kind: "good" };
const outdated: CertificateState = { kind: "outdated", createdAt: 7, why: "is old" };
const foreign: CertificateState = { kind: "foreign", why: "is for another key" };
const found: ActualKey = {
  key,
  publicKey: "RSA 1",
  type: "RSA",
  mechanisms: new Set(["RSA_Signature_PKCS1"]),
  length: 4096,
  tags: new Set(["tag1"]),
  certificate: { file: good, device: good, same: true },
};

function contents(changed: Partial<ActualKey> = {}, others: Partial<Contents> = {}): Contents {
  const fresh = freshContents(new Set());
  return {
    ...fresh,
    users: new Map([...fresh.users, [operator, { role: "Operator", tags: new Set(["tag1"]), passphrase: "accepted" }]]),
    keys: new Map([["key1", { ...found, ...changed }]]),
    ...others,
  };
}

test("a device that is as it should be needs nothing", () => {
  expect(planContents(desired, contents())).toEqual({ changes: [], conflicts: [], notes: [] });
});

describe("a key is never replaced", () => {
  test.each<[string, Partial<ActualKey>, RegExp]>([
    ["another type", { type: "Curve25519", length: undefined }, /of type Curve25519 on the device, not RSA 4096/],
    ["another length", { length: 2048 }, /of type RSA 2048 on the device, not RSA 4096/],
    ["more mechanisms", { mechanisms: new Set(["RSA_Signature_PKCS1", "RSA_Decryption_RAW"]) }, /RSA_Decryption_RAW/],
  ])("%s", (_, changed, message) => {
    expect(planContents(desired, contents(changed)).conflicts).toEqual([expect.stringMatching(message)]);
  });
});

test("a tag that no request can name stays and is told; any other goes", () => {
  const { changes, conflicts, notes } = planContents(desired, contents({ tags: new Set(["tag1", "tag 2", "tag3"]) }));
  expect(changes).toMatchObject([{ kind: "remove-key-tag", tag: "tag3" }]);
  expect([conflicts, notes]).toEqual([[], [expect.stringContaining('keeps the tag "tag 2"')]]);
});

describe("certificates", () => {
  const kinds = (certificate: ActualCertificate) => {
    const { changes, conflicts } = planContents(desired, contents({ certificate }));
    return [...changes.map((change) => change.kind), ...conflicts.map(() => "conflict")];
  };

  test.each<[string, CertificateState, CertificateState, string[]]>([
    ["none", missing, missing, ["make-certificate"]],
    ["only on the device", missing, good, ["write-certificate"]],
    ["only here", good, missing, ["store-certificate"]],
    ["another good one on the device", good, good, ["store-certificate"]],
    ["something strange on the device", good, foreign, ["store-certificate"]],
    ["an outdated one here", outdated, good, ["make-certificate"]],
    ["only an outdated one on the device", missing, outdated, ["make-certificate"]],
    ["a strange one here", foreign, good, ["conflict"]],
    ["only a strange one on the device", missing, foreign, ["conflict"]],
  ])("%s", (_, file, device, expected) => {
    expect(kinds({ file, device, same: false })).toEqual(expected);
  });

  test("one that is made again keeps the time of the one before", () => {
    const { changes } = planContents(desired, contents({ certificate: { file: outdated, device: good, same: false } }));
    expect(changes).toMatchObject([{ kind: "make-certificate", createdAt: 7, why: "is old" }]);
  });

  test("one that must have a certain fingerprint is not made", () => {
    const pinned = { ...desired, keys: [{ ...key, certificate: { userId: "A", fingerprint: "00".repeat(20) } }] };
    const none = contents({ certificate: { file: missing, device: missing, same: false } });
    expect(planContents(pinned, none)).toMatchObject({ changes: [], conflicts: [expect.stringContaining("0000")] });
  });
});

test("a namespace that nobody we know can enter is left alone", () => {
  const ns1 = parseNamespaceId("ns1");
  const boss = parseUserId("ns1~boss");
  const stranger = parseUserId("ns1~stranger");
  const inNamespace: Desired = { ...desired, namespaces: [{ id: ns1, administrators: [boss] }] };
  const users = new Map([
    ...contents().users,
    [stranger, { role: "Administrator", tags: new Set<string>(), passphrase: "unknown" }] as const,
  ]);
  const plan = planContents(inNamespace, contents({}, { users, namespaces: new Set([ns1]) }));
  expect(plan).toMatchObject({ changes: [], conflicts: [expect.stringContaining("namespace ns1 exists")] });
});

test("names that an old device cannot hold are conflicts", () => {
  const users = desired.users.map((user) => ({ ...user, tags: [parseTag("tag-1")] }));
  const old = { ...desired, users, keys: [{ ...key, tags: [parseTag("tag-1")] }] };
  expect(planContents(old, contents({}, { softwareVersion: "2.2" })).conflicts).toEqual([
    expect.stringContaining('"tag-1" is no name'),
  ]);
  expect(planContents(old, contents({}, { softwareVersion: "3.0" })).conflicts).toEqual([]);
});
