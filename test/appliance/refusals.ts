/** What every program refuses in the same way. */
import { expect, test } from "vitest";
import { mappingOf } from "./roles.ts";
import type { Stand } from "./stand.ts";

const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.warn("skipped: that root is refused, which only root can try");

/** `configure` makes a config in which the caller has the right role. */
export function refusesOthers(name: string, stand: () => Stand, configure: () => void): void {
  const wrong =
    name === "signstar-download-wireguard" ? "system_only_key_certificates" : "system_only_wireguard_download";
  const line = (sentence: string) => `${name}: error: ${sentence}\n`;

  test("refuses words that are not on its list", async () => {
    configure();
    for (const words of ["sh -c x", "last x", "../x", "a b c"]) {
      const { code, out, err } = await stand().run("", { SSH_ORIGINAL_COMMAND: words });
      expect([code, out]).toEqual([64, ""]);
      expect(err).toContain("is not one of this account");
    }
  });

  test("refuses users of another role and of none", async () => {
    configure();
    stand().passwd("nobody-known");
    expect(await stand().run("")).toEqual({ code: 67, out: "", err: line("this account has no task on this host") });
    stand().passwd("signer");
    stand().configure({ mapping: mappingOf(wrong) });
    expect(await stand().run("")).toEqual({ code: 77, out: "", err: line("this is not allowed") });
  });

  test("does nothing without a journal, where it is required", async () => {
    configure();
    await stand().stopJournal();
    const { code, out } = await stand().run("");
    expect([code, out]).toEqual([75, ""]);
    await stand().reset();
  });

  test.skipIf(!isRoot)("refuses root", async () => {
    configure();
    const { code, out } = await stand().run("", {}, true);
    expect([code, out]).toEqual([77, ""]);
  });
}
