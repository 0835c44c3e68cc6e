import type { DeviceSettings } from "@signstar/config/model";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { describe, expect, test } from "vitest";
import { type ActualSettings, freshSettings } from "./actual-settings.ts";
import { planSettings, type Reach } from "./plan-settings.ts";
import { describeSetting } from "./setting-change.ts";

const pins = ["a".repeat(64), "b".repeat(64)] as const;
const reach: Reach = {
  connection: { url: parseDeviceUrl("https://192.168.1.1:8443/api/v1"), tls: { mode: "pinned", sha256: [pins[0]] } },
  learntPins: [],
};
const nothing: DeviceSettings = { bootMode: undefined, network: undefined, logging: undefined, tls: undefined };
const subject = {
  commonName: "hsm1.example.org",
  countryName: "DE",
  stateOrProvinceName: undefined,
  localityName: undefined,
  organizationName: undefined,
  organizationalUnitName: undefined,
  emailAddress: undefined,
  subjectAltNames: undefined,
};

function lines(wanted: DeviceSettings | undefined, actual: Partial<ActualSettings> = {}, at: Reach = reach) {
  const { changes, conflicts, notes } = planSettings(wanted, { ...freshSettings, ...actual }, at);
  return [
    ...changes.map(describeSetting),
    ...conflicts.map((each) => `! ${each}`),
    ...notes.map((each) => `= ${each}`),
  ];
}

const tls = (part: Partial<ActualSettings["tls"]>) => ({
  tls: { keyType: "EC_P256" as const, keyLength: undefined, subject: {}, alternativeNames: [], pin: pins[0], ...part },
});

test("what is not configured stays as it is", () => {
  expect(lines(undefined)).toEqual([]);
  expect(lines(nothing)).toEqual([]);
});

test("a new device is as it comes", () => {
  const network = { ipAddress: "192.168.1.1", netmask: "255.255.255.0", gateway: "0.0.0.0", ipv6: undefined };
  const tlsKey = { keyType: "EC_P256" as const, keyLength: undefined, subject: undefined };
  const logging = { ipAddress: "0.0.0.0", port: 514, logLevel: "info" as const };
  expect(lines({ bootMode: "attended", network, logging, tls: tlsKey })).toEqual([]);
});

test("what differs is set, the network last", () => {
  const wanted: DeviceSettings = {
    bootMode: "unattended",
    network: { ipAddress: "192.168.1.1", netmask: "255.255.0.0", gateway: "192.168.1.254", ipv6: undefined },
    logging: { ipAddress: "192.168.1.2", port: 1514, logLevel: "warning" },
    tls: { keyType: "RSA", keyLength: 2048, subject },
  };
  expect(lines(wanted)).toEqual([
    "~ boot mode: unattended",
    "~ logging: warning, to 192.168.1.2 port 1514",
    "~ TLS key: a new one, RSA 2048 (was EC_P256)",
    '~ TLS certificate: a new one, for "hsm1.example.org"',
    "~ network: 192.168.1.1 255.255.0.0, gateway 192.168.1.254 (was 192.168.1.1 255.255.255.0)",
  ]);
  const off = { ipAddress: "0.0.0.0", port: 514, logLevel: "info" as const };
  expect(lines({ ...nothing, logging: off }, { logging: { ...off, logLevel: "app" } })).toEqual(["~ logging: off"]);
});

