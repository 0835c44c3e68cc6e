/** Words and options that many commands share. */
import type { Argument, Option } from "@signstar/command/spec";
import { type KeyId, parseKeyId, parseTag, type RestrictionTag } from "@signstar/nethsm/ids";
import type { Role } from "@signstar/nethsm/types";
import type { Work } from "./task.ts";

export const admin: readonly Role[] = ["Administrator"];
export const operator: readonly Role[] = ["Operator"];
export const adminOrOperator: readonly Role[] = ["Administrator", "Operator"];
export const operatorOrAdmin: readonly Role[] = ["Operator", "Administrator"];

export const keyIdArgument: Argument = { name: "KEY_ID", description: "id of the key", env: "NETHSM_KEY_ID" };

/** For a key that is made: without it the device chooses an id. */
export function keyIdOption(env: string): Option {
  return {
    name: "key-id",
    short: "k",
    value: "KEY_ID",
    description: "id of the new key; else the device chooses",
    env,
  };
}

export function tagsOption(env: string): Option {
  return {
    name: "tags",
    short: "t",
    value: "TAG",
    description: "restrict the key to users with this tag",
    repeatable: true,
    env,
  };
}

export const keyLabelOption: Option = {
  name: "key-label",
  value: "LABEL",
  description: "label of the key, at most 32 bytes (release 5.0 and later)",
  env: "NETHSM_KEY_LABEL",
};

export function keyIdIn(work: Work): KeyId {
  return parseKeyId(work.words.text("KEY_ID"));
}

export function newKeyId(work: Work): KeyId | undefined {
  const id = work.options.text("key-id");
  return id === undefined ? undefined : parseKeyId(id);
}

/** Undefined without tags: then every Operator may use the key. */
export function tagsIn(work: Work): readonly RestrictionTag[] | undefined {
  const tags = work.options.list("tags").map(parseTag);
  return tags.length === 0 ? undefined : tags;
}
