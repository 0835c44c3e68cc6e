/** A device, its storage and its listener as one thing that can be started and ended. */
import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { messageOf } from "@signstar/primitives/failure";
import { Device } from "./device.ts";
import { SoftNethsmError } from "./errors.ts";
import { type Fault, startsFailed } from "./fault.ts";
import { FileStorage } from "./file-storage.ts";
import type { Log } from "./log.ts";
import type { Release } from "./release.ts";
import { listen } from "./server.ts";
import { MemoryStorage, type Storage } from "./storage.ts";
import { readTlsIdentity } from "./tls-files.ts";

export interface ServeOptions {
  /** Where to keep everything: a directory, or a storage that is open already. Undefined: in memory. */
  readonly dataDir: string | Storage | undefined;
  readonly host: string;
  readonly port: number;
  readonly release: Release;
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
  readonly faults?: readonly Fault[];
  readonly log: Log;
  /** As for a device. */
  readonly uptime?: (() => number) | undefined;
}

export interface Running {
  readonly url: string;
  /** Of the certificate at start: `sha256:` and lower-case hex of its DER. */
  readonly tlsFingerprint: string;
  readonly device: Device;
  /** Resolves when a client has shut the device down. */
  readonly shutdown: Promise<void>;
  /** Finishes requests, flushes, lets go of the storage. */
  close(): Promise<void>;
}

const flushEveryMs = 3_600_000;

/** Throws SoftNethsmError. */
export async function serve(options: ServeOptions): Promise<Running> {
  const { dataDir = new MemoryStorage() } = options;
  const storage = typeof dataDir === "string" ? await FileStorage.open(dataDir) : dataDir;
  try {
    return await start(storage, options);
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function start(storage: Storage, options: ServeOptions): Promise<Running> {
  const device = await Device.open(storage, { release: options.release, uptime: options.uptime });
  if (startsFailed(options.faults ?? [])) device.fail();
  if (options.tls !== undefined) await device.setTls(await readTls(options.tls));
  const down = Promise.withResolvers<void>();
  device.events = { ...device.events, shutdown: () => down.resolve() };
  const listener = await listen(device, options);
  const flush = () => {
    device.exclusive
      .run(() => device.flush())
      .catch((error: unknown) => {
        options.log.error({ error: messageOf(error) }, "operation counters could not be stored");
      });
  };
  const timer = setInterval(flush, flushEveryMs);
  timer.unref();
  return {
    url: listener.url,
    tlsFingerprint: fingerprint(device),
    device,
    shutdown: down.promise,
    close: async () => {
      clearInterval(timer);
      await listener.close();
      await device.end();
    },
  };
}

async function readTls(files: { certificate: string; key: string }) {
  try {
    return readTlsIdentity(await readFile(files.certificate, "utf8"), await readFile(files.key, "utf8"));
  } catch (cause) {
    throw new SoftNethsmError("tls-files", `cannot use ${files.certificate} with ${files.key}: ${messageOf(cause)}`, {
      hint: "both are PEM: the certificate chain, leaf first, and its private key",
      cause,
    });
  }
}

function fingerprint(device: Device): string {
  const [leaf] = device.tls.chain;
  if (leaf === undefined) throw new TypeError("the device has no TLS certificate");
  return `sha256:${createHash("sha256").update(new X509Certificate(leaf).raw).digest("hex")}`;
}
