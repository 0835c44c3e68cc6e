/** What the holders agree on. Pure. */
import type { KnownSet } from "@signstar/host/ceremony-state";
import { formatIntent, type Intent } from "@signstar/secret-sharing/intent";
import { type Share, setDigest } from "@signstar/secret-sharing/share";
import type { Vote } from "./share-files.ts";

/** A threshold of holders of one set who want the same. */
export interface Agreement {
  readonly set: string;
  readonly intent: Intent;
  /** One for each index, from as many SSH keys. */
  readonly shares: readonly Share[];
  /** When the last that was needed came. */
  readonly at: number;
}

export interface Tally {
  /** At most one for each set. */
  readonly agreements: readonly Agreement[];
  /** Votes that do not count, with the reason. */
  readonly void: readonly { readonly vote: Vote; readonly why: string }[];
}

/**
 * `known`: what this host knows of sets, beside what the shares say of themselves. Of a set that it does not know anybody
 * may have made the shares, and said of them what they like: at least as many SSH keys as `threshold` have to agree.
 */
export function tally(votes: readonly Vote[], known: readonly KnownSet[], threshold: number): Tally {
  // A share that says something else of its set than others, the digest of each of them included, cannot keep them from
  // being combined, nor take the place of one of them: it counts beside them.
  const results = [...Map.groupBy(votes, ({ share }) => setDigest(share)).values()].map((cast) =>
    tallySet(
      cast,
      known.find((each) => each.set === cast[0]?.share.set),
      threshold,
    ),
  );
  const agreements = results.flatMap(({ agreement }) => agreement ?? []).toSorted((a, b) => a.at - b.at);
  return {
    agreements: agreements.filter(({ set }, i) => agreements.findIndex((each) => each.set === set) === i),
    void: results.flatMap((each) => each.void),
  };
}

function tallySet(cast: readonly Vote[], known: KnownSet | undefined, threshold: number) {
  const refused: { vote: Vote; why: string }[] = [];
  const counted: Vote[] = [];
  // The earliest comes first, and what repeats it does not count.
  for (const vote of cast.toSorted((a, b) => a.at - b.at)) {
    const why = whyNot(vote, counted, known);
    if (why === undefined) counted.push(vote);
    else refused.push({ vote, why });
  }
  const least = known === undefined ? threshold : 0;
  const agreements = [...Map.groupBy(counted, ({ intent }) => formatIntent(intent)).values()].flatMap((each) =>
    agreementOf(each, least),
  );
  // Two intents can both have enough holders: the one that had them first.
  const [agreement] = agreements.toSorted((a, b) => a.at - b.at);
  return { agreement, void: refused };
}

function whyNot({ by, share }: Vote, counted: readonly Vote[], known: KnownSet | undefined): string | undefined {
  if (known?.standing === "void") return "its set is void: no device answers to it any more";
  if (known !== undefined && setDigest(share) !== known.digest) return "it is not as the shares of this set were made";
  if (counted.some((other) => other.share.index === share.index)) return `share ${share.index} was handed in twice`;
  if (counted.some((other) => other.by.hex === by.hex)) return "its SSH key has handed in another share of this set";
  return undefined;
}

function agreementOf(votes: readonly Vote[], least: number): Agreement[] {
  const [first] = votes;
  if (first === undefined) return [];
  const { threshold, set } = first.share;
  const last = votes[Math.max(threshold, least) - 1];
  if (last === undefined) return [];
  return [{ set, intent: first.intent, shares: votes.map(({ share }) => share), at: last.at }];
}

/** What is to be done now, with the shares of one set, or of two while a rotation is not finished. */
export interface Decision {
  readonly intent: Intent;
  readonly agreements: readonly Agreement[];
}

/**
 * The earliest agreement that is enough; never one of the set `pending`, whose shares not every holder has yet. While a
 * rotation is not finished, `apply` needs the shares of both sets: some devices may answer to the one, some to the
 * other. `waiting` says what is still missing.
 */
export function decide(
  agreements: readonly Agreement[],
  known: readonly KnownSet[],
  pending: string | undefined,
): { readonly decision: Decision | undefined; readonly waiting: string | undefined } {
  const live = known.filter(({ standing }) => standing !== "void");
  const isLive = ({ set }: Agreement) => live.some((each) => each.set === set);
  const usable = agreements.filter((each) => isLive(each) || (live.length === 0 && each.set !== pending));
  const [first] = usable.toSorted((a, b) => a.at - b.at);
  if (first === undefined) return { decision: undefined, waiting: undefined };
  const wanted = formatIntent(first.intent);
  const agreeing = usable.filter(({ intent }) => formatIntent(intent) === wanted);
  const missing = live.filter(({ set }) => !agreeing.some((each) => each.set === set));
  if (first.intent.kind === "apply" && missing.length > 0) {
    const sets = missing.map(({ set, threshold }) => `${threshold} of set ${set}`).join(" and ");
    return {
      decision: undefined,
      waiting: `a rotation is not finished: shares are needed of both sets, still ${sets}`,
    };
  }
  return { decision: { intent: first.intent, agreements: agreeing }, waiting: undefined };
}
