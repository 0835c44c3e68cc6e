/** What a target has: the half of a plan that is read. */
import { parsePasswd } from "@signstar/host/passwd";
import type { Desired } from "./desired.ts";
import type { Present, PresentFile, PresentUser } from "./present.ts";
import { parseRecord, recordPath } from "./record.ts";
import { sysusersPath } from "./sysusers.ts";
import type { Target } from "./target.ts";

export function look(target: Target, desired: Desired): Present {
  const recordText = target.present(recordPath)?.content;
  const record = recordText === undefined ? undefined : parseRecord(recordText);
  const files = new Map<string, PresentFile>();
  for (const path of [...desired.files.map((file) => file.path), ...(record?.files ?? []), sysusersPath]) {
    const file = target.present(path);
    if (file !== undefined) files.set(path, file);
  }
  if (!target.privileged) return { record, users: [], groups: [], files };
  return { record, users: usersOf(target), groups: parseGroups(target.text("/etc/group")), files };
}

function usersOf(target: Target): readonly PresentUser[] {
  const passwords = parsePasswords(target.text("/etc/shadow"));
  return parsePasswd(target.text("/etc/passwd")).map(({ name, uid, gid, home, shell }) => ({
    name,
    uid,
    gid,
    home,
    shell,
    password: passwords.get(name),
  }));
}

/** group(5) */
export function parseGroups(text: string): Present["groups"] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , gid = ""] = line.split(":");
    return /^[0-9]+$/.test(gid) ? [{ name, gid: Number(gid) }] : [];
  });
}

/** shadow(5) */
function parsePasswords(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [name, password] = line.split(":");
      return name !== undefined && password !== undefined ? [[name, password] as const] : [];
    }),
  );
}
