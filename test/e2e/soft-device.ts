/** A software NetHSM of a Machine, seen from outside. */
import { NetHsm } from "@signstar/nethsm/client";
import { NetHsmError } from "@signstar/nethsm/errors";
import { parseUserId } from "@signstar/nethsm/ids";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { Secret } from "@signstar/primitives/secret";

/** Its storage is its own, so that it can be stopped and started again. */
export interface SoftDevice {
  readonly name: string;
  readonly url: string;
  /** SHA-256 of its TLS certificate in hex. */
  readonly pin: string;
}

export async function stateOf(device: SoftDevice): Promise<string> {
  using client = clientOf(device);
  return await client.health.state();
}

/** Whether the device refuses the login. Who has logged in and may not look is forbidden to, which is something else. */
export async function isDead(device: SoftDevice, user: string, passphrase: string): Promise<boolean> {
  using client = clientOf(device);
  const id = parseUserId(user);
  try {
    await client.as({ user: id, passphrase: Secret.fromText(passphrase) }).users.get(id);
    return false;
  } catch (thrown) {
    if (!(thrown instanceof NetHsmError) || !["unauthorized", "forbidden"].includes(thrown.code)) throw thrown;
    return thrown.code === "unauthorized";
  }
}

/** After a restore it shows the certificate of another. */
function clientOf({ url }: SoftDevice): NetHsm {
  return new NetHsm({ url: parseDeviceUrl(url), tls: { mode: "unsafe" } }, { keepAlive: false });
}
