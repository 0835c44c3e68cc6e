/** What the device's status codes mean. */
import { NetHsmError, type NetHsmErrorCode } from "./errors.ts";

export interface Refusal {
  readonly device: string;
  /** `GET /users` */
  readonly endpoint: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

const codes: ReadonlyMap<number, NetHsmErrorCode> = new Map([
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "not-found"],
  [405, "unsupported"],
  [406, "unsupported"],
  [409, "conflict"],
  [412, "wrong-state"],
  [413, "too-large"],
  [415, "unsupported"],
  [429, "too-many-requests"],
]);

const hints: Partial<Record<NetHsmErrorCode, string>> = {
  unauthorized: "check user name and passphrase; for a second after a failure the device refuses even the right one",
  forbidden: "check the user's role, namespace and tags",
  "not-found": "check the name and the namespace of the user who asks",
  unsupported: "the device's release does not offer this; see its softwareVersion",
  "too-many-requests": "wait for a second: someone gave a wrong passphrase for this user",
  "device-error": "try again, and look into the device's log",
};

/** The error for an answer whose status is not a success. Many of them have no body. */
export function refusalError(refusal: Refusal): NetHsmError {
  const { device, endpoint, status } = refusal;
  const deviceMessage = messageIn(refusal);
  const code = codeOf(refusal, deviceMessage);
  const said = deviceMessage === undefined ? "" : `: ${deviceMessage}`;
  return new NetHsmError(code, `${endpoint} at ${device}: refused with status ${status}${said}`, {
    device,
    endpoint,
    status,
    deviceMessage,
    hint: hintFor(code, endpoint, deviceMessage),
  });
}

function codeOf({ status, contentType }: Refusal, message: string | undefined): NetHsmErrorCode {
  // Only an endpoint that the release does not know is answered in plain text.
  if (status === 404 && contentType.startsWith("text/plain") && message === "Not found") return "unsupported";
  if (status >= 500) return "device-error";
  if (status >= 400) return codes.get(status) ?? "bad-request";
  return "bad-answer";
}

function hintFor(code: NetHsmErrorCode, endpoint: string, message: string | undefined): string | undefined {
  if (code === "wrong-state") return stateHint(message);
  // No user asks here: it is about the unlock passphrase.
  if (code === "forbidden" && endpoint === "POST /unlock") return "check the unlock passphrase";
  if (code === "forbidden" && /^PUT \/config\/(?:unlock|backup)-passphrase$/.test(endpoint)) {
    return "check the present passphrase, and the user's role";
  }
  return hints[code];
}

function stateHint(message: string | undefined): string | undefined {
  if (message?.includes("configure backup key") === true) return "set the backup passphrase first, as an Administrator";
  const ofState = message === undefined || message === "Service not available";
  return ofState ? "look at the device's state: it may have to be provisioned or unlocked first" : undefined;
}

/** The device's words: `message` of a JSON object, or plain text. */
function messageIn({ contentType, body }: Refusal): string | undefined {
  const text = new TextDecoder().decode(body.subarray(0, 4096));
  const message = jsonMessage(text) ?? (contentType.startsWith("text/plain") ? text.trim() : "");
  const printable = message.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return printable === "" ? undefined : printable.slice(0, 500);
}

function jsonMessage(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("message" in value)) return undefined;
    return typeof value.message === "string" ? value.message : undefined;
  } catch {
    return undefined;
  }
}
