/** A cluster of one, as the device answers when it has no database to share: members can be listed, not changed. */
import { rootOnly } from "../access.ts";
import { readCredentials, realm } from "../auth.ts";
import { list, object, readBase64, readJson, text } from "../body.ts";
import { done, json, mediaTypes, Refusal } from "../http.ts";
import { unlockedDomainKey } from "../lifecycle.ts";
import type { Context, Resource } from "../resource.ts";
import { passphraseKey, UnsealError, unseal } from "../seal.ts";

const allow = rootOnly("Administrator");
const urlsBody = object({ urls: list(text) });
const joinBody = object({
  members: list(object({ name: text, urls: list(text) })),
  joinerKit: text,
  backupPassphrase: text,
});
const kitBody = object({ backup_salt: text, unlock_salt: text, locked_domain_key: text });
const self = { id: "deadbeef", name: "mock", urls: [] };

export const clusterRoutes: readonly Resource[] = [
  {
    path: "/cluster/members",
    since: "cluster",
    operations: {
      GET: { allow, run: () => json([{ ...self, learner: false }]) },
      POST: {
        allow,
        accepts: [mediaTypes.json],
        run: ({ device }, body) => {
          const { urls } = readJson(body, urlsBody);
          if (device.vault.shared("backup-key") === undefined) {
            throw new Refusal(412, "Please configure backup key before adding a cluster member.");
          }
          requireUrls(urls);
          throw noCluster();
        },
      },
    },
  },
  {
    path: "/cluster/members/{member}",
    since: "cluster",
    exists: isMember,
    operations: {
      PUT: {
        allow,
        accepts: [mediaTypes.json],
        run: (context, body) => {
          if (!isMember(context)) throw new Refusal(404);
          requireUrls(readJson(body, urlsBody).urls);
          throw noCluster();
        },
      },
      DELETE: { allow, run: refuse },
    },
  },
  {
    path: "/cluster/members/{member}/promote",
    since: "cluster",
    exists: isMember,
    operations: { POST: { allow, run: refuse } },
  },
  { path: "/cluster/join", since: "cluster", operations: { POST: { allow, run: join } } },
  {
    path: "/cluster/force-new",
    since: "diagnose",
    states: ["Failed"],
    operations: { POST: { changes: true, run: forceNew } },
  },
];

function noCluster(): Refusal {
  return new Refusal(400, "cluster error: backend is not etcd");
}

function refuse(): never {
  throw noCluster();
}

function isMember(context: Context): boolean {
  const id = context.param("member");
  if (!/^[0-9a-fA-F]{1,16}$/.test(id)) throw new Refusal(400, "Member ID is not hexadecimal.");
  return id.toLowerCase() === self.id;
}

/** The request is checked, the kit is opened; only then does the missing cluster CA count. */
async function join({ device }: Context, body: Uint8Array): Promise<never> {
  const { members, joinerKit, backupPassphrase } = readJson(body, joinBody);
  if (members.length < 2 || members.filter(({ name }) => name === "").length !== 1) {
    throw new Refusal(400, "At least two members are needed, exactly one of them without a name.");
  }
  for (const { urls } of members) requireUrls(urls);
  const kit = readJson(readBase64(joinerKit, "joinerKit"), kitBody);
  const key = await passphraseKey(backupPassphrase, readBase64(kit.backup_salt, "backup_salt"));
  try {
    unseal(key, "unlock-salt", readBase64(kit.unlock_salt, "unlock_salt"));
    unseal(key, "domain-key", readBase64(kit.locked_domain_key, "locked_domain_key"));
  } catch (cause) {
    if (!(cause instanceof UnsealError)) throw cause;
    throw new Refusal(400, "Joiner kit cannot be decrypted. Is the passphrase correct?");
  }
  if (device.vault.shared("cluster-ca") === undefined) throw new Refusal(412, "No cluster CA is set.");
  throw noCluster();
}

/**
 * Leaves the lost database behind. No user can be asked, for they are in that database: the user `unlock` is whoever
 * has the unlock passphrase. Failures are limited like those of /unlock.
 */
async function forceNew({ device, peer, authorization }: Context) {
  if (authorization === undefined) throw new Refusal(401, undefined, realm("NetHSM"));
  const { name, passphrase } = readCredentials(authorization, device);
  if (device.unlocks.blocked(peer)) throw new Refusal(429, "Too many requests");
  if (name !== "unlock" || (await unlockedDomainKey(device, passphrase)) === undefined) {
    device.unlocks.failed(peer);
    throw new Refusal(401, undefined, realm("invalid authorization"));
  }
  device.recover();
  return done();
}

function requireUrls(urls: readonly string[]): void {
  for (const each of urls) {
    const url = URL.parse(each);
    if (url?.protocol !== "https:" || url.port !== "2380") throw new Refusal(400, `Invalid member URL.`);
  }
}
