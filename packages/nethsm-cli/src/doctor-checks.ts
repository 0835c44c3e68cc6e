/** What `nethsm doctor` looks at on one device. */
import type { NetHsm } from "@signstar/nethsm/client";
import { type KeyId, type NamespaceId, namespaceOf, type UserId } from "@signstar/nethsm/ids";
import type { KeyInfo } from "@signstar/nethsm/types";
import type { DeviceSettings } from "@signstar/nethsm-settings/model";
import { openSource } from "@signstar/nethsm-settings/passphrase";
import { Failure } from "@signstar/primitives/failure";
import { certificateProblem, x509Problem } from "./doctor-certificates.ts";

export const checks = [
  "settings",
  "tls",
  "reachable",
  "state",
  "clock",
  "tls-certificate",
  "key-certificates",
  "key-tags",
  "user-keys",
  "looked-at",
] as const;
export type Check = (typeof checks)[number];

export interface Finding {
  readonly device: string;
  readonly check: Check;
  readonly level: "ok" | "warning" | "problem";
  readonly finding: string;
}

/** More than this makes signatures come from the past or the future. */
const clockToleranceMs = 60_000;

export class Examination {
  readonly findings: Finding[] = [];
  readonly #device: DeviceSettings;
  readonly #env: NodeJS.ProcessEnv;

  constructor(device: DeviceSettings, env: NodeJS.ProcessEnv) {
    this.#device = device;
    this.#env = env;
  }

  async run(hsm: NetHsm): Promise<void> {
    this.#checkTls();
    let state: string;
    try {
      state = await hsm.health.state();
      this.#say("reachable", "ok", this.#device.connection.url);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return this.#say(
        "reachable",
        "problem",
        error.hint === undefined ? error.message : `${error.message} (${error.hint})`,
      );
    }
    if (state !== "Operational") return this.#say("state", "problem", `it is ${state}`);
    this.#say("state", "ok", state);
    const administrators = this.#administrators();
    if (!administrators.has(undefined)) {
      this.#say(
        "looked-at",
        "warning",
        "no Administrator with a stored passphrase is known: users and keys are not looked at",
      );
    }
    for (const [namespace, credentials] of administrators) {
      try {
        const passphrase = await openSource(credentials.passphrase, this.#env);
        const asked = hsm.as({ user: credentials.user, passphrase });
        if (namespace === undefined) await this.#checkMachine(asked);
        await this.#checkNamespace(asked, namespace);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.#say("looked-at", "problem", `as ${credentials.user}: ${error.message}`);
      }
    }
  }

  /** The first Administrator of each namespace whose passphrase needs nobody to type it. */
  #administrators() {
    const found = new Map<NamespaceId | undefined, { user: UserId; passphrase: Parameters<typeof openSource>[0] }>();
    for (const { name, role, passphrase } of this.#device.credentials) {
      const namespace = namespaceOf(name);
      if (role !== "Administrator" || passphrase === undefined || found.has(namespace)) continue;
      found.set(namespace, { user: name, passphrase });
    }
    return found;
  }

  #checkTls(): void {
    const { url, tls } = this.#device.connection;
    const { hostname } = new URL(url);
    const isHere = /^(?:localhost|\[::1\]|127(?:\.\d+){3})$/.test(hostname);
    const isOpen = tls.mode === "unsafe" && !isHere;
    if (isOpen) this.#say("tls", "warning", "any certificate is accepted (Unsafe): pin it");
    else this.#say("tls", "ok", tls.mode === "pinned" ? `${tls.sha256.length} certificate pinned` : tls.mode);
  }

  async #checkMachine(hsm: NetHsm): Promise<void> {
    const before = Date.now();
    const there = (await hsm.config.getTime()).getTime();
    // The device tells whole seconds, at some time between asking and the answer.
    const off = there + 1000 < before ? there + 1000 - before : Math.max(0, there - Date.now());
    const finding = `the device's clock is ${Math.round(Math.abs(off) / 1000)} s ${off < 0 ? "behind" : "ahead"}`;
    this.#say("clock", Math.abs(off) > clockToleranceMs ? "warning" : "ok", finding);
    const problem = x509Problem(await hsm.config.tls.getCertificate(), new Date());
    this.#say("tls-certificate", problem === undefined ? "ok" : "warning", problem ?? "not about to expire");
  }

  async #checkNamespace(hsm: NetHsm, namespace: NamespaceId | undefined): Promise<void> {
    const keys = new Map<KeyId, KeyInfo>();
    for (const id of await hsm.keys.list()) keys.set(id, await hsm.keys.get(id));
    const shown = (id: string) => (namespace === undefined ? id : `${namespace}~${id}`);
    const untagged = [...keys].filter(([, { tags }]) => tags.length === 0).map(([id]) => shown(id));
    if (untagged.length > 0) {
      this.#say("key-tags", "warning", `every Operator of the namespace can use ${untagged.join(", ")}: no tags`);
    }
    for (const id of keys.keys()) {
      const certificate = await hsm.keys.getCertificate(id);
      const problem = certificate && (await certificateProblem(certificate, new Date()));
      if (problem !== undefined) this.#say("key-certificates", "warning", `key ${shown(id)}: ${problem}`);
    }
    for (const user of await hsm.users.list()) {
      if (namespaceOf(user) !== namespace || (await hsm.users.get(user)).role !== "Operator") continue;
      const tags: readonly string[] = await hsm.users.tags(user);
      const usable = [...keys.values()].some(
        (key) => key.tags.length === 0 || key.tags.some((tag) => tags.includes(tag)),
      );
      if (!usable) this.#say("user-keys", "warning", `Operator ${user} can use no key`);
    }
    const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
    this.#say("looked-at", "ok", `${keys.size} keys${where}`);
  }

  #say(check: Check, level: Finding["level"], finding: string): void {
    this.findings.push({ device: this.#device.label, check, level, finding });
  }
}
