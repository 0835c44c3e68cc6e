/** A provisioned soft-nethsm in a thread of its own, until its parent says something. */
import { parentPort } from "node:worker_threads";
import { provisioned } from "@signstar/soft-nethsm/testing";

const device = await provisioned({});
const { url, tlsFingerprint, users } = device;
parentPort?.postMessage({ url, tlsFingerprint, users });
parentPort?.once("message", () => device.close());
