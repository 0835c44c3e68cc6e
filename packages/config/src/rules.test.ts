import { describe, expect, test } from "vitest";
import { ConfigError } from "./errors.ts";
import { parseConfig } from "./parse.ts";
import { admin, type SigningSample, sampleConfig, shareUsers, signingUser, sshKey } from "./testing/sample.ts";

function messagesOf(text: string): readonly string[] {
  try {
    parseConfig(text);
    return [];
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems.map(({ path, message }) => `${path}: ${message}`);
    throw thrown;
  }
}

const second: SigningSample = { user: "second", operator: "second", key: 2, keyId: "second", tag: "second" };
const namespaces = '[[users]]\nnethsm_only_admin = "ns1~admin"\n[[users]]\nnethsm_only_admin = "ns2~admin"\n';
const two = (first: SigningSample, other: SigningSample) =>
  messagesOf(sampleConfig({ tail: namespaces + signingUser(first) + signingUser({ ...second, ...other }) }));

describe("between two signing mappings", () => {
  test("nothing in common is fine", () => {
    expect(two({}, {})).toEqual([]);
  });

  test.each<[SigningSample, SigningSample, string]>([
    [{}, { user: "signer" }, "system_user: duplicate system user signer, already at users[5]."],
    [{}, { operator: "operator" }, "nethsm_user: duplicate NetHSM user operator, already at users[5]."],
    [{}, { key: 1 }, "ssh_authorized_key: duplicate SSH key SHA256:"],
    [{}, { keyId: "key" }, "nethsm_key_setup.key_id: duplicate key id key, already at users[5]."],
    [{}, { tag: "tag" }, "tag: duplicate tag tag, already at users[5]."],
    [
      { operator: "ns1~a" },
      { operator: "ns1~b", keyId: "key" },
      "nethsm_key_setup.key_id: duplicate key id in a namespace: key in ns1, already at users[5].",
    ],
    [
      { operator: "ns1~a" },
      { operator: "ns1~b", tag: "tag" },
      "tag: duplicate tag in a namespace: tag in ns1, already",
    ],
  ])("%j and %j", (first, other, message) => {
    expect(two(first, other)).toEqual([expect.stringContaining(`users[6].system_nethsm_operator_signing.${message}`)]);
  });

  test("names are compared within their scope", () => {
    expect(two({ operator: "ns1~a" }, { operator: "ns2~a", keyId: "key", tag: "tag" })).toEqual([]);
    expect(two({ operator: "a" }, { operator: "ns2~a", keyId: "key", tag: "tag" })).toEqual([]);
  });

  test("a key with another comment is the same key", () => {
    const text = sampleConfig({ tail: signingUser() + signingUser(second) });
    expect(messagesOf(text.replace(sshKey(2), sshKey(1, "somebody else")))).toEqual([
      expect.stringContaining("duplicate SSH key"),
    ]);
  });
});

describe("administrators", () => {
  test("one system-wide at least", () => {
    expect(messagesOf(sampleConfig({ users: shareUsers }))).toEqual([
      expect.stringMatching(/^users: no system-wide admin/),
    ]);
  });

  test("one for each namespace in use, by whatever kind of mapping, each reported once", () => {
    const metrics = `[[users]]\n[users.hermetic_system_nethsm_metrics]\nsystem_user = "m"
nethsm_users = { metrics_user = "m", operator_users = ["ns2~m", "ns2~n"] }`;
    expect(messagesOf(sampleConfig({ tail: signingUser({ operator: "ns1~op" }) + metrics }))).toEqual([
      expect.stringMatching(/^users\[3\].*namespace without administrator: ns1 /),
      expect.stringMatching(/^users\[4\].*operator_users\[0\]: namespace without administrator: ns2 /),
    ]);
  });

  test("an administrator and an operator cannot be one user", () => {
    expect(messagesOf(sampleConfig({ tail: signingUser({ operator: "admin" }) }))).toEqual([
      expect.stringContaining("duplicate NetHSM user admin, already at users[0].nethsm_only_admin"),
    ]);
  });

  test("a metrics user is none of its own operators", () => {
    const tail = `[[users]]\n[users.hermetic_system_nethsm_metrics]\nsystem_user = "m"
nethsm_users = { metrics_user = "m", operator_users = ["m"] }`;
    expect(messagesOf(sampleConfig({ tail }))).toEqual([expect.stringContaining("duplicate NetHSM user m")]);
  });
});

