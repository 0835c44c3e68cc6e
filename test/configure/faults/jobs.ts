/** A first run, and the run of a year later, in which all that can change does. */
import { makeAdminCredentials } from "@signstar/configure/admin-credentials";
import { parseUserId } from "@signstar/nethsm/ids";
import { administrator, backup, signing } from "../stage.ts";
import type { Moment } from "./scene.ts";
import type { Dead, Job } from "./stops.ts";

const administrators = ["admin", "ns1~admin"].map(parseUserId);
const everybody = (iteration: number) =>
  `iteration = ${iteration}\n${administrator("admin")}${administrator("ns1~admin")}${shareHolders()}`;
const release = signing({ user: "release", operator: "ns1~op1", key: "key1", tag: "tag1" });
const first = everybody(1) + release + signing({ user: "build", operator: "op1", key: "key2", tag: "tag1" });
/** One builder leaves, another comes, a tag is another, and somebody fetches backups now. */
const later =
  everybody(2) +
  release.replace('tag = "tag1"', 'tag = "tag3"') +
  signing({ user: "second", operator: "op2", key: "key3", tag: "tag2" }) +
  backup("keeper", "backup1");

export function firstRun(): Job {
  return {
    users: first,
    secrets: { current: makeAdminCredentials(1, administrators), previous: undefined },
    rotate: false,
  };
}

/** Of administrators and users. */
export function laterRun({ secrets }: Job, from: Moment): Job {
  const { current: previous } = secrets;
  return { users: later, secrets: { current: makeAdminCredentials(2, administrators), previous }, rotate: true, from };
}

/** What was in force at the end of a run. */
export function deadAfter({ secrets }: Job, { tree }: Moment): Dead {
  const files = tree.filter(({ path }) => path.endsWith(".txt"));
  const users = new Map(files.map(({ path, content }) => [userOf(path), String(content)]));
  return { credentials: secrets.current, users };
}

function userOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1, -".txt".length);
}

function shareHolders(): string {
  return ["share-down", "share-up"]
    .map((user, i) => {
      const kind = ["system_only_share_download", "system_only_share_upload"][i];
      const keys = ["one", "two"].map((name) => {
        const text = signing({ user: name, operator: "x", key: "x", tag: "x" });
        return /ssh_authorized_key = "([^"]+)"/.exec(text)?.[1];
      });
      return `\n[[users]]\n[users.${kind}]\nsystem_user = "${user}"\nssh_authorized_keys = ${JSON.stringify(keys)}\n`;
    })
    .join("");
}
