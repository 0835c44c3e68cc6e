/** Devices and a host that have been made what a configuration says, for what share holders do with them. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAdminCredentials } from "@signstar/configure/admin-credentials";
import type { AdminSecrets } from "@signstar/configure/admin-secrets";
import { applySite } from "@signstar/configure/apply-site";
import { leadingAdministrator } from "@signstar/configure/desired";
import { concat, fromUtf8, toUtf8, u32be } from "@signstar/primitives/bytes";
import { type SoftNethsm, startSoftNethsm, type TestAnswer } from "@signstar/soft-nethsm/testing";
import { type SiteOptions, siteOf, type TestSite } from "./on-site.ts";
import { administrator, backup, Clock, signing, sshKey } from "./stage.ts";

export interface FlowSite extends AsyncDisposable {
  readonly devices: readonly SoftNethsm[];
  readonly root: string;
  /** An Unprovisioned device on the same clock; whoever asks for it ends it. */
  readonly start: () => Promise<SoftNethsm>;
  readonly secrets: AdminSecrets;
  /** The configuration of these devices, and what is put after it. */
  readonly config: (devices?: readonly SoftNethsm[], more?: string) => string;
  site(options?: Partial<SiteOptions>): TestSite;
  /** As an upload leaves it. Returns its SHA-256. */
  stage(kind: "backup" | "update", bytes: Uint8Array): string;
  states(): Promise<readonly unknown[]>;
  /** Asks a device as its administrator; its users are as `secrets` has them. */
  asAdmin(device: number, method: string, path: string): Promise<TestAnswer>;
}

const users = [
  administrator("admin"),
  administrator("ns1~admin"),
  signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" }),
  signing({ user: "release", operator: "ns1~op1", key: "key1", tag: "tag1", type: "EcP256" }),
  backup("keeper", "backup1"),
  upload("backup", "backup-up"),
  upload("update", "update-up"),
].join("");

/** Devices of that number, the first and those after it provisioned unless `bare`. */
export async function flowSite({ count = 1, bare = false } = {}): Promise<FlowSite> {
  const clock = new Clock();
  const start = () => startSoftNethsm({ uptime: clock.now });
  const devices = await Promise.all(Array.from({ length: count }, start));
  const root = mkdtempSync(join(tmpdir(), "signstar-flows-"));
  const secrets: AdminSecrets = { current: makeAdminCredentials(1, administratorsOf(root)), previous: undefined };
  const config = (which: readonly SoftNethsm[] = devices, more = "") =>
    `iteration = 1
admin_secret_handling = "plaintext"
non_admin_secret_handling = "plaintext"
${which.map(connection).join("")}${users}${more}`;
  const site = (options: Partial<SiteOptions> = {}) =>
    siteOf({ config: config(), root, sleep: clock.sleep, ...options });
  if (!bare) await applySite(site(), secrets, { rotate: false });
  return {
    devices,
    root,
    start,
    secrets,
    config,
    site,
    stage(kind, bytes) {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const directory = join(root, "var/lib/signstar/staging", kind, `${kind}-up`);
      mkdirSync(directory, { recursive: true });
      const path = join(directory, `${sha256}.${kind === "backup" ? "bkp" : "update"}`);
      writeFileSync(path, bytes);
      chmodSync(path, 0o600);
      return sha256;
    },
    states: () =>
      Promise.all(
        devices.map(async (device) => {
          const answer = (await device.request("GET", "/health/state")).json();
          return typeof answer === "object" && answer !== null && "state" in answer ? answer.state : undefined;
        }),
      ),
    asAdmin(number, method, path) {
      const passphrase = secrets.current.administrators.get(leadingAdministrator)?.use(fromUtf8) ?? "";
      const device = devices[number];
      if (device === undefined) throw new Error("no such device");
      return device.request(method, path, { user: ["admin", passphrase] });
    },
    async [Symbol.asyncDispose]() {
      for (const device of devices) await device.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function administratorsOf(root: string) {
  const { desired } = siteOf({
    config: `iteration = 1\nadmin_secret_handling = "plaintext"\nnon_admin_secret_handling = "plaintext"\nconnections = []\n${users}`,
    root,
  });
  return [...desired.administrators, ...desired.namespaces.flatMap(({ administrators }) => administrators)];
}

function connection({ url, tlsFingerprint }: SoftNethsm): string {
  return `[[connections]]
url = "${url}"
tls_security = { Fingerprints = { sha256 = ["${tlsFingerprint.replace("sha256:", "")}"] } }
`;
}

function upload(kind: "backup" | "update", user: string): string {
  return `
[[users]]
[users.system_only_${kind}_upload]
system_user = "${user}"
ssh_authorized_key = "${sshKey(user)}"
`;
}

/** As far as a software NetHSM reads it. */
export function updateFile(version: string): Uint8Array {
  const field = (bytes: Uint8Array) => concat(u32be(bytes.length).subarray(1), bytes);
  const parts = [new Uint8Array(256), toUtf8(`what is new in ${version}`), toUtf8(version)];
  return concat(toUtf8("_NETHSM_UPDATE_\0"), ...parts.map(field), u32be(1), new Uint8Array(512));
}