describe("network", () => {
  const ipv4 = { ipAddress: "192.168.1.1", netmask: "255.255.255.0", gateway: "0.0.0.0" };
  const network = { ...ipv4, ipv6: { cidr: "FD00:0::2/64", gateway: undefined } };

  test("IPv6 addresses are compared, not their spelling", () => {
    expect(lines({ ...nothing, network }, { network: { ...ipv4, ipv6: { cidr: "fd00::2/64" } } })).toEqual([]);
  });

  test("an IPv6 address that the configuration does not mention stays", () => {
    const before = { ...ipv4, ipv6: { cidr: "fd00::2/64", gateway: "fd00::1" } };
    const wanted = { ...ipv4, netmask: "255.0.0.0", ipv6: undefined };
    const { changes } = planSettings({ ...nothing, network: wanted }, { ...freshSettings, network: before }, reach);
    expect(changes).toEqual([{ kind: "set-network", network: { ...wanted, ipv6: before.ipv6 }, before }]);
  });

  test("an old device has no IPv6", () => {
    expect(lines({ ...nothing, network }, { softwareVersion: "3.1" })).toEqual([
      "! the device knows no IPv6: it runs release 3.1, and 4.0 is needed",
    ]);
    expect(lines({ ...nothing, network }, { softwareVersion: "4.0" })).toHaveLength(1);
  });

  test.each(["https://192.168.1.9/api/v1", "https://[fd00::3]:8443/api/v1"])("%s is another device", (url) => {
    const at = { ...reach, connection: { ...reach.connection, url: parseDeviceUrl(url) } };
    const [, note] = lines({ ...nothing, network }, {}, at);
    expect(note).toBe(
      `= [device.network] has the device at 192.168.1.1 and fd00::2, but the configuration reaches it at ${url}`,
    );
  });

  test.each(["https://[fd00::0:2]/api/v1", "https://hsm.example.org/api/v1"])("%s may be this device", (url) => {
    const at = { ...reach, connection: { ...reach.connection, url: parseDeviceUrl(url) } };
    expect(lines({ ...nothing, network }, {}, at)).toHaveLength(1);
  });
});

describe("TLS", () => {
  const wanted = (part: Partial<DeviceSettings["tls"]>) => ({
    ...nothing,
    tls: { keyType: "EC_P256" as const, keyLength: undefined, subject: undefined, ...part },
  });

  test("a shorter RSA key is another one", () => {
    const rsa = tls({ keyType: "RSA", keyLength: 2048 });
    expect(lines(wanted({ keyType: "RSA", keyLength: 2048 }), rsa)).toEqual([]);
    expect(lines(wanted({ keyType: "RSA", keyLength: 3072 }), rsa)).toHaveLength(1);
  });

  test("of the subject counts what is configured", () => {
    const own = tls({ subject: { CN: "hsm1.example.org", C: "DE", O: "Example" } });
    expect(lines(wanted({ subject }), own)).toEqual([]);
    expect(lines(wanted({ subject: { ...subject, localityName: "Berlin" } }), own)).toHaveLength(1);
  });

  test.each([
    ["5.0", ["hsm1", "IP:FD00::1"], ["IP Address:FD00:0:0:0:0:0:0:1", "DNS:hsm1"], 0],
    ["5.0", [], ["DNS:hsm1"], 1],
    ["3.1", ["IP:192.0.2.1"], ["DNS:IP:192.0.2.1"], 0],
    ["3.1", ["hsm1"], ["DNS:hsm2"], 1],
    // Its requests have none.
    ["2.2", ["hsm1"], [], 0],
  ] as const)(
    "alternative names of release %s: %j and %j",
    (softwareVersion, subjectAltNames, alternativeNames, count) => {
      const actual = { softwareVersion, ...tls({ subject: { CN: "hsm1.example.org", C: "DE" }, alternativeNames }) };
      expect(lines(wanted({ subject: { ...subject, subjectAltNames } }), actual)).toHaveLength(count);
    },
  );

  test("certificates of its own making are of no use where authorities decide", () => {
    const native = { ...reach, connection: { ...reach.connection, tls: { mode: "native" as const } } };
    expect(lines(wanted({ keyType: "EC_P384" }), {}, native)).toEqual([expect.stringContaining("! the TLS key")]);
    expect(lines(wanted({}), {}, native)).toEqual([]);
  });

  test("certificates that the device no longer has are not trusted for longer than it takes", () => {
    expect(lines(undefined, tls({}), { ...reach, learntPins: pins })).toEqual([
      `- TLS certificate sha256:${pins[1]}: no longer trusted, the device has another`,
    ]);
    expect(lines(undefined, tls({}), { ...reach, learntPins: [pins[0]] })).toEqual([]);
    // They are forgotten with the change.
    expect(lines(wanted({ keyType: "RSA", keyLength: 2048 }), tls({}), { ...reach, learntPins: pins })).toHaveLength(1);
  });
});
