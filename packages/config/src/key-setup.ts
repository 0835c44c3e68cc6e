/** `nethsm_key_setup`: what a signing key is made of. Combinations that cannot work are refused when the file is read. */
import { type KeyId, parseKeyId } from "@signstar/nethsm/ids";
import type { Field, Table } from "./field.ts";
import { type KeyTypeName, keyTypeNames, mechanismFits, mechanismNames, namesOf, signatureTypes } from "./key-names.ts";
import type { KeySetup } from "./model.ts";

const keys = ["key_id", "key_type", "key_mechanisms", "key_length", "signature_type", "key_context"] as const;

/** A certificate is made for no longer one: more would only be found out when the key is there already. */
const maxUserIdBytes = 1024;

/** `noteKeyId` hears of the key id also when the rest is broken. */
export function readKeySetup(
  field: Field | undefined,
  noteKeyId: (field: Field, keyId: KeyId) => void,
): Omit<KeySetup, "namespace"> | undefined {
  const table = field?.table(keys);
  if (table === undefined) return undefined;
  const keyIdField = table.required("key_id");
  const keyId = keyIdField?.parsed(parseKeyId);
  if (keyIdField && keyId) noteKeyId(keyIdField, keyId);
  const type = table.required("key_type")?.choice(namesOf(keyTypeNames));
  const mechanisms = readMechanisms(table, type);
  const length = readLength(table, type);
  const signatureField = table.required("signature_type");
  const signatureType = signatureField?.choice(namesOf(signatureTypes));
  const context = readContext(table.required("key_context"));

  if (signatureType === undefined) return undefined;
  const { keyType, mechanism, mode, openpgp } = signatureTypes[signatureType];
  if (type !== undefined && type !== keyType) {
    signatureField?.problem(`signature type ${signatureType} needs a key of type ${keyType}, not ${type}`);
    return undefined;
  }
  if (mechanisms !== undefined && !mechanisms.includes(mechanism)) {
    signatureField?.problem(`signature type ${signatureType} needs the key mechanism ${mechanism}`);
    return undefined;
  }
  if (context?.kind === "openpgp" && !openpgp) {
    signatureField?.problem(`signature type ${signatureType} cannot make OpenPGP signatures`);
    return undefined;
  }
  if (keyId === undefined || type === undefined || mechanisms === undefined || length === undefined) return undefined;
  if (context === undefined) return undefined;
  return {
    keyId,
    type: keyTypeNames[type],
    mechanisms: mechanisms.map((name) => mechanismNames[name]),
    length: length.bits,
    mode,
    context,
  };
}

function readMechanisms(table: Table<(typeof keys)[number]>, type: KeyTypeName | undefined) {
  const items = table.required("key_mechanisms")?.list();
  if (items === undefined) return undefined;
  const names = items.map((item, i) => {
    const name = item.choice(namesOf(mechanismNames));
    if (name === undefined) return undefined;
    if (type !== undefined && !mechanismFits(type, name)) {
      return item.problem(`a key of type ${type} cannot have the mechanism ${name}`);
    }
    if (items.slice(0, i).some((other) => other.isText && other.text() === name))
      return item.problem(`${name} is listed twice`);
    return name;
  });
  const good = names.filter((name) => name !== undefined);
  return good.length === names.length ? good : undefined;
}

function readLength(
  table: Table<(typeof keys)[number]>,
  type: KeyTypeName | undefined,
): { readonly bits: number | undefined } | undefined {
  const field = table.optional("key_length");
  switch (type) {
    case undefined:
      field?.integer(0, 0xffff_ffff);
      return undefined;
    case "Rsa": {
      // The device itself accepts 1024 bits, and no more than 8192.
      const bits = table.required("key_length")?.integer(2048, 8192);
      return bits === undefined ? undefined : { bits };
    }
    case "Generic": {
      const bits = table.required("key_length")?.integer(128, 256);
      if (bits === undefined) return undefined;
      return [128, 192, 256].includes(bits) ? { bits } : field?.problem(`${bits} is none of 128, 192, 256`);
    }
    default:
      return field === undefined ? { bits: undefined } : field.problem(`a key of type ${type} has no key_length`);
  }
}

function readContext(field: Field | undefined): KeySetup["context"] | undefined {
  if (field === undefined) return undefined;
  if (field.isText) return field.choice(["raw"]) && { kind: "raw" };
  const openpgp = field.only(["openpgp"])?.field.table(["user_ids", "version"]);
  if (openpgp === undefined) return undefined;
  const version = readVersion(openpgp.required("version"));
  const userIds = readUserIds(openpgp.required("user_ids"));
  return version && userIds && { kind: "openpgp", version, userIds };
}

function readVersion(field: Field | undefined): 4 | undefined {
  const text = field?.text();
  if (field === undefined || text === undefined) return undefined;
  if (/^(?:v|V|OpenPGPv)?4$/.test(text)) return 4;
  if (/^(?:v|V|OpenPGPv)?6$/.test(text)) return field.problem("OpenPGP version 6 is not made here, only version 4");
  return field.problem(`${JSON.stringify(text)} is no OpenPGP version, "4" is meant`);
}

function readUserIds(field: Field | undefined): readonly string[] | undefined {
  const items = field?.list();
  if (field === undefined || items === undefined) return undefined;
  const seen = new Set<string>();
  for (const item of items) {
    const userId = item.text();
    if (userId === undefined) return undefined;
    if (userId === "") return item.problem("User ID is empty");
    if (Buffer.byteLength(userId) > maxUserIdBytes)
      return item.problem(`User ID is longer than ${maxUserIdBytes} bytes`);
    if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(userId))
      return item.problem("User ID contains a control character");
    if (seen.has(userId)) return item.problem(`duplicate User ID ${JSON.stringify(userId)}`);
    seen.add(userId);
  }
  if (seen.size === 0) field.warn("without a User ID no certificate can be made for this key");
  return [...seen];
}
