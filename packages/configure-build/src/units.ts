/** What of systemd's units depends on the config; all else is the same everywhere. */
import { mappingsOfKind } from "@signstar/config/mapping";
import type { Config } from "@signstar/config/model";
import { pathsUnder } from "@signstar/host/paths";

export const pathUnitPath = "/usr/lib/systemd/system/signstar-configure.path";

export const credentialsDropInPath =
  "/usr/lib/systemd/system/signstar-configure.service.d/50-signstar-credentials.conf";

/**
 * Starts signstar-configure when a share has been confirmed or handed in. PathChanged alone: PathExists and
 * DirectoryNotEmpty would start it again and again for as long as a file lies there. Undefined without secret sharing.
 */
export function pathUnit(config: Config): string | undefined {
  const { sharesConfirm, sharesUpload } = pathsUnder("/");
  const watched = [
    ...mappingsOfKind(config, "share-download").map(({ systemUser }) => `${sharesConfirm}/${systemUser}`),
    ...mappingsOfKind(config, "share-upload").map(({ systemUser }) => `${sharesUpload}/${systemUser}`),
  ];
  if (watched.length === 0) return undefined;
  return `# What changes while signstar-configure.service runs starts nothing: that looks once more before it ends, and
# signstar-configure.timer comes by.
[Unit]
Description=Shares of the Signstar admin secret, confirmed or handed in
After=systemd-tmpfiles-setup.service

[Path]
${watched.map((path) => `PathChanged=${path}\n`).join("")}Unit=signstar-configure.service

[Install]
WantedBy=paths.target
`;
}

/**
 * What signstar-configure.service needs to encrypt by systemd-creds(1), which takes a key of the host, made once, and the
 * TPM where there is one. Undefined where nothing is encrypted.
 */
export function credentialsDropIn(config: Config): string | undefined {
  const handlings = [config.adminSecretHandling.kind, config.nonAdminSecretHandling];
  if (!handlings.includes("systemd-creds")) return undefined;
  return `# The host's key lies where the service cannot write.
[Service]
ExecStartPre=+/usr/bin/systemd-creds setup
BindPaths=-/dev/tpmrm0
DeviceAllow=/dev/tpmrm0 rw
`;
}
