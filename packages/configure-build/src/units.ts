/** The systemd unit that depends on the config; all others are the same everywhere. */
import { mappingsOfKind } from "@signstar/config/mapping";
import type { Config } from "@signstar/config/model";
import { pathsUnder } from "@signstar/host/paths";

export const pathUnitPath = "/usr/lib/systemd/system/signstar-configure.path";

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
  return `[Unit]
Description=Shares of the Signstar admin secret, confirmed or handed in
After=systemd-tmpfiles-setup.service

[Path]
${watched.map((path) => `PathChanged=${path}\n`).join("")}Unit=signstar-configure.service

[Install]
WantedBy=paths.target
`;
}
