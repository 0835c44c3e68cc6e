import { parseConfig } from "@signstar/config/parse";
import { expect, test } from "vitest";
import { desiredFrom } from "./desired.ts";

const head = `iteration = 1
admin_secret_handling = "plaintext"
non_admin_secret_handling = "plaintext"
[[connections]]
url = "https://127.0.0.1:8443/api/v1"
tls_security = "Unsafe"
[[users]]
nethsm_only_admin = "boss"
[[users]]
nethsm_only_admin = "ns1~boss"
`;
const sshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk3LzmWBSEvpBjxNRtxZF3wIgHy0EbFGJUHCIgMlVh8";
const signing = (operator: string, userIds: string) => `
[[users]]
[users.system_nethsm_operator_signing]
system_user = "build"
ssh_authorized_key = "${sshKey}"
nethsm_user = "${operator}"
tag = "tag1"
[users.system_nethsm_operator_signing.nethsm_key_setup]
key_id = "key1"
key_type = "Rsa"
key_length = 4096
key_mechanisms = ["RsaSignaturePkcs1"]
signature_type = "Pkcs1"
key_context.openpgp = { user_ids = ${userIds}, version = "4" }
`;
const desired = (text: string) => desiredFrom(parseConfig(head + text));

test("a signing mapping is an Operator, a key with the same tag and its certificate", () => {
  const { administrators, namespaces, users, keys } = desired(signing("ns1~op1", '["A", "B"]'));
  expect(administrators).toEqual(["admin", "boss"]);
  expect(namespaces).toEqual([{ id: "ns1", administrators: ["ns1~boss"] }]);
  expect(users).toEqual([{ id: "ns1~op1", role: "Operator", tags: ["tag1"], systemUser: "build" }]);
  expect(keys).toEqual([
    {
      keyId: "key1",
      namespace: "ns1",
      type: "RSA",
      mechanisms: ["RSA_Signature_PKCS1"],
      length: 4096,
      tags: ["tag1"],
      operator: "ns1~op1",
      certificate: { userId: "A", fingerprint: undefined },
    },
  ]);
});

test("a metrics mapping is a Metrics user and untagged Operators with the same home", () => {
  const { users } = desired(`
[[users]]
[users.hermetic_system_nethsm_metrics]
system_user = "watch"
nethsm_users = { metrics_user = "metrics1", operator_users = ["watch1", "ns1~watch1"] }
`);
  expect(users).toEqual([
    { id: "metrics1", role: "Metrics", tags: [], systemUser: "watch" },
    { id: "watch1", role: "Operator", tags: [], systemUser: "watch" },
    { id: "ns1~watch1", role: "Operator", tags: [], systemUser: "watch" },
  ]);
});

test("a certificate needs a user id", () => {
  expect(() => desired(signing("op1", "[]"))).toThrow(/without a user id/);
});

test("the user that provisioning makes is an administrator and nothing else", () => {
  expect(() => desired(signing("admin", '["A"]'))).toThrow(/"admin" is configured as no administrator/);
});

test.each(['keys = ["ns1~key1"]', 'namespaces = ["ns1"]'])("what is configured is not removed: %s", (removal) => {
  const contradictory = `${signing("ns1~op1", '["A"]')}\n[removal]\n${removal}\n`;
  expect(() => desired(contradictory)).toThrow(/removal|removed/);
});

test("what cannot be the name of a file is refused before anything is made", () => {
  const namespace = "n".repeat(128);
  const administrator = `[[users]]\nnethsm_only_admin = "${namespace}~boss"\n`;
  const named = (id: string) => `${administrator}${signing(`${namespace}~${id}`, '["A"]')}`;
  expect(() => desired(named("o".repeat(102)))).toThrow(/too long for the name of its file/);
  expect(desired(named("o".repeat(101))).users).toHaveLength(1);
});
