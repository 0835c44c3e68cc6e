/** The [device] settings on a software NetHSM. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyWithStore } from "@signstar/configure/apply-site";
import { PlainAdminStore } from "@signstar/configure/plain-admin-store";
import { planWithStore } from "@signstar/configure/plan-site";
import { shownPin } from "@signstar/nethsm/shown-pin";
import { parseDeviceUrl } from "@signstar/nethsm/tls";
import { type SoftNethsm, startSoftNethsm } from "@signstar/soft-nethsm/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { breakingOff, losingAnswers, siteOf, type TestSite } from "./on-site.ts";
import { administrator } from "./stage.ts";

vi.mock(import("@signstar/nethsm-backup/crypto"), async (original) =>
  (await import("@signstar/nethsm-backup/testing/cheap-kdf")).cheapKdf(original),
);

const settings = `
[device]
boot_mode = "unattended"
[device.network]
ip_address = "127.0.0.1"
netmask = "255.0.0.0"
[device.logging]
ip_address = "192.168.1.2"
log_level = "warning"
[device.tls]
key_type = "EcP384"
[device.tls.subject]
common_name = "hsm1.example.org"
country_name = "DE"
subject_alt_names = ["hsm1.example.org", "IP:127.0.0.1"]
`;
const planned = [
  "~ boot mode: unattended",
  "~ logging: warning, to 192.168.1.2 port 514",
  "~ TLS key: a new one, EC_P384 (was EC_P256)",
  '~ TLS certificate: a new one, for "hsm1.example.org"',
  "+ backup kept on this host",
  "~ network: 127.0.0.1 255.0.0.0 (was 192.168.1.1 255.255.255.0)",
];

let hsm: SoftNethsm;
let root: string;
let head: string;

/** One device for all: each test gives it the settings that it begins with. */
beforeAll(async () => {
  hsm = await startSoftNethsm();
  root = mkdtempSync(join(tmpdir(), "signstar-settings-"));
  head = `iteration = 1
admin_secret_handling = "plaintext"
non_admin_secret_handling = "plaintext"
[[connections]]
url = "${hsm.url}"
tls_security = { Fingerprints = { sha256 = ["${hsm.tlsFingerprint.replace("sha256:", "")}"] } }
${administrator("admin")}`;
});
afterAll(async () => {
  await hsm.close();
  rmSync(root, { recursive: true, force: true });
});

function site(config: string, options: Partial<Parameters<typeof siteOf>[0]> = {}): TestSite {
  return siteOf({ config: head + config, root, ...options });
}
const apply = (on: TestSite) => applyWithStore(on, new PlainAdminStore(on.place), { rotate: false });
const plan = (on: TestSite) => planWithStore(on, new PlainAdminStore(on.place));
const learnt = (): unknown => JSON.parse(readFileSync(join(root, "var/lib/signstar/tls-pins.json"), "utf8"));

test("a new device gets its settings, and then there is nothing to do", async () => {
  const [before] = await plan(site(settings));
  const first = site(settings);
  await apply(first);
  expect(first.made.slice(-planned.length)).toEqual(planned);
  expect(before?.plan.changes).toHaveLength(first.made.length);
  expect(await plan(site(settings))).toMatchObject([{ plan: { changes: [], conflicts: [], notes: [] } }]);
  const again = site(settings);
  await apply(again);
  expect(again.made).toEqual([]);
  const url = parseDeviceUrl(hsm.url);
  expect(learnt()).toEqual({ version: 1, devices: { [url]: [await shownPin(url)] } });
});

test("what the configuration no longer mentions stays", async () => {
  const without = site("");
  await apply(without);
  expect(without.made).toEqual([]);
});

test("a network elsewhere is set last, and said to be elsewhere", async () => {
  const other = settings
    .replace("EcP384", "Curve25519")
    .replace('ip_address = "127.0.0.1"', 'ip_address = "192.168.1.7"');
  const [device] = await plan(site(other));
  expect(device?.plan.notes).toEqual([
    `[device.network] has the device at 192.168.1.7, but the configuration reaches it at ${hsm.url}`,
  ]);
  const moving = site(other);
  await apply(moving);
  expect(moving.made.map((line) => line.split(":")[0])).toEqual([
    "~ TLS key",
    "~ TLS certificate",
    "+ backup kept on this host",
    "~ network",
  ]);
});

test("an answer that is lost over a new TLS key, or a new network, is found out about", async () => {
  const other = settings.replace("EcP384", "EcP521").replace("255.0.0.0", "255.255.0.0");
  const moving = site(other, { connect: losingAnswers("config.tls.generate", "config.setNetwork") });
  await apply(moving);
  expect(await plan(site(other))).toMatchObject([{ plan: { changes: [], conflicts: [] } }]);
});

/**
 * Of a new TLS key nobody knows the certificate until the device has shown it: if it cannot, a human has to compare.
 * What comes before the first such call changes nothing, and of a call that changes nothing only the request counts.
 */
test("broken off at any call, it leaves a pin that works, and finishes when it is run again", {
  timeout: 120_000,
}, async () => {
  const url = parseDeviceUrl(hsm.url);
  const wanted = (number: number): string =>
    `[device.tls]\nkey_type = "${number % 2 === 0 ? "EcP384" : "Curve25519"}"\nsubject = { common_name = "hsm${number}" }\n`;
  await apply(site(wanted(0)));
  const { connect, names } = breakingOff({ call: Number.POSITIVE_INFINITY, loses: "answer" });
  await apply(site(wanted(1), { connect }));
  const first = names.indexOf("config.tls.generate") + 1;
  expect(names.length - first).toBeGreaterThan(10);

  let number = 1;
  const unknown: string[] = [];
  for (let call = first; call <= names.length; call += 1) {
    const isChange = /\.(?:generate|setCertificate)$/.test(names[call - 1] ?? "");
    for (const loses of isChange ? (["request", "answer"] as const) : (["request"] as const)) {
      number += 1;
      await expect(
        apply(site(wanted(number), { connect: breakingOff({ call, loses }).connect })),
        `${loses} of call ${call}`,
      ).rejects.toThrow();
      const mismatch = await apply(site(wanted(number))).catch((thrown: unknown) => thrown);
      if (mismatch === undefined) continue;
      unknown.push(`${loses} of ${names[call - 1]}`);
      const shown = await shownPin(url);
      expect(mismatch).toMatchObject({ code: "tls-pin-mismatch", message: expect.stringContaining(`sha256:${shown}`) });
      const config = (head + wanted(number)).replace("sha256 = [", `sha256 = ["${shown}", `);
      await apply(siteOf({ config, root }));
    }
  }
  expect(await plan(site(wanted(number)))).toMatchObject([{ plan: { changes: [], conflicts: [] } }]);
  expect(unknown).toEqual(["answer of config.tls.generate", "request of config.tls.getCertificate"]);
});
