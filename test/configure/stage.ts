/** A software NetHSM over TLS, a root directory of the caller's own, and signstar-configure's insides on both. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseConfig } from "@signstar/config/parse";
import { applyWithStore } from "@signstar/configure/apply-site";
import type { AnyChange } from "@signstar/configure/change";
import { desiredFrom } from "@signstar/configure/desired";
import type { Device } from "@signstar/configure/device";
import { placeAt } from "@signstar/configure/place";
import { PlainAdminStore } from "@signstar/configure/plain-admin-store";
import type { Plan } from "@signstar/configure/plan";
import { planWithStore } from "@signstar/configure/plan-site";
import type { DevicePlan } from "@signstar/configure/report";
import type { Site } from "@signstar/configure/site";
import { NetHsm } from "@signstar/nethsm/client";
import { type SoftNethsm, type SoftNethsmOptions, startSoftNethsm } from "@signstar/soft-nethsm/testing";

export class Interrupted extends Error {}

/** At this call of the device, counted from 1: it never gets there, or its answer does not come back. */
export interface Interruption {
  readonly call: number;
  readonly loses: "request" | "answer";
}

export interface Stage {
  readonly hsm: SoftNethsm;
  readonly root: string;
  /** The configuration's first lines: how secrets are handled, and the devices. */
  readonly head: string;
  /** Of the device that leads. */
  plan(users: string): Promise<Plan<AnyChange>>;
  plans(users: string, options?: ApplyStage): Promise<readonly DevicePlan[]>;
  /** Returns the changes made, unless it is interrupted. */
  apply(users: string, options?: ApplyStage): Promise<readonly AnyChange[]>;
  close(): Promise<void>;
}

/** Time for those who have no time: it passes when somebody sleeps. */
export class Clock {
  #ms = 0;

  readonly now = (): number => this.#ms;

  readonly sleep = async (ms: number): Promise<void> => {
    this.#ms += ms;
  };

  /** As long as a device refuses whoever has failed. */
  pass(): void {
    this.#ms += 1_000;
  }
}

export interface ApplyStage {
  readonly interruption?: Interruption;
  readonly rotate?: boolean;
  readonly iteration?: number;
  readonly allowKeyRemoval?: boolean;
}

export interface StageOptions extends SoftNethsmOptions {
  /** The lines of the connection after its URL; otherwise the device's certificate is pinned. */
  readonly tls?: string;
  /** Of another stage, which goes on owning it. */
  readonly root?: string;
  /** Of another stage, which goes on owning it. */
  readonly device?: SoftNethsm;
  /** Of the devices, and of whoever waits for them; the machine's by default. */
  readonly clock?: Clock;
  /** Devices that follow; whoever started them ends them. */
  readonly followers?: readonly SoftNethsm[];
  /** Puts something between signstar-configure and the devices. */
  readonly through?: (device: Device) => Device;
}

export async function setUp(options: StageOptions = {}): Promise<Stage> {
  const { clock } = options;
  const hsm =
    options.device ?? (await startSoftNethsm(clock === undefined ? options : { ...options, uptime: clock.now }));
  const root = options.root ?? mkdtempSync(join(tmpdir(), "signstar-configure-"));
  const head = `iteration = 1
admin_secret_handling = "plaintext"
non_admin_secret_handling = "plaintext"
${connectionText(hsm, options.tls)}${(options.followers ?? []).map((each) => connectionText(each)).join("")}`;
  const siteOf = (
    users: string,
    { interruption, iteration = 1, allowKeyRemoval = false }: ApplyStage,
    made: AnyChange[],
  ) => {
    const config = parseConfig(head.replace("iteration = 1", `iteration = ${iteration}`) + users);
    const through = options.through ?? ((device: Device) => device);
    const stop = interruption === undefined ? (device: Device) => device : interrupting(interruption);
    const site: Site = {
      config,
      desired: desiredFrom(config, { allowKeyRemoval }),
      place: placeAt(root),
      connect: (to) => stop(through(new NetHsm(to))),
      now: () => new Date(),
      sleep: clock?.sleep ?? ((ms) => setTimeout(ms)),
      done: (_, change) => made.push(change),
    };
    return { site, store: new PlainAdminStore(site.place) };
  };
  const plans = (users: string, planning: ApplyStage = {}) => {
    const { site, store } = siteOf(users, planning, []);
    return planWithStore(site, store);
  };
  return {
    hsm,
    root,
    head,
    plans,
    async plan(users) {
      const [leader] = await plans(users);
      if (leader === undefined) throw new TypeError("no device has been looked at");
      return leader.plan;
    },
    async apply(users, applying = {}) {
      const made: AnyChange[] = [];
      const { site, store } = siteOf(users, applying, made);
      await applyWithStore(site, store, { rotate: applying.rotate ?? false });
      return made;
    },
    async close() {
      if (options.root === undefined) rmSync(root, { recursive: true, force: true });
      if (options.device === undefined) await hsm.close();
    },
  };
}

