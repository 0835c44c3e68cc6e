import type { DeviceSettings } from "@signstar/config/model";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { logLevels } from "@signstar/nethsm/types";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ActualSettings, freshSettings } from "./actual-settings.ts";
import { planSettings, type Reach } from "./plan-settings.ts";
import { describeSetting, type SettingChange } from "./setting-change.ts";

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

/** As a device takes it. */
function after(actual: ActualSettings, change: SettingChange): ActualSettings {
  const tlsNow = actual.tls ?? tls({}).tls;
  switch (change.kind) {
    case "set-boot-mode":
      return { ...actual, bootMode: change.mode };
    case "set-logging":
      return { ...actual, logging: change.logging };
    case "generate-tls-key": {
      const key = {
        keyType: change.type,
        keyLength: change.length,
        subject: { CN: "keyfender" },
        alternativeNames: [],
      };
      return { ...actual, tls: { ...tlsNow, ...key } };
    }
    case "issue-tls-certificate": {
      const { commonName: CN, countryName: C = "", subjectAltNames: names = [CN] } = change.subject;
      const alternativeNames = names.map((name) =>
        name.replace(/^(?:IP:|)/, name.startsWith("IP:") ? "IP Address:" : "DNS:"),
      );
      return { ...actual, tls: { ...tlsNow, subject: { CN, C }, alternativeNames } };
    }
    case "set-network":
      return { ...actual, network: change.network };
    case "forget-tls-pins":
      return actual;
  }
}

test("plan ∘ apply is empty, from any configuration to any other", () => {
  const octets = fc.tuple(fc.constantFrom(10, 192), fc.nat(255), fc.nat(255), fc.nat(255)).map((all) => all.join("."));
  const ipv6 = fc.record({
    cidr: fc.nat(0xffff).map((number) => `fd00::${number.toString(16)}/64`),
    gateway: fc.constantFrom(undefined, "fd00::ffff"),
  });
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const settings: fc.Arbitrary<DeviceSettings> = fc.record({
    bootMode: maybe(fc.constantFrom("attended" as const, "unattended" as const)),
    network: maybe(
      fc.record({
        ipAddress: octets,
        netmask: fc.constantFrom("255.255.255.0", "255.0.0.0"),
        gateway: fc.constantFrom("0.0.0.0", "10.0.0.1"),
        ipv6: maybe(ipv6),
      }),
    ),
    logging: maybe(
      fc.record({ ipAddress: octets, port: fc.constantFrom(514, 1514), logLevel: fc.constantFrom(...logLevels) }),
    ),
    tls: maybe(
      fc.record({
        keyType: fc.constantFrom("EC_P256" as const, "Curve25519" as const),
        keyLength: fc.constant(undefined),
        subject: maybe(
          fc.record({
            ...Object.fromEntries(Object.keys(subject).map((name) => [name, fc.constant(undefined)])),
            commonName: fc.constantFrom("hsm1", "hsm2"),
            countryName: maybe(fc.constantFrom("DE", "FR")),
            subjectAltNames: maybe(fc.uniqueArray(fc.constantFrom("hsm1", "IP:192.0.2.1", "IP:fd00::1"))),
          }) as fc.Arbitrary<typeof subject>,
        ),
      }),
    ),
  });
  fc.assert(
    fc.property(fc.array(settings, { minLength: 1, maxLength: 4 }), (all) => {
      let actual: ActualSettings = { ...freshSettings, softwareVersion: "5.0" };
      for (const wanted of all) {
        for (const change of planSettings(wanted, actual, reach).changes) actual = after(actual, change);
        expect(planSettings(wanted, actual, reach).changes).toEqual([]);
      }
    }),
  );
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
