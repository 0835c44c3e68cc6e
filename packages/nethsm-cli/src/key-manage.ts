/** `nethsm key …`: keys as Administrators see them. */
import { usageError } from "@signstar/command/errors";
import type { Argument, Command } from "@signstar/command/spec";
import { parseKeyId, parseTag } from "@signstar/nethsm/ids";
import { type KeyMechanism, type KeyType, keyTypeRules } from "@signstar/nethsm/types";
import { toBase64 } from "@signstar/primitives/bytes";
import { limits } from "@signstar/primitives/limits";
import { Secret } from "@signstar/primitives/secret";
import { line, lines, record, text } from "./answer.ts";
import {
  admin,
  adminOrOperator,
  keyIdArgument,
  keyIdIn,
  keyIdOption,
  keyLabelOption,
  newKeyId,
  tagsIn,
  tagsOption,
} from "./common.ts";
import { readInput } from "./inputs.ts";
import { keyTypeNames, keyTypeOf, mechanismNames, mechanismOf } from "./names.ts";
import { importedKey } from "./private-key.ts";
import { deviceTask, type Work } from "./task.ts";
import { wholeNumber } from "./words.ts";

const typeArgument: Argument = {
  name: "KEY_TYPE",
  description: "type of the key",
  env: "NETHSM_KEY_TYPE",
  choices: keyTypeNames,
};
const mechanismsArgument: Argument = {
  name: "KEY_MECHANISMS",
  description: "what the key may be used for; may be left out where its type leaves no choice",
  optional: true,
  variadic: true,
  env: "NETHSM_KEY_MECHANISMS",
  choices: mechanismNames,
};
const tagArgument: Argument = { name: "TAG", description: "tag", env: "NETHSM_KEY_TAG" };

/** The given mechanisms, else the only one of the type. */
function mechanismsIn({ words }: Work, type: KeyType): readonly KeyMechanism[] {
  const given = words.list("KEY_MECHANISMS").map(mechanismOf);
  if (given.length > 0) return given;
  const { mechanisms } = keyTypeRules[type];
  const [only] = type === "EC_P256K1" ? (["ECDSA_Signature"] as const) : mechanisms;
  if (only !== undefined && (mechanisms.length === 1 || type === "EC_P256K1")) return [only];
  throw usageError(
    `a key of type ${type} can be used in several ways`,
    "name the KEY_MECHANISMS that it may be used for",
  );
}

const newKeyOptions = [keyIdOption("NETHSM_KEY_ID"), tagsOption("NETHSM_KEY_TAGS"), keyLabelOption] as const;

export const keyGenerate = deviceTask({
  name: "generate",
  summary: "make a key on the device, print its id",
  roles: admin,
  arguments: [{ ...typeArgument, optional: true, default: "Curve25519" }, mechanismsArgument],
  options: [
    {
      name: "length",
      short: "L",
      value: "BITS",
      description: "length of an Rsa or Generic key",
      env: "NETHSM_KEY_BIT_LENGTH",
    },
    ...newKeyOptions,
  ],
  examples: [
    {
      command: "nethsm key generate --key-id release --tags release --length 4096 Rsa RsaSignaturePkcs1",
      description: "an RSA key for those who have the tag release",
    },
  ],
  run: async (work, hsm) => {
    const type = keyTypeOf(work.words.text("KEY_TYPE"));
    const length = work.options.text("length");
    const id = await hsm.keys.generate({
      id: newKeyId(work),
      type,
      mechanisms: mechanismsIn(work, type),
      length: length === undefined ? undefined : wholeNumber("--length", length),
      tags: tagsIn(work),
      label: work.options.text("key-label"),
    });
    return line(id, { id });
  },
});

export const keyImport = deviceTask({
  name: "import",
  summary: "import a private key, print its id",
  roles: admin,
  arguments: [
    typeArgument,
    { name: "KEY_DATA", description: "file with the key in PKCS #8, not encrypted", env: "NETHSM_KEY_DATA" },
    mechanismsArgument,
  ],
  options: [
    {
      name: "format",
      value: "FORMAT",
      description: "of the file",
      choices: ["Der", "Pem"],
      loose: true,
      default: "Der",
      env: "NETHSM_KEY_FORMAT",
    },
    ...newKeyOptions,
  ],
  run: async (work, hsm) => {
    const type = keyTypeOf(work.words.text("KEY_TYPE"));
    const mechanisms = mechanismsIn(work, type);
    const common = { id: newKeyId(work), mechanisms, tags: tagsIn(work), label: work.options.text("key-label") };
    const file = Secret.take(await readInput(work.words.text("KEY_DATA"), limits.certificateBytes, work.io));
    const format = work.options.text("format") === "Pem" ? "pem" : "der";
    const id = await hsm.keys.import({ ...common, ...importedKey(type, file, format) });
    return line(id, { id });
  },
});

