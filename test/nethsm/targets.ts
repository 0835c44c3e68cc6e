/**
 * The devices that the suite is run against: the software NetHSM in three releases, the vendor's container where Docker
 * runs, and whatever `NETHSM_TEST_URL` names, with `NETHSM_TEST_ADMIN` (its Administrator, `NAME:PASSPHRASE`).
 */
import { existsSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Credentials, NetHsm } from "@signstar/nethsm/client";
import { parseUserId } from "@signstar/nethsm/ids";
import { type Connection, parseDeviceUrl, parsePin } from "@signstar/nethsm/tls";
import { Secret } from "@signstar/primitives/secret";
import { startSoftNethsm } from "@signstar/soft-nethsm/testing";

export interface Target {
  readonly connection: Connection;
  readonly admin: Credentials;
  /** Ours to lock, restart and restore; of any other device only what the suite made itself is touched. */
  readonly unlockPassphrase: Secret | undefined;
  close(): Promise<void>;
}

export interface Candidate {
  readonly name: string;
  /** Why it is left out. */
  readonly obstacle: string | undefined;
  start(): Promise<Target>;
}

const image = "docker.io/nitrokey/nethsm:testing";
const dockerSocket = "/var/run/docker.sock";

export async function candidates(): Promise<readonly Candidate[]> {
  const soft = (["2.2", "3.0", "5.0"] as const).map((release) => ({
    name: `soft-nethsm ${release}`,
    obstacle: undefined,
    start: async () => {
      const device = await startSoftNethsm({ release });
      const sha256 = [parsePin(device.tlsFingerprint)];
      return provisioned({ url: parseDeviceUrl(device.url), tls: { mode: "pinned", sha256 } }, () => device.close());
    },
  }));
  const url = process.env["NETHSM_TEST_URL"];
  const admin = process.env["NETHSM_TEST_ADMIN"];
  return [
    ...soft,
    { name: `container ${image}`, obstacle: await dockerObstacle(), start: startContainer },
    {
      name: "NETHSM_TEST_URL",
      obstacle:
        url === undefined || admin === undefined ? "NETHSM_TEST_URL and NETHSM_TEST_ADMIN are not set" : undefined,
      start: async () => givenDevice(url ?? "", admin ?? ""),
    },
  ];
}

async function startContainer(): Promise<Target> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = await new GenericContainer(image)
    .withExposedPorts(8443)
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  const url = parseDeviceUrl(`https://${container.getHost()}:${container.getMappedPort(8443)}/api/v1`);
  return provisioned({ url, tls: { mode: "unsafe" } }, async () => {
    await container.stop();
  });
}

function givenDevice(url: string, admin: string): Target {
  const colon = admin.indexOf(":");
  return {
    connection: { url: parseDeviceUrl(url), tls: { mode: "unsafe" } },
    admin: { user: parseUserId(admin.slice(0, colon)), passphrase: Secret.fromText(admin.slice(colon + 1)) },
    unlockPassphrase: undefined,
    close: async () => undefined,
  };
}

async function provisioned(connection: Connection, close: () => Promise<void>): Promise<Target> {
  using hsm = new NetHsm(connection);
  const admin = { user: parseUserId("admin"), passphrase: Secret.fromText("admin-passphrase") };
  const unlockPassphrase = Secret.fromText("unlock-passphrase");
  await untilAnswering(hsm);
  await hsm.provision({ unlockPassphrase, adminPassphrase: admin.passphrase, systemTime: new Date() });
  return { connection, admin, unlockPassphrase, close };
}

/** A container listens before what is in it does. */
async function untilAnswering(hsm: NetHsm): Promise<void> {
  for (let tries = 60; ; tries -= 1) {
    try {
      await hsm.info();
      return;
    } catch (error) {
      if (tries === 0) throw error;
      await sleep(500);
    }
  }
}

async function dockerObstacle(): Promise<string | undefined> {
  if (process.env["DOCKER_HOST"] !== undefined) return undefined;
  if (!existsSync(dockerSocket)) return `no Docker here (${dockerSocket} is not there)`;
  return new Promise((resolve) => {
    const asked = request({ socketPath: dockerSocket, path: "/_ping", timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? undefined : `Docker answers ${response.statusCode}`);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", ({ message }) => resolve(`Docker does not run: ${message}`));
    asked.end();
  });
}
