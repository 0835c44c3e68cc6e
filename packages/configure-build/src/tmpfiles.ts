/** The directories of an appliance as tmpfiles.d(5) lines: systemd-tmpfiles makes them at each boot. */
import { systemMappings } from "@signstar/config/mapping";
import type { Config, SystemMapping } from "@signstar/config/model";
import type { SystemUserId } from "@signstar/config/system-user";
import { pathsUnder } from "@signstar/host/paths";

const paths = pathsUnder("/");
const homes = "/var/lib/signstar/home";

export function homeOf(user: SystemUserId): string {
  return `${homes}/${user}`;
}

export function userTmpfilesPath(user: SystemUserId): string {
  return `/usr/lib/tmpfiles.d/signstar-user-${user}.conf`;
}

export const sharedTmpfilesPath = "/usr/lib/tmpfiles.d/signstar.conf";

/** What belongs to nobody in particular: parents, and what only root uses. */
export function sharedDirectories(config: Config): string {
  const kinds = new Set(systemMappings(config).map(({ kind }) => kind));
  const sharing = config.adminSecretHandling.kind === "shamirs-secret-sharing";
  const lines = [
    directory("/var/lib/signstar", 0o755),
    directory(homes, 0o755),
    directory(paths.certificates, 0o755),
    // Also without a user to download it: signstar-configure keeps a backup before it restores one.
    directory(paths.keptBackups, 0o755),
    directory("/run/signstar", 0o755),
  ];
  if (sharing) {
    lines.push(directory("/run/signstar/secret-shares", 0o755));
    for (const path of [paths.sharesDownload, paths.sharesConfirm, paths.sharesUpload])
      lines.push(directory(path, 0o755));
  } else {
    lines.push(directory("/var/lib/signstar/creds", 0o700));
  }
  if (kinds.has("backup-upload") || kinds.has("update-upload"))
    lines.push(directory("/var/lib/signstar/staging", 0o755));
  if (kinds.has("backup-upload")) lines.push(directory(paths.staging.backup, 0o755));
  if (kinds.has("update-upload")) lines.push(directory(paths.staging.update, 0o755));
  if (kinds.has("wireguard-download")) lines.push(directory("/var/lib/signstar/wireguard", 0o755));
  return lines.join("");
}

/**
 * The home of a user and what its mapping needs. Nothing below the home: root makes no path in a directory that another
 * user can write.
 */
export function userDirectories(mapping: SystemMapping): string {
  const { systemUser: user } = mapping;
  const home = directory(homeOf(user), 0o700, user, user);
  const own = (parent: string) => directory(`${parent}/${user}`, 0o700, user, "root");
  const readable = (parent: string) => directory(`${parent}/${user}`, 0o750, "root", user);
  switch (mapping.kind) {
    case "share-download":
      return home + readable(paths.sharesDownload) + own(paths.sharesConfirm);
    case "share-upload":
      return home + own(paths.sharesUpload);
    case "backup":
      return home + readable(paths.keptBackups);
    case "backup-upload":
      return home + own(paths.staging.backup);
    case "update-upload":
      return home + own(paths.staging.update);
    default:
      return home;
  }
}

function directory(path: string, mode: number, user = "root", group = "root"): string {
  return `d ${path} 0${mode.toString(8)} ${user} ${group} -\n`;
}
