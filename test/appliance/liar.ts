/** A device that answers every request, or every one to the same path, with the same bytes. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pinOf } from "@signstar/nethsm/tls";

export interface Liar extends AsyncDisposable {
  readonly url: string;
  readonly tlsFingerprint: string;
  /** How many bytes were taken from the source so far. */
  sent(): number;
}

type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** `body` as a function: of the path below the API, undefined for 404; a promise that stays one, for no answer. */
export async function liar(body: Body | ((path: string) => Body | Promise<Body> | undefined)): Promise<Liar> {
  const { key, cert } = certificate();
  let sent = 0;
  const counted = async function* (whole: Body) {
    for await (const piece of whole instanceof Uint8Array ? [whole] : whole) {
      sent += piece.length;
      yield piece;
    }
  };
  const server = createServer({ key, cert }, async (request, response) => {
    request.resume();
    const path = (request.url ?? "").replace("/api/v1", "");
    const whole = await (typeof body === "function" ? body(path) : body);
    if (whole === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": "application/octet-stream" });
    Readable.from(counted(whole))
      .on("error", () => response.destroy())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`,
    tlsFingerprint: `sha256:${pinOf(new X509Certificate(cert).raw)}`,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function certificate(): { key: string; cert: string } {
  const directory = mkdtempSync(join(tmpdir(), "liar-"));
  try {
    const [key, cert] = [join(directory, "key"), join(directory, "cert")];
    const request = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-subj",
      "/CN=x",
    ];
    execFileSync("openssl", [...request, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
