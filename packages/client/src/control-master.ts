/** An OpenSSH connection that the user has open already, for programs that would otherwise make one of their own. */
import { spawn } from "node:child_process";
import type { Destination } from "./destination.ts";
import type { OpenLink } from "./link.ts";
import { isInstalled, sshArguments, systemSsh } from "./system-ssh.ts";

const checkMs = 2000;

/** Links through the master that the user's ssh_config names for this destination; undefined if none answers. */
export async function throughMaster(destination: Destination, port: number): Promise<OpenLink | undefined> {
  if (!isInstalled("ssh")) return undefined;
  const options = { destination, port, identity: undefined, knownHosts: undefined };
  if (!(await succeeds(["-O", "check", ...sshArguments(options)]))) return undefined;
  // Should it end meanwhile, ssh makes no connection of another kind than the user's own.
  return systemSsh({ ...options, command: ["ssh", "-o", "ControlMaster=no", "-o", "BatchMode=yes"] });
}

function succeeds(args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("ssh", args, { stdio: "ignore", timeout: checkMs });
    child.once("error", () => resolve(false));
    child.once("close", (exit) => resolve(exit === 0));
  });
}
