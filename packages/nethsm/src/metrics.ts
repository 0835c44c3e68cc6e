import { AnswerError, mapOf, type Reader } from "./reader.ts";
import type { Session } from "./session.ts";

/** Devices send decimal strings; the API's description shows numbers. */
const value: Reader<string> = (found, at) => {
  if (typeof found === "string") return found;
  if (typeof found === "number") return String(found);
  throw new AnswerError(`${at} is neither a string nor a number`);
};

const reader = mapOf(value);

/** GET /metrics: name (with spaces) to decimal value. Metrics role. */
export async function metrics(session: Session): Promise<ReadonlyMap<string, string>> {
  return session.json({ method: "GET", path: "/metrics" }, reader);
}
