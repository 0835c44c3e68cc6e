import { once } from "node:events";
import type { Command, Options } from "@signstar/command/spec";
import { SoftNethsmError } from "./errors.ts";
import { parseFaults } from "./fault.ts";
import { stderrLog } from "./log.ts";
import { newest, type Release, releases } from "./release.ts";
import { type ServeOptions, serve } from "./serve.ts";

/** `soft-nethsm [serve]`: one JSON line on standard output when it is ready, JSON-lines logs on standard error. */
export const softNethsm: Command = {
  name: "soft-nethsm",
  summary: "a NetHSM in software",
  description:
    "Answers the REST API of a NetHSM. It is not a hardware module: keys are encrypted on disk under the unlock " +
    "passphrase, but whoever controls this machine while it is unlocked has them.",
  options: [
    { name: "data-dir", value: "DIR", description: "keep everything in this directory" },
    { name: "memory", description: "keep everything in memory, for tests" },
    {
      name: "listen",
      value: "HOST:PORT",
      description: "where to listen; port 0 takes any that is free",
      default: "127.0.0.1:8443",
    },
    { name: "tls-cert", value: "FILE", description: "TLS certificate chain (PEM), set at every start" },
    { name: "tls-key", value: "FILE", description: "the private key of --tls-cert (PEM)" },
    { name: "release", value: "X.Y", description: "whose behaviour to show", choices: releases, default: newest },
    { name: "fault", value: "SPEC", description: "tests only: misbehave, as in sign:flip or state:delay=10ms" },
  ],
  arguments: [{ name: "serve", description: "the word serve, which may be left out", optional: true }],
  examples: [
    { command: "soft-nethsm --memory --listen 127.0.0.1:0", description: "a throw-away device on any port" },
    { command: "soft-nethsm --data-dir /var/lib/soft-nethsm", description: "a device that stays" },
  ],
  async run({ options, args, io }) {
    if (args[0] !== undefined && args[0] !== "serve") {
      throw new SoftNethsmError("usage", `unknown command ${JSON.stringify(args[0])}`, {
        hint: "use serve, or nothing",
      });
    }
    const settings = readOptions(options);
    // From here on a signal ends the program in order, also while it is still starting.
    const listening = new AbortController();
    const signals = ["SIGTERM", "SIGINT"].map((name) => once(process, name, listening));
    try {
      const running = await serve(settings);
      await io.stream(`${JSON.stringify({ url: running.url, tlsFingerprint: running.tlsFingerprint })}\n`);
      await Promise.race([...signals, running.shutdown]);
      await running.close();
    } finally {
      listening.abort();
      await Promise.allSettled(signals);
    }
  },
};

function readOptions(options: Options): ServeOptions {
  const dataDir = options.text("data-dir");
  if ((dataDir !== undefined) === options.flag("memory")) {
    throw new SoftNethsmError("usage", "give either --data-dir or --memory");
  }
  const { host, port } = readListen(options.text("listen") ?? "");
  return {
    dataDir,
    host,
    port,
    release: readRelease(options.text("release")),
    tls: readTls(options.text("tls-cert"), options.text("tls-key")),
    faults: parseFaults(options.text("fault")),
    log: stderrLog(),
  };
}

/** `HOST:PORT`, an IPv6 address in brackets. */
function readListen(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65535) {
    throw new SoftNethsmError("usage", `cannot listen on ${JSON.stringify(text)}`, {
      hint: "use HOST:PORT, as in 127.0.0.1:8443 or [::1]:8443",
    });
  }
  return { host, port: Number(port) };
}

function readRelease(text: string | undefined): Release {
  return releases.find((release) => release === text) ?? newest;
}

function readTls(certificate: string | undefined, key: string | undefined): ServeOptions["tls"] {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  throw new SoftNethsmError("usage", "--tls-cert and --tls-key go together");
}
