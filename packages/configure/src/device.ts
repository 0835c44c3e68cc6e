import type { NetHsm } from "@signstar/nethsm/client";
import type { Config } from "@signstar/nethsm/config";
import type { Health } from "@signstar/nethsm/health";
import type { Keys } from "@signstar/nethsm/keys";
import type { Namespaces } from "@signstar/nethsm/namespaces";
import type { System } from "@signstar/nethsm/system";
import type { Connection } from "@signstar/nethsm/tls";
import type { Credentials } from "@signstar/nethsm/transport";
import type { Users } from "@signstar/nethsm/users";

/** What of a NetHSM client is used here, so that something else can stand in its place. */
export interface Device extends Pick<NetHsm, "connection" | "provision" | "unlock" | "close"> {
  as(credentials: Credentials): Device;
  readonly health: Pick<Health, "state">;
  readonly system: Pick<System, "info">;
  readonly config: Pick<Config, "setBackupPassphrase">;
  readonly users: Pick<Users, "list" | "get" | "create" | "delete" | "setPassphrase" | "tags" | "addTag" | "removeTag">;
  readonly namespaces: Pick<Namespaces, "list" | "create" | "delete">;
  readonly keys: Pick<
    Keys,
    | "list"
    | "get"
    | "generate"
    | "delete"
    | "addTag"
    | "removeTag"
    | "getCertificate"
    | "setCertificate"
    | "deleteCertificate"
    | "sign"
  >;
}

export type Connect = (connection: Connection) => Device;
