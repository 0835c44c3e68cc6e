import { AuditError } from "./errors.ts";

/**
 * A time as journalctl(1) takes it, without its words: RFC 3339, `@UNIX`, or `YYYY-MM-DD [HH:MM[:SS]]` by the clock on
 * this machine's wall. Milliseconds since 1970. Throws AuditError (bad-time, 64).
 */
export function parseTime(text: string): number {
  const unix = /^@(\d{1,12}(?:\.\d{1,9})?)$/.exec(text)?.[1];
  if (unix !== undefined) return Math.floor(Number(unix) * 1000);
  const [, date, hours, seconds, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const at = Date.parse(`${date}T${hours ?? "00:00"}${seconds ?? ":00"}${zone ?? ""}`);
  if (date === undefined || Number.isNaN(at) || !exists(date)) {
    throw new AuditError("bad-time", `${JSON.stringify(text)} is no time`, {
      hint: "write 2026-11-20, '2026-11-20 08:00', 2026-11-20T08:00:00Z or @1795000000",
    });
  }
  return at;
}

/** There is no 31 February: Date makes a day in March of it. */
function exists(date: string): boolean {
  const at = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}
