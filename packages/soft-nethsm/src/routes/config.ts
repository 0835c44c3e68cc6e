/** Network, logging, time. */
import { logLevels } from "@signstar/nethsm/types";
import { rootOnly } from "../access.ts";
import { integer, object, oneOf, optional, orNull, readJson, readTime, text } from "../body.ts";
import type { Device } from "../device.ts";
import { done, json, mediaTypes, Refusal } from "../http.ts";
import { ipVersion, maskOf, prefixOf } from "../ip.ts";
import { type LocalSetting, paths } from "../paths.ts";
import { has } from "../release.ts";
import type { Context, Operation, Resource } from "../resource.ts";
import { decodeLogging, decodeNetwork, encodeLogging, encodeNetwork, type Network } from "../settings.ts";
import { recordTag } from "../tag.ts";

const allow = rootOnly("Administrator");
const ipv4Shape = { ipAddress: text, netmask: text, gateway: text };
const ipv4Body = object(ipv4Shape);
const networkBody = object({
  ...ipv4Shape,
  ipv6: optional(orNull(object({ cidr: text, gateway: orNull(text) }))),
});
const loggingBody = object({ ipAddress: text, port: integer, logLevel: oneOf(...logLevels, "app") });
const timeBody = object({ time: text });

export const configRoutes: readonly Resource[] = [
  {
    path: "/config/network",
    tag: settingTag("ip-config"),
    operations: {
      GET: { allow, run: ({ device }) => json(shownNetwork(decodeNetwork(device.local("ip-config")))) },
      PUT: setting("ip-config", (device, body) => encodeNetwork(readNetwork(device, body))),
    },
  },
  {
    path: "/config/logging",
    tag: settingTag("log-config"),
    operations: {
      GET: { allow, run: ({ device }) => json(decodeLogging(device.local("log-config"))) },
      PUT: setting("log-config", (device, body) => {
        const logging = readJson(body, loggingBody);
        const version = ipVersion(logging.ipAddress);
        if (version !== 4 && !(version === 6 && has(device.release, "ipv6")))
          throw new Refusal(400, "Invalid IP address.");
        return encodeLogging(logging);
      }),
    },
  },
  {
    path: "/config/time",
    operations: {
      GET: { allow, run: ({ device }) => json({ time: `${new Date(device.now()).toISOString().slice(0, 19)}Z` }) },
      PUT: setting("time-offset", (device, body) => device.offsetFor(readTime(readJson(body, timeBody).time))),
    },
  },
];

function settingTag(name: LocalSetting) {
  return ({ device }: Context) => recordTag(device, paths.local(device.id, name));
}

function setting(name: LocalSetting, read: (device: Device, body: Uint8Array) => Uint8Array): Operation {
  return {
    allow,
    accepts: [mediaTypes.json],
    changes: true,
    run: async ({ device }, body) => {
      await device.commit(new Map([device.sealLocal(name, read(device, body))]));
      return done();
    },
  };
}

/** The API writes no gateway as 0.0.0.0. */
function shownNetwork({ address, prefix, gateway, ipv6 }: Network) {
  return { ipAddress: address, netmask: maskOf(prefix), gateway: gateway ?? "0.0.0.0", ipv6 };
}

function readNetwork({ release }: Device, body: Uint8Array): Network {
  const { ipAddress, netmask, gateway, ipv6 } = has(release, "ipv6")
    ? readJson(body, networkBody)
    : { ...readJson(body, ipv4Body), ipv6: undefined };
  if (ipVersion(ipAddress) !== 4 || ipVersion(gateway) !== 4) throw new Refusal(400, "Invalid IP address.");
  const prefix = prefixOf(netmask);
  if (prefix === undefined) throw new Refusal(400, "Invalid netmask.");
  if (ipv6 !== undefined && ipv6 !== null) requireIpv6(ipv6);
  return { address: ipAddress, prefix, gateway: gateway === "0.0.0.0" ? null : gateway, ipv6: ipv6 ?? undefined };
}

function requireIpv6({ cidr, gateway }: { cidr: string; gateway: string | null }): void {
  const [, address = "", bits] = /^([^/]*)\/(\d{1,3})$/.exec(cidr) ?? [];
  if (ipVersion(address) !== 6 || Number(bits) > 128) throw new Refusal(400, "Invalid IPv6 network.");
  if (gateway !== null && ipVersion(gateway) !== 6) throw new Refusal(400, "Invalid IPv6 gateway.");
}
