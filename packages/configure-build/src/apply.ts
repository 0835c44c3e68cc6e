import { parseGroups } from "./look.ts";
import type { Action, Plan } from "./plan.ts";
import { encodeRecord, recordPath } from "./record.ts";
import type { Target } from "./target.ts";
import {
  addGroup,
  addUser,
  addUserBySysusers,
  changeGroup,
  changeUser,
  removeGroup,
  removeUser,
  runTool,
} from "./user-tools.ts";

/**
 * Carries a plan out. It can be interrupted anywhere: the record names from the start whatever may have been made, and
 * the next run does the rest. With `sysusers` new users are made by systemd-sysusers. Throws ConfigureBuildError and
 * HostError.
 */
export async function apply(plan: Plan, target: Target, sysusers = false): Promise<void> {
  const actions = plan.actions;
  if (actions.length > 0) writeRecord(target, encodeRecord(plan.recordDuring));
  for (const action of actions) await perform(action, target, sysusers);
  writeRecord(target, encodeRecord(plan.recordAfter));
}

type UserAction = Extract<Action, { readonly kind: "add-user" | "change-user" }>;

async function perform(action: Action, target: Target, sysusers: boolean): Promise<void> {
  switch (action.kind) {
    case "add-user":
      await settleGroup(action, target);
      if (!sysusers) return await runTool(addUser(target.root, action.user, action.uid));
      await runTool(addUserBySysusers(target.root, action.user, action.uid));
      // It has made the account locked, with which only an sshd that uses PAM lets a key in.
      return await runTool(changeUser(target.root, action.user));
    case "change-user":
      await settleGroup(action, target);
      if (action.regroup && target.root !== "/") return await makeAgain(action, target);
      return await runTool(changeUser(target.root, action.user, action.regroup));
    case "remove-user":
      if (action.userExists) await runTool(removeUser(target.root, action.name));
      if (!hasGroup(target, action.name)) return;
      return await runTool(removeGroup(target.root, action.name));
    case "write-file":
      return target.write(action.file.path, action.file.content, action.file.mode);
    case "remove-file":
      return target.remove(action.path);
  }
}

/** Below a prefix usermod looks for the new group in the system it runs on, useradd where it should. */
async function makeAgain({ user, uid }: UserAction, target: Target): Promise<void> {
  await runTool(removeUser(target.root, user.name));
  if (!hasGroup(target, user.name)) await runTool(addGroup(target.root, user.name, uid));
  await runTool(addUser(target.root, user, uid));
}

async function settleGroup({ user, uid, group }: UserAction, { root }: Target): Promise<void> {
  if (group === "make") await runTool(addGroup(root, user.name, uid));
  if (group === "renumber") await runTool(changeGroup(root, user.name, uid));
}

function hasGroup(target: Target, name: string): boolean {
  return parseGroups(target.text("/etc/group")).some((group) => group.name === name);
}

function writeRecord(target: Target, content: string): void {
  if (target.present(recordPath)?.content !== content) target.write(recordPath, content, 0o644);
}
