/** Certificate signing requests (PKCS #10) that the device makes for one of its keys. */
import { type Body, jsonBody } from "./body.ts";

export interface Subject {
  readonly commonName: string;
  readonly countryName?: string;
  readonly stateOrProvinceName?: string;
  readonly localityName?: string;
  readonly organizationName?: string;
  readonly organizationalUnitName?: string;
  readonly emailAddress?: string;
  /**
   * Release 3.0 and later. Absent: the common name as DNS name; empty: none; `IP:192.0.2.1` is an address (4.0 and
   * later).
   */
  readonly subjectAltNames?: readonly string[];
}

export function subjectBody(subject: Subject): Body {
  return jsonBody({ ...subject });
}
