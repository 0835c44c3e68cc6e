/** Certificate requests: the body names the subject, and since 3.0 its alternative names. */
import { list, object, optional, readJson, text } from "../body.ts";
import { certificateRequest, type DistinguishedName } from "../crypto/certificate.ts";
import type { KeyPair } from "../crypto/material.ts";
import { type Answer, pem, Refusal } from "../http.ts";
import { has, type Release } from "../release.ts";

const subject = {
  commonName: text,
  countryName: optional(text),
  localityName: optional(text),
  stateOrProvinceName: optional(text),
  organizationName: optional(text),
  organizationalUnitName: optional(text),
  emailAddress: optional(text),
};
const subjectBody = object(subject);
const requestBody = object({ ...subject, subjectAltNames: optional(list(text)) });

/** Only the device's own TLS key may have a request without a common name. */
export function answerRequest(
  key: KeyPair,
  body: Uint8Array,
  release: Release,
  emptyName: "allowed" | "refused",
): Answer {
  const { name, alternatives } = readSubject(body, release);
  if (name.commonName === "" && emptyName === "refused") throw new Refusal(400, "Common name is empty.");
  const text = certificateRequest(key, name, alternatives, has(release, "csrAddresses"));
  return { ...pem(text), headers: { ...pem(text).headers, "cache-control": "no-cache" } };
}

function readSubject(body: Uint8Array, release: Release): { name: DistinguishedName; alternatives: readonly string[] } {
  if (!has(release, "csrNames")) return { name: readJson(body, subjectBody), alternatives: [] };
  const { subjectAltNames, ...name } = readJson(body, requestBody);
  if (subjectAltNames !== undefined) return { name, alternatives: subjectAltNames };
  return { name, alternatives: name.commonName === "" ? [] : [name.commonName] };
}
