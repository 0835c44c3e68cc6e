import { describe, expect, test } from "vitest";
import { ConfigError } from "./errors.ts";
import { mechanismFits, mechanismNames, namesOf, signatureTypes } from "./key-names.ts";
import type { KeySetup } from "./model.ts";
import { parseConfig } from "./parse.ts";
import { sampleConfig, signingUser } from "./testing/sample.ts";

const openpgp = '{ openpgp = { user_ids = ["A <a@example.org>"], version = "4" } }';

function setup(
  type: string,
  mechanisms: readonly string[],
  signature: string,
  more: { length?: number; context?: string } = {},
) {
  return [
    `key_type = "${type}"`,
    `key_mechanisms = ${JSON.stringify(mechanisms)}`,
    ...(more.length === undefined ? [] : [`key_length = ${more.length}`]),
    `signature_type = "${signature}"`,
    `key_context = ${more.context ?? '"raw"'}`,
  ].join("\n");
}

function read(text: string): KeySetup {
  const mapping = parseConfig(sampleConfig({ tail: signingUser({ setup: text }) })).mappings.at(-1);
  if (mapping?.kind !== "signing") throw new Error("no signing mapping");
  return mapping.key;
}

function messagesOf(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems.map(({ message }) => message);
    throw thrown;
  }
}

const lengthOf = (type: string) => (type === "Rsa" ? { length: 2048 } : {});

describe.each(namesOf(signatureTypes))("signature type %s", (name) => {
  const { keyType, mechanism, mode, openpgp: possible } = signatureTypes[name];
  const length = lengthOf(keyType);

  test("raw, with its own key type and mechanism", () => {
    expect(read(setup(keyType, [mechanism], name, length))).toMatchObject({ mode, context: { kind: "raw" } });
  });

  test("with no other key type", () => {
    for (const other of ["Curve25519", "EcP224", "EcP256", "EcP384", "EcP521", "Rsa"] as const) {
      if (other === keyType) continue;
      const fitting = namesOf(mechanismNames).filter((candidate) => mechanismFits(other, candidate));
      expect(messagesOf(setup(other, fitting, name, lengthOf(other)))).toEqual([
        `signature type ${name} needs a key of type ${keyType}, not ${other}`,
      ]);
    }
  });

  test("not without its mechanism", () => {
    expect(messagesOf(setup(keyType, [], name, length))).toEqual([
      `signature type ${name} needs the key mechanism ${mechanism}`,
    ]);
  });

  test("OpenPGP only where OpenPGP has it", () => {
    const messages = messagesOf(setup(keyType, [mechanism], name, { ...length, context: openpgp }));
    expect(messages).toEqual(possible ? [] : [`signature type ${name} cannot make OpenPGP signatures`]);
  });
});

test("OpenPGP has Ed25519, three NIST curves and RSA with PKCS#1 v1.5", () => {
  expect(namesOf(signatureTypes).filter((name) => signatureTypes[name].openpgp)).toEqual([
    "EcdsaP256",
    "EcdsaP384",
    "EcdsaP521",
    "EdDsa",
    "Pkcs1",
  ]);
});

test.each([
  ["Curve25519", ["EdDsaSignature"]],
  ["EcP256", ["EcdsaSignature"]],
  ["Generic", ["AesDecryptionCbc", "AesEncryptionCbc"]],
] as const)("a key of type %s has these mechanisms and no other: %j", (type, mechanisms) => {
  expect(namesOf(mechanismNames).filter((name) => mechanismFits(type, name))).toEqual(mechanisms);
});

test("an RSA key decrypts and signs, with padding of its own", () => {
  const fitting = namesOf(mechanismNames).filter((name) => mechanismFits("Rsa", name));
  expect(fitting).toHaveLength(15);
  expect(read(setup("Rsa", fitting, "Pkcs1", { length: 4096, context: openpgp }))).toMatchObject({
    type: "RSA",
    length: 4096,
    mode: "PKCS1",
    mechanisms: expect.arrayContaining(["RSA_Decryption_RAW", "RSA_Decryption_OAEP_SHA512", "RSA_Signature_PSS_MD5"]),
  });
});

