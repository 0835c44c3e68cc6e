/**
 * A certificate for the device's own TLS key and the names that were configured for it. By itself a NetHSM signs one for
 * the name `keyfender` only, and hands out a request for others. What counts here is the pin, so the request is
 * signed with a key that nobody keeps: nothing else will ever be signed with it.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { NetHsmError } from "@signstar/nethsm/errors";
import { toUtf8 } from "@signstar/primitives/bytes";
import { DerError, DerReader, derElement, derUint, Tag } from "@signstar/primitives/der";
import { bitString, explicit, octets, oid, sequence, set, utf8 } from "@signstar/primitives/der-elements";
import { fromPem, toPem } from "@signstar/primitives/pem";

const extensionRequest = "1.2.840.113549.1.9.14";
const ids = {
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  serverAuth: "1.3.6.1.5.5.7.3.1",
};

/**
 * A chain in PEM, leaf first, for the request (PKCS #10, PEM) of the key in `publicPem`, valid from 1970 to 9999 as the
 * certificates that devices make: their clocks, and ours, may be wrong.
 *
 * @throws NetHsmError `bad-answer` if the request is none, or for another key
 */
export function issueTlsCertificate(requestPem: string, publicPem: string): string {
  const { subject, key, extensions } = readRequest(requestPem, publicPem);
  const issuer = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(set(sequence(oid(ids.commonName), utf8("signstar-configure"))));
  const leaf = signed(issuer.privateKey, name, subject, key, [
    ...extensions,
    extension(oid("2.5.29.37"), sequence(oid(ids.serverAuth))),
  ]);
  const authority = signed(issuer.privateKey, name, name, spkiOf(issuer.publicKey), [
    extension(oid(ids.basicConstraints), sequence(derElement(0x01, Uint8Array.of(0xff))), "critical"),
    // keyCertSign
    extension(oid(ids.keyUsage), derElement(Tag.bitString, Uint8Array.of(2, 0x04)), "critical"),
  ]);
  return toPem("CERTIFICATE", leaf) + toPem("CERTIFICATE", authority);
}

interface Request {
  /** Elements with their heads, as they are to stand in the certificate. */
  readonly subject: Uint8Array;
  readonly key: Uint8Array;
  readonly extensions: readonly Uint8Array[];
}

function readRequest(requestPem: string, publicPem: string): Request {
  const bad = (problem: string, cause?: unknown) =>
    new NetHsmError("bad-answer", `the device's request for a TLS certificate ${problem}`, { cause });
  const der = fromPem("CERTIFICATE REQUEST", requestPem);
  if (der === undefined) throw bad("is none");
  const key = spkiOf(createPublicKey(publicPem));
  let request: Request;
  try {
    request = parseRequest(der);
  } catch (cause) {
    if (cause instanceof DerError) throw bad(`cannot be read: ${cause.message}`, cause);
    throw cause;
  }
  if (!Buffer.from(request.key).equals(key)) throw bad("is for another key than its own");
  return request;
}

/** RFC 2986. The signature is not looked at: the device has to take the certificate, and knows its key. */
function parseRequest(der: Uint8Array): Request {
  const outer = new DerReader(der);
  const info = new DerReader(new DerReader(outer.read(Tag.sequence)).read(Tag.sequence));
  outer.end();
  info.readUint();
  const subject = sequence(info.read(Tag.sequence));
  const key = sequence(info.read(Tag.sequence));
  const attributes = new DerReader(info.read(0xa0));
  info.end();
  return { subject, key, extensions: readExtensions(attributes) };
}

/** Devices ask for alternative names, and for nothing else; before release 3.0 for nothing. */
function readExtensions(attributes: DerReader): readonly Uint8Array[] {
  if (attributes.isAtEnd) return [];
  const attribute = new DerReader(attributes.read(Tag.sequence));
  attributes.end();
  if (!Buffer.from(derElement(Tag.oid, attribute.read(Tag.oid))).equals(oid(extensionRequest))) {
    throw new DerError("unknown attribute");
  }
  const extensions = new DerReader(new DerReader(attribute.read(0x31)).read(Tag.sequence));
  const found: Uint8Array[] = [];
  while (!extensions.isAtEnd) found.push(sequence(extensions.read(Tag.sequence)));
  return found;
}

function signed(
  issuer: KeyObject,
  issuerName: Uint8Array,
  subject: Uint8Array,
  key: Uint8Array,
  extensions: readonly Uint8Array[],
): Uint8Array {
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const serial = randomBytes(16);
  // Positive, and as long as it says.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const content = sequence(
    explicit(0, derUint(Uint8Array.of(2))),
    derUint(serial),
    algorithm,
    issuerName,
    sequence(derElement(0x17, toUtf8("700101000000Z")), derElement(0x18, toUtf8("99991231235959Z"))),
    subject,
    key,
    explicit(3, sequence(...extensions)),
  );
  return sequence(content, algorithm, bitString(sign("sha256", content, issuer)));
}

function extension(id: Uint8Array, value: Uint8Array, critical?: "critical"): Uint8Array {
  const flag = critical === undefined ? [] : [derElement(0x01, Uint8Array.of(0xff))];
  return sequence(id, ...flag, octets(value));
}

function spkiOf(key: KeyObject): Uint8Array {
  return key.export({ type: "spki", format: "der" });
}
