/** Devices with a key, and their backups. */
import { expect } from "vitest";
import type { Release } from "../release.ts";
import { login, type ProvisionedSoftNethsm, provisioned, type SoftNethsm, testUsers } from "../testing.ts";

const admin = login(testUsers.admin);

/** Cleans up after itself, whatever happens. */
export async function withDevices(
  work: (keep: <T extends SoftNethsm>(device: T) => T) => Promise<void>,
): Promise<void> {
  const devices: SoftNethsm[] = [];
  try {
    await work((device) => {
      devices.push(device);
      return device;
    });
  } finally {
    await Promise.all(devices.map((device) => device.close()));
  }
}

export async function withKey(release: Release): Promise<ProvisionedSoftNethsm> {
  const hsm = await provisioned({ release });
  const json = { id: "k", type: "Curve25519", mechanisms: ["EdDSA_Signature"], restrictions: { tags: ["t"] } };
  expect((await hsm.request("POST", "/keys/generate", { user: admin, json })).status).toBe(201);
  expect((await hsm.request("PUT", "/users/operator/tags/t", { user: admin })).status).toBe(204);
  return hsm;
}

export async function backupOf(hsm: SoftNethsm): Promise<Uint8Array> {
  const answer = await hsm.request("POST", "/system/backup", { user: login(testUsers.backup) });
  expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/octet-stream"]);
  return answer.bytes;
}

export function restore(hsm: SoftNethsm, file: Uint8Array, settings: object, user?: readonly [string, string]) {
  const head = `--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n${JSON.stringify(settings)}\r\n--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n`;
  return hsm.request("POST", "/system/restore", {
    ...(user === undefined ? {} : { user }),
    headers: { "content-type": "multipart/form-data; boundary=b" },
    body: Buffer.concat([Buffer.from(head), file, Buffer.from("\r\n--b--\r\n")]),
  });
}

export const state = async (hsm: SoftNethsm) => (await hsm.request("GET", "/health/state")).json();