export function connectionText({ url, tlsFingerprint }: SoftNethsm, tls?: string): string {
  const pin = tlsFingerprint.replace("sha256:", "");
  return `[[connections]]
url = "${url}"
${tls ?? `tls_security = { Fingerprints = { sha256 = ["${pin}"] } }`}
`;
}

/** Once interrupted, nothing goes through any more: the process has ended. */
function interrupting({ call, loses }: Interruption): (device: Device) => Device {
  let calls = 0;
  return (device) =>
    intercepted(device, async (_, made) => {
      calls += 1;
      if (calls > call || (calls === call && loses === "request")) throw new Interrupted();
      const answer = await made();
      if (calls === call) throw new Interrupted();
      return answer;
    });
}

/** The same with `around` in the way of every call, which has a name such as `keys.get`. */
export function intercepted<T extends object>(
  target: T,
  around: (name: string, call: () => Promise<unknown>) => Promise<unknown>,
  prefix = "",
): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value === "object" && value !== null && name !== "connection") {
        return intercepted(value, around, `${prefix}${String(name)}.`);
      }
      if (typeof value !== "function") return value;
      if (name === "close") return value.bind(target);
      if (name === "as") return (...words: unknown[]) => intercepted(value.apply(target, words) as Device, around);
      return (...words: unknown[]) => around(`${prefix}${String(name)}`, async () => value.apply(target, words));
    },
  });
}

export function signing(options: {
  readonly user: string;
  readonly operator: string;
  readonly key: string;
  readonly tag: string;
  readonly type?: "Curve25519" | "EcP256" | "Rsa";
  readonly userId?: string;
}): string {
  const { user, operator, key, tag, type = "Curve25519", userId = `${user} <${user}@example.org>` } = options;
  const [mechanism, signature, length] = {
    Curve25519: ["EdDsaSignature", "EdDsa", ""],
    EcP256: ["EcdsaSignature", "EcdsaP256", ""],
    Rsa: ["RsaSignaturePkcs1", "Pkcs1", "key_length = 2048"],
  }[type];
  return `
[[users]]
[users.system_nethsm_operator_signing]
system_user = "${user}"
ssh_authorized_key = "${sshKey(user)}"
nethsm_user = "${operator}"
tag = "${tag}"
[users.system_nethsm_operator_signing.nethsm_key_setup]
key_id = "${key}"
key_type = "${type}"
key_mechanisms = ["${mechanism}"]
signature_type = "${signature}"
${length}
key_context.openpgp = { user_ids = ["${userId}"], version = "4" }
`;
}

export function administrator(name: string): string {
  return `\n[[users]]\nnethsm_only_admin = "${name}"\n`;
}

export function backup(user: string, name: string): string {
  return `
[[users]]
[users.system_nethsm_backup]
system_user = "${user}"
ssh_authorized_key = "${sshKey(user)}"
nethsm_user = "${name}"
`;
}

export function metrics(user: string, name: string, operators: readonly string[]): string {
  return `
[[users]]
[users.system_nethsm_metrics]
system_user = "${user}"
ssh_authorized_key = "${sshKey(user)}"
nethsm_users = { metrics_user = "${name}", operator_users = ${JSON.stringify(operators)} }
`;
}

/** A key of its own for each name; nobody logs in with it. */
export function sshKey(name: string): string {
  const bytes = Buffer.alloc(51);
  bytes.writeUInt32BE(11, 0);
  bytes.write("ssh-ed25519", 4);
  bytes.writeUInt32BE(32, 15);
  bytes.write(name, 19);
  return `ssh-ed25519 ${bytes.toString("base64")}`;
}