export const keyGet = deviceTask({
  name: "get",
  summary: "show a key",
  roles: adminOrOperator,
  arguments: [keyIdArgument],
  run: async (work, hsm) => {
    const { publicKey, ...rest } = await hsm.keys.get(keyIdIn(work));
    return record({ id: keyIdIn(work), ...rest, publicKey: publicKey && publicMembers(publicKey) });
  },
});

/** As the device writes them: base64, big endian. */
function publicMembers(data: Readonly<Record<string, string | Uint8Array>>): Readonly<Record<string, string>> {
  const bytes = Object.entries(data).flatMap(([name, value]) =>
    typeof value === "string" ? [] : [[name, toBase64(value)] as const],
  );
  return Object.fromEntries(bytes);
}

export const keyList = deviceTask({
  name: "list",
  summary: "list the ids of keys",
  roles: adminOrOperator,
  arguments: [
    {
      name: "FILTER",
      description: "any word: only the keys that the asking user may use",
      optional: true,
      env: "NETHSM_KEY_ID_FILTER",
    },
  ],
  options: [
    { name: "prefix", value: "PREFIX", description: "only ids that begin so (release 3.0 and later)" },
    { ...keyLabelOption, description: "only keys with this label (release 5.0 and later)" },
  ],
  run: async ({ words, options }, hsm) => {
    const [usable, prefix, label] = [
      words.optional("FILTER") !== undefined,
      options.text("prefix"),
      options.text("key-label"),
    ];
    if (prefix === undefined) return lines(await hsm.keys.list({ usable, ...(label !== undefined && { label }) }));
    if (usable) throw usageError("FILTER and --prefix exclude each other");
    return lines(await hsm.keys.listByPrefix(parseKeyId(prefix), label === undefined ? {} : { label }));
  },
});

export const keyPublicKey = deviceTask({
  name: "public-key",
  summary: "get the public key in PEM",
  roles: adminOrOperator,
  arguments: [keyIdArgument],
  output: { env: "NETHSM_KEY_PUBKEY_OUTPUT_FILE" },
  run: async (work, hsm) => {
    const pem = await hsm.keys.publicPem(keyIdIn(work));
    return text(pem, { publicKey: pem });
  },
});

export const keyChanges: readonly Command[] = [
  deviceTask({
    name: "label",
    summary: "set the label of a key, at most 32 bytes (release 5.0 and later)",
    roles: admin,
    arguments: [keyIdArgument, { name: "LABEL", description: "the label" }],
    run: async (work, hsm) => {
      await hsm.keys.setLabel(keyIdIn(work), work.words.text("LABEL"));
    },
  }),
  deviceTask({
    name: "unlabel",
    summary: "take the label from a key (release 5.0 and later)",
    roles: admin,
    arguments: [keyIdArgument],
    run: (work, hsm) => hsm.keys.deleteLabel(keyIdIn(work)),
  }),
  deviceTask({
    name: "move",
    summary: "give a key another id (release 3.0 and later)",
    roles: admin,
    arguments: [keyIdArgument, { name: "NEW_ID", description: "the new id" }],
    run: async (work, hsm) => {
      const id = await hsm.keys.move(keyIdIn(work), parseKeyId(work.words.text("NEW_ID")));
      return line(id, { id });
    },
  }),
  deviceTask({
    name: "remove",
    summary: "delete a key for ever",
    roles: admin,
    arguments: [keyIdArgument],
    run: (work, hsm) => hsm.keys.delete(keyIdIn(work)),
  }),
  deviceTask({
    name: "tag",
    summary: "let only users with this or another tag of the key use it",
    roles: admin,
    arguments: [keyIdArgument, tagArgument],
    run: async (work, hsm) => {
      await hsm.keys.addTag(keyIdIn(work), parseTag(work.words.text("TAG")));
    },
  }),
  deviceTask({
    name: "untag",
    summary: "take a tag from a key",
    roles: admin,
    arguments: [keyIdArgument, tagArgument],
    run: (work, hsm) => hsm.keys.removeTag(keyIdIn(work), parseTag(work.words.text("TAG"))),
  }),
];
