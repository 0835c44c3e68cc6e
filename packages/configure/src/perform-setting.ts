/** Makes one change of a setting. Each may fail or be interrupted between any two calls, and may be made again. */
import type { DeviceConnection } from "@signstar/config/model";
import { NetHsmError } from "@signstar/nethsm/errors";
import { pinOf, showPin } from "@signstar/nethsm/tls";
import { messageOf } from "@signstar/primitives/failure";
import { readLeaf } from "./actual-settings.ts";
import { isAnswerLost, unlessLost } from "./answer-lost.ts";
import { leadingAdministrator } from "./desired.ts";
import type { Device } from "./device.ts";
import { ConfigureError } from "./errors.ts";
import { issueTlsCertificate } from "./issue-tls-certificate.ts";
import type { Run } from "./run.ts";
import type { SettingChange } from "./setting-change.ts";
import type { Site } from "./site.ts";

export interface SettingContext {
  readonly site: Site;
  /** Logged in. */
  readonly run: Run;
  readonly connection: DeviceConnection;
}

export async function performSetting(context: SettingContext, change: SettingChange): Promise<void> {
  const { config } = context.run.as(leadingAdministrator);
  switch (change.kind) {
    case "set-boot-mode":
      return config.setUnattendedBoot(change.mode === "unattended" ? "on" : "off");
    case "set-logging":
      return config.setLogging(change.logging);
    case "generate-tls-key":
      return generate(context, change);
    case "issue-tls-certificate": {
      const chain = issueTlsCertificate(await config.tls.csr(subjectOf(change)), await config.tls.publicPem());
      const pin = pinOf(readLeaf(chain).raw);
      // Trusted before the device has it: both are, until it has shown this one.
      trust(context, pin);
      await config.tls.setCertificate(chain);
      return confirm(context, pin);
    }
    case "forget-tls-pins":
      return confirm(context, pinOf(readLeaf(await config.tls.getCertificate()).raw));
    case "set-network":
      await unlessLost(config.setNetwork(change.network));
  }
}

/**
 * The device makes key and certificate in one, and shows the new one from then on: it has to be read over a connection
 * that was opened before. If that is lost, only a human can tell whether what the device shows is its own.
 */
async function generate(
  context: SettingContext,
  change: Extract<SettingChange, { kind: "generate-tls-key" }>,
): Promise<void> {
  const { tls } = context.run.as(leadingAdministrator).config;
  // At the same time, so that there are two connections: the one that waits for the new key may be lost over it.
  const [before] = await Promise.all([tls.getCertificate(), tls.publicPem()]);
  const outcome = await tls.generate(change.type, change.length).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (outcome !== undefined && !isAnswerLost(outcome)) throw outcome;
  const after = await tls.getCertificate().catch((cause: unknown) => {
    throw unknownCertificate(context, before, outcome ?? cause);
  });
  if (after === before) throw outcome ?? new NetHsmError("bad-answer", "the device has made no new TLS key");
  const pin = pinOf(readLeaf(after).raw);
  trust(context, pin);
  await confirm(context, pin);
}

function unknownCertificate({ connection }: SettingContext, before: string, cause: unknown): ConfigureError {
  return new ConfigureError(
    "certificate-unknown",
    `${connection.url} was asked for a new TLS key, and its certificate could not be read: ${messageOf(cause)}`,
    {
      cause,
      hint: `the certificate before was ${showPin(pinOf(readLeaf(before).raw))}; compare the one it shows now with the device's own, and put it into tls_security`,
    },
  );
}

function trust({ run, connection }: SettingContext, pin: string): void {
  if (connection.tls.mode === "pinned") run.files.addTlsPin(connection.url, pin);
}

/** Over a new connection, which would not come about with another certificate. */
async function confirm({ site, run, connection }: SettingContext, pin: string): Promise<void> {
  if (connection.tls.mode !== "pinned") return;
  const { url } = connection;
  const device: Device = site.connect({ url, tls: { mode: "pinned", sha256: [pin] } });
  try {
    await device.health.state();
  } finally {
    device.close();
  }
  run.files.keepTlsPin(url, pin);
}

/** Without what is not configured, since an old device refuses what it does not know. */
function subjectOf({ subject }: Extract<SettingChange, { kind: "issue-tls-certificate" }>) {
  const { commonName, ...others } = subject;
  return { commonName, ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)) };
}
