/**
 * Faults on purpose, for tests of clients: `AREA:WHAT[,AREA:WHAT…]`. AREA is the last word of the path (`sign`,
 * `state`, `backup`, …) or `all`; WHAT is one of
 * - `flip`        one bit of the signature in the answer is turned,
 * - `delay=10ms`  the answer is held back (`ms` or `s`),
 * - `status=500`  that status with an empty body comes instead, and nothing is done,
 * - `drop`        the connection is cut instead of an answer.
 * Apart from these, `state=failed` starts the device as if it had lost its database.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fromBase64, fromUtf8, toBase64 } from "@signstar/primitives/bytes";
import { SoftNethsmError } from "./errors.ts";
import { type Answer, empty, json, type Request } from "./http.ts";

type What =
  | { readonly kind: "flip" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "drop" }
  | { readonly kind: "failed" };

export interface Fault {
  readonly area: string;
  readonly what: What;
}

/** What to do in place of an answer. */
export const dropped = Symbol("dropped");

export function startsFailed(faults: readonly Fault[]): boolean {
  return faults.some(({ what }) => what.kind === "failed");
}

/** No spec, no faults. Throws SoftNethsmError `usage`. */
export function parseFaults(spec: string | undefined): readonly Fault[] {
  if (spec === undefined) return [];
  return spec.split(",").map((each): Fault => {
    if (each === "state=failed") return { area: "state", what: { kind: "failed" } };
    const [, area, what] = /^([a-z.-]+):([a-z]+(?:=[0-9a-z]+)?)$/.exec(each) ?? [];
    if (area === undefined || what === undefined) throw unknownFault(each);
    return { area, what: parseWhat(what) ?? fail(each) };
  });
}

export async function withFaults(
  faults: readonly Fault[],
  request: Request,
  answer: () => Promise<Answer>,
): Promise<Answer | typeof dropped> {
  const path = request.target.split("?")[0] ?? "";
  const mine = faults.filter(({ area }) => area === "all" || path.endsWith(`/${area}`)).map(({ what }) => what);
  for (const what of mine) if (what.kind === "delay") await sleep(what.ms);
  for (const what of mine) {
    if (what.kind === "drop") return dropped;
    if (what.kind === "status") return empty(what.status);
  }
  const real = await answer();
  return mine.some(({ kind }) => kind === "flip") && real.status === 200 ? flipped(real) : real;
}

function flipped(answer: Answer): Answer {
  const body: unknown = JSON.parse(fromUtf8(answer.body));
  if (typeof body !== "object" || body === null || !("signature" in body)) return answer;
  const signature = fromBase64(String(body.signature));
  // The last byte belongs to s in every signature format.
  const last = signature.length - 1;
  signature[last] = (signature[last] ?? 0) ^ 1;
  return json({ signature: toBase64(signature) }, answer.status, answer.headers);
}

function parseWhat(text: string): What | undefined {
  if (text === "flip" || text === "drop") return { kind: text };
  const [, status] = /^status=([1-5]\d\d)$/.exec(text) ?? [];
  if (status !== undefined) return { kind: "status", status: Number(status) };
  const [, delay, unit] = /^delay=(\d{1,6})(ms|s)$/.exec(text) ?? [];
  return delay === undefined ? undefined : { kind: "delay", ms: Number(delay) * (unit === "s" ? 1000 : 1) };
}

function unknownFault(text: string): SoftNethsmError {
  return new SoftNethsmError("usage", `unknown fault ${JSON.stringify(text)}`, {
    hint: "use AREA:flip, AREA:drop, AREA:delay=10ms, AREA:status=500 or state=failed",
  });
}

function fail(text: string): never {
  throw unknownFault(text);
}
