import type {
  CertificateSubject,
  DeviceLogging,
  DeviceNetwork,
  DeviceSettings,
  DeviceTls,
} from "@signstar/config/model";
import type { Network } from "@signstar/nethsm/config";

/** One step to the settings that a device should have. Each may be interrupted and repeated. */
export type SettingChange =
  | { readonly kind: "set-boot-mode"; readonly mode: NonNullable<DeviceSettings["bootMode"]> }
  | { readonly kind: "set-logging"; readonly logging: DeviceLogging }
  | {
      readonly kind: "generate-tls-key";
      readonly type: DeviceTls["keyType"];
      /** Bits, of RSA. */
      readonly length: number | undefined;
      readonly before: string;
    }
  /** For the TLS key that the device has then. */
  | { readonly kind: "issue-tls-certificate"; readonly subject: CertificateSubject }
  /** As people see them: `sha256:…`. */
  | { readonly kind: "forget-tls-pins"; readonly pins: readonly string[] }
  | { readonly kind: "set-network"; readonly network: DeviceNetwork; readonly before: Network | undefined };

const kinds: readonly string[] = [
  "set-boot-mode",
  "set-logging",
  "generate-tls-key",
  "issue-tls-certificate",
  "forget-tls-pins",
  "set-network",
] satisfies SettingChange["kind"][];

export function isSettingChange(change: { readonly kind: string }): change is SettingChange {
  return kinds.includes(change.kind);
}

/** Whether a backup is to have it. Of the network none is: whoever restores one has the address from the configuration. */
export function isInBackup({ kind }: SettingChange): boolean {
  return kind !== "set-network" && kind !== "forget-tls-pins";
}

/** One line for people: `~` other, `-` gone. */
export function describeSetting(change: SettingChange): string {
  switch (change.kind) {
    case "set-boot-mode":
      return `~ boot mode: ${change.mode}`;
    case "set-logging": {
      const { ipAddress, port, logLevel } = change.logging;
      return ipAddress === "0.0.0.0" ? "~ logging: off" : `~ logging: ${logLevel}, to ${ipAddress} port ${port}`;
    }
    case "generate-tls-key":
      return `~ TLS key: a new one, ${change.type}${change.length === undefined ? "" : ` ${change.length}`} (was ${change.before})`;
    case "issue-tls-certificate":
      return `~ TLS certificate: a new one, for ${JSON.stringify(change.subject.commonName)}`;
    case "forget-tls-pins":
      return `- TLS certificate ${change.pins.join(", ")}: no longer trusted, the device has another`;
    case "set-network":
      return `~ network: ${networkText(change.network)}${change.before === undefined ? "" : ` (was ${networkText(change.before)})`}`;
  }
}

function networkText({ ipAddress, netmask, gateway, ipv6 }: DeviceNetwork | Network): string {
  const parts = [`${ipAddress} ${netmask}`, ...(gateway === "0.0.0.0" ? [] : [`gateway ${gateway}`])];
  if (ipv6 !== undefined) parts.push(ipv6.cidr, ...(ipv6.gateway === undefined ? [] : [`gateway ${ipv6.gateway}`]));
  return parts.join(", ");
}
