/** From a config to what a system should have. Pure: same config and options, same outcome. */
import { formatAuthorizedKey } from "@signstar/config/authorized-key";
import { forceCommands, systemMappings } from "@signstar/config/mapping";
import type { Config, SystemMapping } from "@signstar/config/model";
import type { Desired, DesiredFile } from "./desired.ts";
import { authorizedKeysPath, dropInPath, matchBlock, type SshdFeatures } from "./sshd-drop-in.ts";
import { homeOf, sharedDirectories, sharedTmpfilesPath, userDirectories, userTmpfilesPath } from "./tmpfiles.ts";
import { credentialsDropIn, credentialsDropInPath, pathUnit, pathUnitPath } from "./units.ts";
import { type PlainPath, type PlainWord, parsePlainPath } from "./words.ts";

export interface RenderOptions extends SshdFeatures {
  /** Where the ForceCommand programs are. */
  readonly binDir: PlainPath;
  /** Words behind the program. */
  readonly programOptions: readonly PlainWord[];
}

/** sshd runs a ForceCommand through the login shell. */
const loginShell = "/bin/sh";

export function render(config: Config, options: RenderOptions): Desired {
  const mappings = systemMappings(config);
  const units = [
    [pathUnitPath, pathUnit(config)],
    [credentialsDropInPath, credentialsDropIn(config)],
  ] as const;
  return {
    users: mappings.map(({ systemUser }) => ({ name: systemUser, home: homeOf(systemUser), shell: loginShell })),
    files: [
      publicFile(sharedTmpfilesPath, sharedDirectories(config)),
      ...units.flatMap(([path, content]) => (content === undefined ? [] : [publicFile(path, content)])),
      ...mappings.flatMap((mapping) => filesOf(mapping, options)),
    ],
  };
}

function filesOf(mapping: SystemMapping, options: RenderOptions): readonly DesiredFile[] {
  const { systemUser } = mapping;
  const tmpfiles = publicFile(userTmpfilesPath(systemUser), userDirectories(mapping));
  if (mapping.kind === "hermetic-metrics") return [tmpfiles];
  // `restrict` also switches off what a later OpenSSH may invent. sshd(8), "AUTHORIZED_KEYS FILE FORMAT".
  const keys = mapping.authorizedKeys.map((key) => `restrict ${formatAuthorizedKey(key)}\n`);
  const program = parsePlainPath(`${options.binDir}/${forceCommands[mapping.kind]}`);
  return [
    tmpfiles,
    publicFile(authorizedKeysPath(systemUser), keys.join("")),
    publicFile(dropInPath(systemUser), matchBlock(systemUser, [program, ...options.programOptions], options)),
  ];
}

function publicFile(path: string, content: string): DesiredFile {
  return { path, content, mode: 0o644 };
}
