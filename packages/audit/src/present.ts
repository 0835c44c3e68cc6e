/** How what was found is written: a line for people, JSON for machines. */
import { printable } from "@signstar/command/printable";
import { jsonLine } from "@signstar/host/journal";
import type { Found, Signature } from "./sessions.ts";

/** One line, the same fields in the same order; what is not known is `-`. The name is the client's claim. */
export function signatureLine(signature: Signature): string {
  const { outcome, key, user, clientKey, peer, size, digest, certificate, device, proof } = signature;
  const fields = { key, user, client: clientKey, from: peer, size, sha512: digest, certificate, device, proof };
  const words = Object.entries(fields).map(([name, value]) => `${name}=${value ?? "-"}`);
  const { claimedName: name, code } = signature;
  const more = [
    ...(code === undefined ? [] : [`code=${code}`]),
    ...(signature.whole ? [] : ["intent=missing"]),
    ...(name === undefined ? [] : [`name=${printable(JSON.stringify(name))}`]),
  ];
  return `${[timeText(signature.at), outcome, ...words, ...more].join(" ")}\n`;
}

/** JSON on one line; members that are not known are left out. */
export function foundJson(found: Found): string {
  if (found.kind === "gap") {
    const { kind, session, user, at, from, to } = found;
    return `${jsonLine({ kind, session, user, before: timeIfAny(at), from, to })}\n`;
  }
  const { kind, outcome, request, user, clientKey, peer, size, digest, claimedName, key } = found;
  const members = {
    kind,
    time: timeIfAny(found.at),
    outcome,
    request,
    user,
    client_key: clientKey,
    peer_address: peer,
    digest,
    size: size === undefined || !Number.isSafeInteger(Number(size)) ? size : Number(size),
    claimed_name: claimedName,
    key,
    certificate: found.certificate,
    device: found.device,
    signature: found.signature,
    created: found.created,
    ms: found.ms,
    code: found.code,
    proof: found.proof,
    intent_missing: found.whole ? undefined : true,
  };
  return `${jsonLine(members)}\n`;
}

/** What of a signature concerns those who verify: neither who has asked for it nor what the file was called. */
export function revokedJson({ digest, outcome, certificate, created, signature }: Signature): Record<string, unknown> {
  return { sha512: digest, certificate, created, signature, unfinished: outcome === "unfinished" ? true : undefined };
}

export function timeIfAny(at: number | undefined): string | undefined {
  return at === undefined ? undefined : timeText(at);
}

/** Years beyond those of Date are no time either. */
function timeText(at: number | undefined): string {
  const date = new Date(at ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? "-" : date.toISOString();
}
