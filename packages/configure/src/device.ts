import type { Credentials, NetHsm } from "@signstar/nethsm/client";
import type { Connection } from "@signstar/nethsm/tls";

/** What of a NetHSM client is used here, so that something else can stand in its place. */
export interface Device extends Pick<NetHsm, "connection" | "provision" | "unlock" | "close"> {
  as(credentials: Credentials): Device;
  readonly health: Pick<NetHsm["health"], "state">;
  readonly system: Pick<
    NetHsm["system"],
    "info" | "reboot" | "shutdown" | "factoryReset" | "update" | "commitUpdate" | "cancelUpdate" | "backup" | "restore"
  >;
  readonly config: Pick<
    NetHsm["config"],
    | "setUnlockPassphrase"
    | "setBackupPassphrase"
    | "getUnattendedBoot"
    | "setUnattendedBoot"
    | "getNetwork"
    | "setNetwork"
    | "getLogging"
    | "setLogging"
  > & {
    readonly tls: Pick<NetHsm["config"]["tls"], "publicPem" | "getCertificate" | "setCertificate" | "csr" | "generate">;
  };
  readonly users: Pick<
    NetHsm["users"],
    "list" | "get" | "create" | "delete" | "setPassphrase" | "tags" | "addTag" | "removeTag"
  >;
  readonly namespaces: Pick<NetHsm["namespaces"], "list" | "create" | "delete">;
  readonly keys: Pick<
    NetHsm["keys"],
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
