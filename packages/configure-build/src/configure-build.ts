import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command, Invocation } from "@signstar/command/spec";
import { loadConfig } from "@signstar/config/load";
import { loadUids, uidsPath } from "@signstar/config/uids";
import { writeFileAtomic } from "@signstar/host/atomic-file";
import { Exit } from "@signstar/primitives/failure";
import { apply } from "./apply.ts";
import { missingUids } from "./assign-uids.ts";
import { look } from "./look.ts";
import { type Action, type Plan, plan } from "./plan.ts";
import { render } from "./render.ts";
import { describeAction } from "./report.ts";
import { featuresOf, sshdVersion } from "./sshd-version.ts";
import { Target } from "./target.ts";
import { homeOf } from "./tmpfiles.ts";
import { parsePlainPath, parsePlainWords } from "./words.ts";

export const configureBuild: Command = {
  name: "signstar-configure-build",
  summary: "make users, SSH access and directories of a signing appliance from its config",
  description:
    "Runs as root, on a live system or with --root on the tree of an image. A second run changes nothing; after a change " +
    "of the config exactly what differs is changed, and what an earlier run made and nobody needs any more is removed.",
  options: [
    {
      name: "config",
      short: "c",
      value: "FILE",
      env: "SIGNSTAR_CONFIG",
      description: "read this config instead of the first default location that exists",
    },
    {
      name: "root",
      value: "DIR",
      default: "/",
      description: "work on the system below DIR; if DIR belongs to the caller, without root and without users",
    },
    { name: "dry-run", description: "print the differences and change nothing" },
    { name: "check", description: "the same, and end with 1 if there are any" },
    {
      name: "assign-uids",
      description: "only give numbers to new users, in uids.toml beside the config, where images are built from",
    },
    { name: "sysusers", description: "make users by systemd-sysusers, and leave them in sysusers.d for a later boot" },
    { name: "bin-dir", value: "DIR", default: "/usr/bin", description: "where the programs are that sshd starts" },
    { name: "program-options", value: "WORDS", default: "", description: "words behind the program that sshd starts" },
  ],
  examples: [
    { command: "signstar-configure-build", description: "on a live system" },
    {
      command: "signstar-configure-build --config config.toml --root /mnt/image",
      description: "while an image is built",
    },
    { command: "signstar-configure-build --dry-run", description: "what would be done" },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Exit> {
  return invocation.options.flag("assign-uids") ? await assignUids(invocation) : await build(invocation);
}

async function assignUids({ options, io }: Invocation): Promise<Exit> {
  const { config, path } = await loadConfig({
    config: options.text("config"),
    root: resolve(options.text("root") ?? "/"),
  });
  const file = uidsPath(path);
  const listed = await loadUids(path);
  const lines = missingUids(config, listed ?? new Map()).map((line) => `${line}\n`);
  const before =
    listed === undefined ? "# Numbers of users. Never change or remove a line.\n" : readFileSync(file, "utf8");
  const text = `${before.replace(/([^\n])$/, "$1\n")}${lines.join("")}`;
  const changing = !options.flag("dry-run") && !options.flag("check");
  if (lines.length > 0 && changing) writeFileAtomic(file, new TextEncoder().encode(text), { mode: 0o644 });
  io.write(lines.length === 0 ? "nothing to change\n" : lines.map((line) => `+ ${line}`).join(""));
  return options.flag("check") && lines.length > 0 ? Exit.no : Exit.ok;
}

async function build({ options, io }: Invocation): Promise<Exit> {
  const root = options.text("root") ?? "/";
  const binDir = parsePlainPath(options.text("bin-dir") ?? "/usr/bin");
  const programOptions = parsePlainWords(options.text("program-options") ?? "");
  const target = Target.open(root);
  const { config, path } = await loadConfig({ config: options.text("config"), root: target.root });
  for (const warning of config.warnings) io.note(`warning: ${warning}`);

  const version = await sshdVersion(target);
  const features = featuresOf(version);
  if (!features.timeouts) io.note(`warning: sshd ${version} knows no ChannelTimeout: idle sessions stay open`);
  const desired = render(config, { binDir, programOptions, ...features });

  const uids = target.privileged ? await loadUids(path) : undefined;
  const { owner, privileged: manageUsers } = target;
  const sysusers = options.flag("sysusers");
  const steps = plan(desired, look(target, desired), { owner, manageUsers, uids, sysusers });
  if (!manageUsers) io.note(`not root: no user is made, and every file belongs to uid ${owner.uid}`);
  else if (uids === undefined && target.root !== "/" && steps.actions.some(({ kind }) => kind === "add-user")) {
    io.note(`warning: without ${uidsPath(path)} the users of another image may get other numbers`);
  }

  const check = options.flag("check");
  const changing = !check && !options.flag("dry-run");
  if (changing) await apply(steps, target, sysusers);
  io.write(summary(steps, changing));
  if (changing) for (const note of afterwards(steps.actions, target)) io.note(note);
  return check && steps.actions.length > 0 ? Exit.no : Exit.ok;
}

function summary({ actions }: Plan, done: boolean): string {
  if (actions.length === 0) return "nothing to change\n";
  const count = `${actions.length} ${actions.length === 1 ? "change" : "changes"}`;
  return `${actions.map(describeAction).join("")}${count}${done ? "" : ", not made"}\n`;
}

/** What is left for the administrator to do. */
function afterwards(actions: readonly Action[], target: Target): readonly string[] {
  const notes = actions.flatMap((action) =>
    action.kind === "remove-user" ? [`the home of ${action.name} stays at ${homeOf(action.name)}`] : [],
  );
  if (actions.length > 0 && target.root === "/") {
    notes.push("now run: systemd-tmpfiles --create && systemctl daemon-reload && systemctl reload ssh");
  }
  return notes;
}
