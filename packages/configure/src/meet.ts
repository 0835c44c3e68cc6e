import type { DeviceConnection } from "@signstar/config/model";
import { withLearntPins } from "@signstar/host/tls-pins";
import { shownPin } from "@signstar/nethsm/shown-pin";
import { showPin } from "@signstar/nethsm/tls";
import type { SystemState } from "@signstar/nethsm/types";
import type { Connect, Device } from "./device.ts";
import { ConfigureError } from "./errors.ts";
import type { StateFiles } from "./state-files.ts";

export interface Meeting {
  readonly device: Device;
  readonly state: SystemState;
  /** To be kept before the device is given anything. */
  readonly firstPin: string | undefined;
}

/**
 * Connects to a device that is trusted by the configuration or by what was learnt. With `bootstrap_tls = "first-use"`
 * one that nobody has a secret with yet, Unprovisioned, is trusted by what it shows.
 */
export async function meet(connection: DeviceConnection, files: StateFiles, connect: Connect): Promise<Meeting> {
  const known = withLearntPins(connection, files.readTlsPins());
  if (known.tls.mode !== "pinned" || known.tls.sha256.length > 0) {
    const device = connect(known);
    return { device, state: await device.health.state(), firstPin: undefined };
  }
  const { url } = connection;
  if (connection.bootstrapTls !== "first-use") {
    throw new ConfigureError("no-pin", `nothing says which TLS certificate ${url} should have`, {
      hint: 'put its SHA-256 into tls_security, or bootstrap_tls = "first-use" for an unprovisioned device',
    });
  }
  const firstPin = await shownPin(url);
  const device = connect({ url, tls: { mode: "pinned", sha256: [firstPin] } });
  const state = await device.health.state();
  if (state === "Unprovisioned") return { device, state, firstPin };
  device.close();
  throw new ConfigureError(
    "no-pin",
    `${url} is ${state}: its certificate ${showPin(firstPin)} is not trusted at first use`,
    {
      hint: "compare the fingerprint with the device's and put it into tls_security",
    },
  );
}
