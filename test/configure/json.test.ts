/** The program as a process of its own, for machines. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { administrator, setUp, signing } from "./stage.ts";

const users = administrator("admin") + signing({ user: "build", operator: "op1", key: "key1", tag: "tag1" });

test("--json is for machines, and neither it nor the log holds a secret", { timeout: 120_000 }, async () => {
  const stage = await setUp();
  onTestFinished(() => stage.close());
  const file = join(stage.root, "config.toml");
  writeFileSync(file, stage.head + users);
  const program = join(import.meta.dirname, "main.ts");
  const run = (word: string) =>
    execa(process.execPath, [program, word, "--json", "--root", stage.root, "--config", file], { reject: false });
  const planned = await run("plan");
  expect(planned.exitCode).toBe(2);
  const plan: unknown = JSON.parse(planned.stdout);
  expect(plan).toMatchObject({
    devices: [{ url: stage.hsm.url, state: "Unprovisioned", conflicts: [], notes: [] }],
  });
  const { stdout, stderr } = await run("apply");
  const summary: unknown = JSON.parse(stdout);
  expect(summary).toMatchObject({
    url: stage.hsm.url,
    changes: expect.arrayContaining([{ kind: "provision", text: expect.any(String) }]),
  });
  const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(
    expect.arrayContaining([expect.objectContaining({ kind: "generate-key", device: stage.hsm.url, level: 30 })]),
  );
  const credentials = readFileSync(join(stage.root, "var/lib/signstar/creds/admin-credentials.toml"), "utf8");
  const secrets = [...credentials.matchAll(/passphrase = "([^"]+)"/g)].map(([, secret = ""]) => secret);
  expect(secrets).toHaveLength(3);
  for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
});
