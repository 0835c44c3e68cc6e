/** Requests and certificates of a key. A certificate is any bytes, kept as they came. */
import { role } from "../access.ts";
import { bytes, done, empty, mediaTypes, Refusal } from "../http.ts";
import type { Context, Resource } from "../resource.ts";
import { answerRequest } from "./distinguished-name.ts";
import { keyExists, keyOf, keyTag, updateKey } from "./key-record.ts";

export const keyCertRoutes: readonly Resource[] = [
  {
    path: "/keys/{key}/csr.pem",
    exists: keyExists,
    operations: {
      POST: { allow: role("Administrator", "Operator"), type: mediaTypes.pem, run: requestCertificate },
    },
  },
  {
    path: "/keys/{key}/cert",
    exists: certificateExists,
    tag: keyTag,
    operations: {
      GET: {
        allow: role("Administrator", "Operator"),
        type: mediaTypes.bytes,
        run: (context) => bytes(certificateOf(context), mediaTypes.bytes),
      },
      PUT: { allow: role("Administrator"), changes: true, run: setCertificate },
      DELETE: {
        allow: role("Administrator"),
        changes: true,
        run: async (context) => {
          certificateOf(context);
          await updateKey(context, keyOf(context), { certificate: undefined });
          return done();
        },
      },
    },
  },
];

function requestCertificate(context: Context, body: Uint8Array) {
  const { material } = keyOf(context);
  if (material.type === "Generic") throw new Refusal(400, "Generic keys cannot sign certificate requests.");
  return answerRequest(material, body, context.device.release, "refused");
}

/** For DELETE the missing certificate has its own message. */
function certificateExists(context: Context): boolean {
  if (!keyExists(context)) return false;
  return context.method === "DELETE" || keyOf(context).stored.certificate !== undefined;
}

function certificateOf(context: Context): Uint8Array {
  const { certificate } = keyOf(context).stored;
  if (certificate === undefined) throw new Refusal(404, "There is no certificate for this KeyID.");
  return certificate;
}

/** Alone among all routes this one compares the whole Content-Type. */
async function setCertificate(context: Context, body: Uint8Array) {
  if (context.contentType?.toLowerCase() !== mediaTypes.bytes) throw new Refusal(415);
  const key = keyOf(context, "keyID not found");
  if (key.stored.certificate !== undefined) throw new Refusal(409, "This key has a certificate already.");
  await updateKey(context, key, { certificate: body });
  return empty(201, { location: context.path, "cache-control": "no-cache" });
}
