/** Reads the `Match User` blocks that signstar-configure-build wrote, for a server that is not OpenSSH. */

export interface UserBlock {
  readonly user: string;
  readonly authorizedKeysFile: string;
  readonly forceCommand: string;
}

export function readDropIn(text: string): UserBlock[] {
  const blocks: UserBlock[] = [];
  for (const block of text.split(/^(?=Match )/m)) {
    const value = (key: string) => new RegExp(`^\\s*${key} (.+)$`, "m").exec(block)?.[1];
    const user = value("Match User");
    const authorizedKeysFile = value("AuthorizedKeysFile");
    const forceCommand = value("ForceCommand");
    if (user && authorizedKeysFile && forceCommand) blocks.push({ user, authorizedKeysFile, forceCommand });
  }
  return blocks;
}

/** The keys of an authorized_keys file as `type base64`, without options and comments. */
export function readAuthorizedKeys(text: string): string[] {
  return text
    .split("\n")
    .map((line) => /^(?:restrict )?(\S+ [A-Za-z0-9+/=]+)(?: .*)?$/.exec(line)?.[1])
    .filter((key) => key !== undefined);
}
