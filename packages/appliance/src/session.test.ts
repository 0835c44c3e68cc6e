import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveOptions } from "@signstar/command/options";
import { expect, test } from "vitest";
import { Session, serverOptions } from "./session.ts";

test("what is still under way when a session ends is bound to the journal all the same", async () => {
  const root = mkdtempSync(join(tmpdir(), "signstar-ending-"));
  mkdirSync(join(root, "run/systemd/journal"), { recursive: true });
  let lines = "";
  const journal = createServer((socket) => {
    socket.on("data", (bytes) => {
      lines += bytes.toString();
    });
  });
  await new Promise<void>((resolve) => journal.listen(join(root, "run/systemd/journal/stdout"), resolve));
  const session = new Session("probe", resolveOptions(serverOptions, new Map([["root", [root]]])));
  await session.ended({ exit: 74, failure: undefined, correlationId: undefined });
  await expect(session.entry({ event: "verdict" })).rejects.toMatchObject({ code: "journal-unreachable", exit: 75 });
  await new Promise((resolve) => journal.close(resolve));
  expect(lines).toContain("session-end");
  expect(lines).not.toContain("verdict");
  rmSync(root, { recursive: true });
});
