// Runs on Node 20 with nothing installed: installs the workspace with a pinned pnpm, then goes on under the
// checkout's own Node 24:  node scripts/bootstrap.mjs [scripts/NAME.ts [ARGUMENT…]]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
// What the workspace was last installed from: the lock file and every manifest are unchanged if this is.
const stamp = join(root, "node_modules", ".installed-from");

function fail(message) {
  console.error(`bootstrap: error: ${message}`);
  process.exit(1);
}

function run(command, args, env = process.env) {
  const { status, signal, error } = spawnSync(command, args, { stdio: ["inherit", 2, 2], env, cwd: root });
  if (error) fail(`cannot run ${command}: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with ${signal ?? status}`);
}

function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  run("npm", ["exec", "--yes", packageManager, "--", "install", "--frozen-lockfile", "--prefer-offline"], {
    ...process.env,
    CI: "true",
  });
  writeFileSync(stamp, lock);
}

/** The node of the optional dependency for this processor, or the running one if it is new enough. */
function node24() {
  const own = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(own)) return own;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  return fail(`there is no Node 24 for ${process.platform}-${process.arch} in npm: start this with Node 24 or newer`);
}

if (Number(process.versions.node.split(".")[0]) < 20) fail(`needs Node 20 or newer, this is ${process.version}`);
install();
const [script, ...rest] = process.argv.slice(2);
if (script !== undefined) {
  const env = { ...process.env };
  // These would reach every program started from here and change what they load and how fast.
  for (const name of ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "NODE_PATH"]) delete env[name];
  const { status, signal, error } = spawnSync(node24(), [join(root, script), ...rest], { stdio: "inherit", env });
  if (error) fail(`cannot start ${script}: ${error.message}`);
  if (signal) process.kill(process.pid, signal);
  process.exitCode = status ?? 1;
}
