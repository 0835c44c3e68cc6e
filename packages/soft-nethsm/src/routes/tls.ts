/** The device's own TLS key and certificate, and since 4.0 the certificate authority of its cluster. */
import { createPrivateKey, type X509Certificate } from "node:crypto";
import { tlsKeyTypes } from "@signstar/nethsm/types";
import { fromUtf8 } from "@signstar/primitives/bytes";
import { toPem } from "@signstar/primitives/pem";
import { rootOnly } from "../access.ts";
import { integer, object, oneOf, optional, readJson } from "../body.ts";
import { selfSigned } from "../crypto/certificate.ts";
import { generateAsymmetric, generateRsa } from "../crypto/generate.ts";
import { isKnownType } from "../crypto/import.ts";
import { keyPairOf, toStored } from "../crypto/material.ts";
import { publicPem } from "../crypto/public.ts";
import type { Device } from "../device.ts";
import { done, empty, mediaTypes, pem, Refusal } from "../http.ts";
import { paths } from "../paths.ts";
import type { Context, Resource } from "../resource.ts";
import { decodeCertificates, encodeCertificates } from "../settings.ts";
import { recordTag } from "../tag.ts";
import { isChain, isUsable, readChain } from "../tls-files.ts";
import { answerRequest } from "./distinguished-name.ts";

const allow = rootOnly("Administrator");
const generateBody = object({ type: oneOf(...tlsKeyTypes), length: optional(integer) });

export const tlsRoutes: readonly Resource[] = [
  {
    path: "/config/tls/public.pem",
    head: true,
    tag: ({ device }) => recordTag(device, paths.local(device.id, "private-key")),
    operations: {
      GET: { allow, type: mediaTypes.pem, run: ({ device }) => pem(publicPem(tlsKey(device))) },
    },
  },
  {
    path: "/config/tls/cert.pem",
    tag: ({ device }) => recordTag(device, paths.local(device.id, "certificate")),
    operations: {
      GET: { allow, type: mediaTypes.pem, run: ({ device }) => pem(chainPem(device.tls.chain)) },
      PUT: { allow, accepts: [mediaTypes.pem], changes: true, run: setCertificate },
    },
  },
  {
    path: "/config/tls/csr.pem",
    operations: {
      POST: {
        allow,
        type: mediaTypes.pem,
        run: ({ device }, body) => answerRequest(tlsKey(device), body, device.release, "allowed"),
      },
    },
  },
  {
    path: "/config/tls/generate",
    operations: { POST: { allow, changes: true, run: generate } },
  },
  {
    path: "/config/tls/cluster-ca.pem",
    since: "cluster",
    operations: {
      GET: {
        allow,
        type: mediaTypes.pem,
        run: ({ device }) => {
          const authority = device.vault.shared("cluster-ca");
          if (authority === undefined) throw new Refusal(404, "No cluster CA is set.");
          return pem(chainPem(decodeCertificates(authority)));
        },
      },
      PUT: { allow, accepts: [mediaTypes.pem], changes: true, run: setClusterAuthority },
    },
  },
];

function tlsKey(device: Device) {
  return keyPairOf(createPrivateKey(device.tls.privateKey));
}

async function generate({ device }: Context, body: Uint8Array) {
  const { type, length } = readJson(body, generateBody);
  if (!isKnownType(type, device.release)) throw new Refusal(400, `Key type ${type} is not supported.`);
  refuseWithClusterAuthority(device);
  const key = type === "RSA" ? await generateRsa(length, "Length") : await generateAsymmetric(type);
  await device.setTls({ privateKey: toStored(key).pem, chain: [selfSigned(key, "keyfender")] });
  return done();
}

async function setCertificate({ device, path }: Context, body: Uint8Array) {
  const chain = readCertificates(body);
  const { privateKey } = device.tls;
  if (chain[0]?.checkPrivateKey(createPrivateKey(privateKey)) !== true) {
    throw new Refusal(400, "public key in certificate does not match private key.");
  }
  if (!isChain(chain)) throw new Refusal(400, "certificate chain is not valid.");
  const authority = clusterAuthority(device);
  if (authority !== undefined && !chain.some((certificate) => certificate.checkIssued(authority))) {
    throw new Refusal(412, "certificate is not signed by the cluster CA.");
  }
  const tls = { privateKey, chain: chain.map(({ raw }) => new Uint8Array(raw)) };
  if (!isUsable(tls)) throw new Refusal(400, "no TLS server can be run with this certificate chain.");
  await device.setTls(tls);
  return empty(201, { location: path, "cache-control": "no-cache" });
}

async function setClusterAuthority({ device, path }: Context, body: Uint8Array) {
  const [authority, ...more] = readCertificates(body);
  if (authority?.ca !== true || more.length > 0) throw new Refusal(400, "exactly one CA certificate is needed.");
  const own = readChain(chainPem(device.tls.chain));
  if (!own.some((certificate) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey))) {
    throw new Refusal(412, "the TLS certificate of this device is not signed by this CA.");
  }
  const stored = encodeCertificates([new Uint8Array(authority.raw)]);
  await device.commit(new Map([device.vault.sealShared("cluster-ca", stored)]));
  return empty(201, { location: path, "cache-control": "no-cache" });
}

function refuseWithClusterAuthority(device: Device): void {
  if (clusterAuthority(device) !== undefined) throw new Refusal(412, "a cluster CA is set.");
}

function clusterAuthority(device: Device): X509Certificate | undefined {
  const stored = device.vault.shared("cluster-ca");
  return stored === undefined ? undefined : readChain(chainPem(decodeCertificates(stored)))[0];
}

function chainPem(chain: readonly Uint8Array[]): string {
  return chain.map((certificate) => toPem("CERTIFICATE", certificate)).join("");
}

function readCertificates(body: Uint8Array): readonly X509Certificate[] {
  try {
    return readChain(fromUtf8(body));
  } catch {
    throw new Refusal(400, "body is not a chain of certificates in PEM.");
  }
}
