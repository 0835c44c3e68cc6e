import type { Config } from "@signstar/config/model";
import { readPlan, statusWords } from "@signstar/host/status-words";
import { type WaitingShare, waitingShares } from "@signstar/host/waiting-shares";
import type { Place } from "../place.ts";
import { CeremonyFiles } from "./ceremony-files.ts";
import { handerKeys } from "./holders.ts";

/** How things stand, with what was handed in to all accounts: for people, or one line of JSON. Changes nothing. */
export function ceremonyStatus(config: Config, place: Place, format: "text" | "json"): string {
  const state = new CeremonyFiles(place).read();
  const users = new Set(handerKeys(config).map(({ user }) => user));
  const waiting = [...users].flatMap((name) =>
    waitingShares(`${place.paths.sharesUpload}/${name}`, place.user(name).uid),
  );
  const plan = readPlan(place.paths.plan, [place.owner.uid]);
  if (format === "text") return statusWords(state, waiting, plan);
  return `${JSON.stringify({ ...state, handedIn: waiting.map(shown), plan })}\n`;
}

function shown({ key, set, index, threshold, intent }: WaitingShare) {
  return { key, set, index, threshold, intent };
}