describe("share users", () => {
  const head = (handling: string) => `iteration = 1\nadmin_secret_handling = ${handling}`;

  test("are needed with secret sharing, which is meant where nothing is said", () => {
    for (const said of ["iteration = 1", head('"shamirs-secret-sharing"')]) {
      expect(messagesOf(sampleConfig({ head: said, users: admin }))).toEqual([
        expect.stringMatching(/^users: no share download user/),
        expect.stringMatching(/^users: no share upload user/),
      ]);
    }
  });

  test.each(["plaintext", "systemd-creds"])("are refused with %s", (kind) => {
    expect(messagesOf(sampleConfig({ head: head(`"${kind}"`), users: admin }))).toEqual([]);
    expect(messagesOf(sampleConfig({ head: head(`"${kind}"`) }))).toEqual([
      expect.stringMatching(/^users\[1\]: share users without secret sharing/),
      expect.stringMatching(/^users\[2\]: share users without secret sharing/),
    ]);
  });

  test("one key may download and upload, but neither twice nor anything else", () => {
    const third = (kind: string) =>
      `[[users]]\n[users.${kind}]\nsystem_user = "third"\nssh_authorized_key = "${sshKey(101)}"\n`;
    for (const kind of ["system_only_share_download", "system_only_share_upload", "system_only_key_certificates"]) {
      expect(messagesOf(sampleConfig({ tail: third(kind) }))).toEqual([expect.stringContaining("duplicate SSH key")]);
    }
  });

  test.each([
    ["{ shamirs-secret-sharing = { number_of_shares = 3, threshold = 2 } }", []],
    ["{ shamirs-secret-sharing = { number_of_shares = 3, threshold = 3 } }", []],
    ["{ shamirs-secret-sharing = { number_of_shares = 4, threshold = 2 } }", ["number_of_shares is 4, but 3 distinct"]],
    ["{ shamirs-secret-sharing = { number_of_shares = 3, threshold = 4 } }", ["can never be handed in"]],
    [
      "{ shamirs-secret-sharing = { number_of_shares = 3, threshold = 1 } }",
      ["every holder alone has the whole secret"],
    ],
    [
      "{ shamirs-secret-sharing = { number_of_shares = 0, threshold = 0 } }",
      ["0 is not in 1 to 255", "0 is not in 1 to 255"],
    ],
    ["{ shamirs-secret-sharing = { number_of_shares = 3 } }", ["threshold is missing"]],
    ["{ shamirs-secret-sharing = {} }", ["number_of_shares is missing", "threshold is missing"]],
    ["{ plaintext = {} }", ["unknown key"]],
  ])("%s", (handling, messages) => {
    const found = messagesOf(sampleConfig({ head: head(handling) }));
    expect([...found].sort()).toEqual([...messages].sort().map((message) => expect.stringContaining(message)));
  });

  test.each([
    [1, 1, 1],
    [2, 2, 0],
    [3, 2, 0],
    [4, 3, 0],
    [5, 3, 0],
  ])("the plain word with %i holders means a threshold of %i", (holders, threshold, warnings) => {
    const keys = JSON.stringify(Array.from({ length: holders }, (_, i) => sshKey(i + 1)));
    const users = ["share_download", "share_upload"].map(
      (kind) => `[[users]]\n[users.system_only_${kind}]\nsystem_user = "${kind}"\nssh_authorized_keys = ${keys}\n`,
    );
    const config = parseConfig(sampleConfig({ users: admin + users.join("") }));
    expect(config.adminSecretHandling).toEqual({ kind: "shamirs-secret-sharing", numberOfShares: holders, threshold });
    expect(config.warnings).toHaveLength(warnings);
  });
});

describe("[removal]", () => {
  test("what is in use cannot be listed", () => {
    const tail = `${namespaces}${signingUser({ operator: "ns1~op" })}[removal]
keys = ["ns1~key", "key"]
namespaces = ["ns2", "ns3"]`;
    expect(messagesOf(sampleConfig({ tail }))).toEqual([
      "removal.keys[0]: key ns1~key is in use by a mapping",
      "removal.namespaces[0]: namespace ns2 is in use by a mapping",
    ]);
  });
});
