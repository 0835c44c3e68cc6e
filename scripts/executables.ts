/** Every executable: the room and submodule that define it, the exported command, and how it is run. */
export interface Executable {
  readonly name: string;
  readonly module: string;
  readonly command: string;
  /** `forced`: started by sshd's ForceCommand, so its start-up is counted and its client sees little. */
  readonly runner: "run" | "forced";
}

export const executables: readonly Executable[] = [
  {
    name: "signstar-request-signature",
    module: "@signstar/client/request-signature",
    command: "requestSignature",
    runner: "run",
  },
  { name: "signstar-share", module: "@signstar/client/share", command: "share", runner: "run" },
  {
    name: "signstar-download-signature",
    module: "@signstar/appliance/download-signature",
    command: "downloadSignature",
    runner: "forced",
  },
  {
    name: "signstar-download-backup",
    module: "@signstar/appliance/download-backup",
    command: "downloadBackup",
    runner: "forced",
  },
  {
    name: "signstar-download-key-certificate",
    module: "@signstar/appliance/download-key-certificate",
    command: "downloadKeyCertificate",
    runner: "forced",
  },
  {
    name: "signstar-download-metrics",
    module: "@signstar/appliance/download-metrics",
    command: "downloadMetrics",
    runner: "forced",
  },
  {
    name: "signstar-download-secret-share",
    module: "@signstar/appliance/download-secret-share",
    command: "downloadSecretShare",
    runner: "forced",
  },
  {
    name: "signstar-download-wireguard",
    module: "@signstar/appliance/download-wireguard",
    command: "downloadWireguard",
    runner: "forced",
  },
  {
    name: "signstar-upload-backup",
    module: "@signstar/appliance/upload-backup",
    command: "uploadBackup",
    runner: "forced",
  },
  {
    name: "signstar-upload-secret-share",
    module: "@signstar/appliance/upload-secret-share",
    command: "uploadSecretShare",
    runner: "forced",
  },
  {
    name: "signstar-upload-update",
    module: "@signstar/appliance/upload-update",
    command: "uploadUpdate",
    runner: "forced",
  },
  { name: "signstar-configure", module: "@signstar/configure/configure", command: "configure", runner: "run" },
  {
    name: "signstar-configure-build",
    module: "@signstar/configure-build/configure-build",
    command: "configureBuild",
    runner: "run",
  },
  { name: "signstar-audit", module: "@signstar/audit/audit", command: "audit", runner: "run" },
  { name: "nethsm", module: "@signstar/nethsm-cli/nethsm", command: "nethsm", runner: "run" },
  { name: "soft-nethsm", module: "@signstar/soft-nethsm/main", command: "softNethsm", runner: "run" },
];