describe("refused", () => {
  const rsa = (length: number) => setup("Rsa", ["RsaSignaturePkcs1"], "Pkcs1", { length });
  test.each([
    [setup("Rsa", ["RsaSignaturePkcs1"], "Pkcs1"), "key_length is missing"],
    [rsa(2047), "2047 is not in 2048 to 8192"],
    [rsa(8193), "8193 is not in 2048 to 8192"],
    [setup("Curve25519", ["EdDsaSignature"], "EdDsa", { length: 256 }), "a key of type Curve25519 has no key_length"],
    [setup("EcP256", ["EcdsaSignature", "EdDsaSignature"], "EcdsaP256"), "cannot have the mechanism EdDsaSignature"],
    [setup("EcP256", ["EcdsaSignature", "EcdsaSignature"], "EcdsaP256"), "EcdsaSignature is listed twice"],
    [setup("Curve25519", ["EdDSA_Signature"], "EdDsa"), 'did you mean "EdDsaSignature"'],
    [setup("curve25519", ["EdDsaSignature"], "EdDsa"), 'did you mean "Curve25519"'],
    [setup("Curve25519", ["EdDsaSignature"], "EdDsa", { context: '"pgp"' }), '"pgp" is none of "raw"'],
    [setup("Curve25519", ["EdDsaSignature"], "EdDsa", { context: "{}" }), "is empty, one of openpgp is needed"],
    [
      setup("Curve25519", ["EdDsaSignature"], "EdDsa", { context: "{ openpgp = { user_ids = [] } }" }),
      "version is missing",
    ],
    ...[
      ['"6"', "version 6 is not made here"],
      ['"v6"', "version 6 is not made here"],
      ['"5"', "is no OpenPGP version"],
      ["4", "must be a string, not an integer"],
    ].map(([version, message = ""]) => [
      setup("Curve25519", ["EdDsaSignature"], "EdDsa", {
        context: `{ openpgp = { user_ids = ["a"], version = ${version} } }`,
      }),
      message,
    ]),
    ...[
      ['["a", "a"]', 'duplicate User ID "a"'],
      ['[""]', "User ID is empty"],
      [`["${"é".repeat(513)}"]`, "User ID is longer than 1024 bytes"],
      ['["a\\nb"]', "User ID contains a control character"],
      ["[1]", "must be a string"],
    ].map(([ids, message = ""]) => [
      setup("Curve25519", ["EdDsaSignature"], "EdDsa", {
        context: `{ openpgp = { user_ids = ${ids}, version = "4" } }`,
      }),
      message,
    ]),
  ])("case %#", (text = "", message = "") => {
    expect(messagesOf(text)).toEqual([expect.stringContaining(message)]);
  });

  test("Generic keys cannot sign, whatever their length", () => {
    for (const length of [128, 192, 256]) {
      expect(messagesOf(setup("Generic", ["AesEncryptionCbc"], "EdDsa", { length }))).toEqual([
        "signature type EdDsa needs a key of type Curve25519, not Generic",
      ]);
    }
    expect(messagesOf(setup("Generic", ["AesEncryptionCbc"], "EdDsa", { length: 129 }))).toHaveLength(2);
  });
});

test.each(["4", "v4", "V4", "OpenPGPv4"])("version %s is 4", (version) => {
  const context = `{ openpgp = { user_ids = ["a"], version = "${version}" } }`;
  expect(read(setup("Curve25519", ["EdDsaSignature"], "EdDsa", { context })).context).toEqual({
    kind: "openpgp",
    version: 4,
    userIds: ["a"],
  });
});

test("a key without User ID loads with a warning, as it always did", () => {
  const context = '{ openpgp = { user_ids = [], version = "4" } }';
  const text = setup("Curve25519", ["EdDsaSignature"], "EdDsa", { context });
  expect(parseConfig(sampleConfig({ tail: signingUser({ setup: text }) })).warnings).toEqual([
    expect.stringContaining("key_context.openpgp.user_ids: without a User ID no certificate"),
  ]);
});
