/** Who may: the rules that several routes share. */
import type { Role } from "@signstar/nethsm/types";
import type { Caller } from "./caller.ts";

export function role(...roles: readonly Role[]): (caller: Caller) => boolean {
  return (caller) => roles.includes(caller.role);
}

/** Of this role and in no namespace. */
export function rootOnly(wanted: Role): (caller: Caller) => boolean {
  return (caller) => caller.role === wanted && caller.namespace === undefined;
}
