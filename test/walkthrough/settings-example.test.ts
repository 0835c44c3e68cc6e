/** The example program of the settings room, as another program would be run. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { repository } from "../../scripts/bundle.ts";
import { Cli } from "./cli.ts";

test("another program reads the settings of nethsm", async () => {
  await using cli = await Cli.make();
  const example = join(repository, "packages/nethsm-settings/example/state.ts");
  const env = { PATH: process.env["PATH"], NETHSM_CONFIG: cli.file("config.toml") };
  const { stdout } = await promisify(execFile)(process.execPath, [example], { env });
  expect(stdout).toBe("test Operational\nadmin\nbackup\nmetrics\noperator\n");
  await expect(promisify(execFile)(process.execPath, [example, "other"], { env })).rejects.toThrow(
    /no device is labelled "other"/,
  );
});
