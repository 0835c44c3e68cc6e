import { invalidArgument } from "./errors.ts";
import { AnswerError, type Reader, text } from "./reader.ts";

/** RFC 3339 in UTC, whole seconds, as the device wants it. */
export function deviceTime(date: Date): string {
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1970 || date.getUTCFullYear() > 9999) {
    throw invalidArgument("system time is not a date from 1970 to 9999");
  }
  return `${date.toISOString().slice(0, 19)}Z`;
}

export const time: Reader<Date> = (value, at) => {
  const string = text(value, at);
  const date = new Date(string);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]00:00)$/.test(string) || Number.isNaN(date.getTime())) {
    throw new AnswerError(`${at} is not a time in UTC`);
  }
  return date;
};
