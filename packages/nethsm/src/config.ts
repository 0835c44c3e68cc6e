/** Settings of a device, for Administrators without namespace. */
import type { Secret } from "@signstar/primitives/secret";
import { type Body, jsonBody, lateText } from "./body.ts";
import {
  requireAddress,
  requireInteger,
  requireIpv4,
  requireIpv6,
  requireIpv6Cidr,
  requireNetmask,
  requireNewPassphrase,
  requireText,
} from "./checks.ts";
import { ConfigTls } from "./config-tls.ts";
import { count, object, oneOf, optional, type Reader, text } from "./reader.ts";
import type { Session } from "./session.ts";
import { deviceTime, time } from "./time.ts";
import { type LogLevel, logLevels, type Switch, switches } from "./types.ts";

export interface Network {
  readonly ipAddress: string;
  readonly netmask: string;
  /** `0.0.0.0`: none. */
  readonly gateway: string;
  /** Release 4.0 and later. */
  readonly ipv6?: { readonly cidr: string; readonly gateway?: string | undefined } | undefined;
}

export interface Logging<Level extends string = LogLevel> {
  /** Where syslog goes; `0.0.0.0`: nowhere. */
  readonly ipAddress: string;
  readonly port: number;
  readonly logLevel: Level;
}

export interface PassphraseChange {
  /** Absent: there was none yet (backup passphrase only). */
  readonly current?: Secret | undefined;
  readonly next: Secret;
}

const networkReader: Reader<Network> = object({
  ipAddress: text,
  netmask: text,
  gateway: text,
  ipv6: optional(object({ cidr: text, gateway: optional(text) })),
});

/** Devices also accept `app`, which their API's description does not name. */
const loggingReader: Reader<Logging<LogLevel | "app">> = object({
  ipAddress: text,
  port: count,
  logLevel: oneOf([...logLevels, "app"]),
});

const statusReader = object({ status: oneOf(switches) });
const timeReader = object({ time });

export class Config {
  readonly tls: ConfigTls;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.tls = new ConfigTls(session);
  }

  /** PUT /config/unlock-passphrase. A wrong current one is `forbidden`. */
  async setUnlockPassphrase(change: PassphraseChange & { readonly current: Secret }): Promise<void> {
    await this.#put("/config/unlock-passphrase", passphraseBody("unlock passphrase", change));
  }

  /** PUT /config/backup-passphrase. A wrong current one is `forbidden`. */
  async setBackupPassphrase(change: PassphraseChange): Promise<void> {
    await this.#put("/config/backup-passphrase", passphraseBody("backup passphrase", change));
  }

  /** GET /config/unattended-boot. */
  async getUnattendedBoot(): Promise<Switch> {
    return (await this.#get("/config/unattended-boot", statusReader)).status;
  }

  /** PUT /config/unattended-boot: `on` lets the device boot into Operational without unlocking. */
  async setUnattendedBoot(status: Switch): Promise<void> {
    await this.#put("/config/unattended-boot", jsonBody({ status }));
  }

  /** GET /config/network. */
  async getNetwork(): Promise<Network> {
    return this.#get("/config/network", networkReader);
  }

  /** PUT /config/network. */
  async setNetwork(network: Network): Promise<void> {
    const { ipAddress, netmask, gateway, ipv6 } = network;
    requireIpv4("address", ipAddress);
    requireNetmask(netmask);
    requireIpv4("gateway", gateway);
    if (ipv6 !== undefined) requireIpv6Cidr(ipv6.cidr);
    if (ipv6?.gateway !== undefined) requireIpv6("gateway", ipv6.gateway);
    const members = { ipAddress, netmask, gateway, ipv6: ipv6 && { cidr: ipv6.cidr, gateway: ipv6.gateway ?? null } };
    await this.#put("/config/network", jsonBody(members));
  }

  /** GET /config/logging. */
  async getLogging(): Promise<Logging<LogLevel | "app">> {
    return this.#get("/config/logging", loggingReader);
  }

  /** PUT /config/logging. */
  async setLogging({ ipAddress, port, logLevel }: Logging): Promise<void> {
    requireAddress("syslog address", ipAddress);
    requireInteger("syslog port", port, 1, 65_535);
    await this.#put("/config/logging", jsonBody({ ipAddress, port, logLevel }));
  }

  /** GET /config/time. */
  async getTime(): Promise<Date> {
    return (await this.#get("/config/time", timeReader)).time;
  }

  /** PUT /config/time, in whole seconds. */
  async setTime(date: Date): Promise<void> {
    await this.#put("/config/time", jsonBody({ time: deviceTime(date) }));
  }

  async #get<T>(path: string, reader: Reader<T>): Promise<T> {
    return this.#session.json({ method: "GET", path }, reader);
  }

  async #put(path: string, body: Body): Promise<void> {
    await this.#session.done({ method: "PUT", path, body });
  }
}

function passphraseBody(what: string, { current, next }: PassphraseChange): Body {
  requireNewPassphrase(what, next);
  if (current !== undefined) requireText(`current ${what}`, current);
  return jsonBody({ newPassphrase: lateText(next), currentPassphrase: current === undefined ? "" : lateText(current) });
}
