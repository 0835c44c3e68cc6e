import { connect } from "node:tls";
import { type DeviceUrl, pinOf } from "@signstar/nethsm/tls";
import { ConfigureError } from "./errors.ts";

const deadlineMs = 10_000;

/** The pin of the certificate that a device shows, whoever it is. Nothing is sent. */
export function shownPin(url: DeviceUrl): Promise<string> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const failed = (problem: string, cause?: unknown) =>
    new ConfigureError("unreachable", `${url} shows no TLS certificate: ${problem}`, { cause });
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: port === "" ? 443 : Number(port), rejectUnauthorized: false });
    socket.setTimeout(deadlineMs, () => socket.destroy(new Error(`no answer within ${deadlineMs} ms`)));
    socket.once("error", (cause) => reject(failed(cause.message, cause)));
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      socket.end();
      if (certificate === undefined) reject(failed("there is none"));
      else resolve(pinOf(certificate.raw));
    });
  });
}
