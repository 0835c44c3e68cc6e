/** Which certificate a device shows, for whoever is to decide whether it is the right one. */
import { connect } from "node:tls";
import { NetHsmError } from "./errors.ts";
import { type DeviceUrl, pinOf } from "./tls.ts";

/**
 * The pin of the end-entity certificate that is shown at `url`, by whomever; not a byte is sent but the handshake's.
 *
 * @param deadlineMs for connection and handshake together
 * @throws NetHsmError `unreachable`, `tls-timeout`
 */
export function shownPin(url: DeviceUrl, deadlineMs = 10_000): Promise<string> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const fail = (code: "unreachable" | "tls-timeout", problem: string, cause?: unknown) => {
      reject(new NetHsmError(code, `${url} shows no certificate: ${problem}`, { device: url, cause }));
      socket.destroy();
    };
    const socket = connect({ host, port: port === "" ? 443 : Number(port), rejectUnauthorized: false });
    const timer = setTimeout(() => fail("tls-timeout", `no answer within ${deadlineMs} ms`), deadlineMs);
    socket.once("close", () => {
      clearTimeout(timer);
      fail("unreachable", "connection was closed");
    });
    socket.on("error", (cause) => fail("unreachable", cause.message, cause));
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) fail("unreachable", "there is none");
      else resolve(pinOf(certificate.raw));
      socket.destroy();
    });
  });
}
