/** What a holder is told when a share is taken: one line of JSON. */
import { Members } from "./members.ts";
import { fingerprintForm, maxShares, parseSetId, type SetId, type Share, setForm } from "./share.ts";

export const receiptStandings = ["in-force", "confirmed", "pending", "unknown"] as const;

export interface Receipt extends Pick<Share, "set" | "index" | "numberOfShares" | "threshold" | "holder"> {
  /** Of the set. `unknown`: to this host, as after each of its starts. */
  readonly standing: (typeof receiptStandings)[number];
  /** As `formatIntent` writes it. */
  readonly intent: string;
  /** Different shares of the set that wait with this intent, in this account. */
  readonly handedIn: number;
  /** Sets that devices answer to, and those whose shares may be destroyed. */
  readonly inForce: readonly SetId[];
  readonly void: readonly SetId[];
  /** For the holder, in words. */
  readonly notes: readonly string[];
}

export function encodeReceipt(receipt: Receipt): string {
  return `${JSON.stringify({
    accepted: "share",
    set: receipt.set,
    standing: receipt.standing,
    index: receipt.index,
    number_of_shares: receipt.numberOfShares,
    threshold: receipt.threshold,
    holder: receipt.holder,
    intent: receipt.intent,
    handed_in: receipt.handedIn,
    in_force: receipt.inForce,
    void: receipt.void,
    notes: receipt.notes,
  })}\n`;
}

/** Members that are not known are left out: a later host may say more. Throws SharingError (malformed). */
export function parseReceipt(text: string): Receipt {
  const members = new Members("receipt", text);
  members.matching("accepted", /^share$/, '"share"');
  const standing = receiptStandings.find((each) => each === members.value("standing"));
  if (standing === undefined) throw members.malformed("its standing is none that is known");
  return {
    set: parseSetId(members.text("set")),
    standing,
    index: members.integer("index", 1, maxShares),
    numberOfShares: members.integer("number_of_shares", 2, maxShares),
    threshold: members.integer("threshold", 2, maxShares),
    holder: members.matching("holder", fingerprintForm, "a fingerprint"),
    intent: members.matching("intent", /^[a-z0-9 -]{1,100}$/, "an intent"),
    handedIn: members.integer("handed_in", 0, maxShares),
    inForce: members.texts("in_force", setForm, "a set").map(parseSetId),
    void: members.texts("void", setForm, "a set").map(parseSetId),
    notes: members.texts("notes", /^\P{Cc}{0,1000}$/u, "a line of text"),
  };
}
