/** What holders have handed in, and what enough of them want. */
import { combineShares } from "@signstar/secret-sharing/combine";
import { formatIntent } from "@signstar/secret-sharing/intent";
import { setDigest } from "@signstar/secret-sharing/share";
import { Opened } from "./admin-secret.ts";
import { isForOnce, isRepeated, perform } from "./flow.ts";
import type { Hall } from "./hall.ts";
import { handerKeys, wants } from "./holders.ts";
import { keptSecret } from "./kept-secret.ts";
import { beginSet } from "./pending.ts";
import { prove, requireInUse } from "./prove.ts";
import type { Vote } from "./share-files.ts";
import { type Agreement, type Decision, decide, tally } from "./tally.ts";

export type Heard = "nothing" | "waiting" | "followed";

/** Counts the shares that were handed in, and does what a threshold of their holders wants. */
export async function hear(hall: Hall): Promise<Heard> {
  const votes = collect(hall);
  try {
    const { sets, pending } = hall.state;
    const { agreements, void: refused } = tally(votes, sets, hall.sharing.threshold);
    for (const { vote, why } of refused) refuseVote(hall, vote, why);
    const { decision, waiting } = decide(agreements, sets, pending?.set);
    if (waiting !== undefined) hall.tell("waiting", waiting);
    if (decision === undefined) return votes.length > refused.length ? "waiting" : "nothing";
    await follow(hall, decision, votes);
    return "followed";
  } finally {
    for (const { share } of votes) share.share[Symbol.dispose]();
  }
}

function collect(hall: Hall): readonly Vote[] {
  const { votes, strays } = hall.shares.handedIn(handerKeys(hall.site.config));
  for (const { files, why } of strays) {
    hall.shares.remove(files);
    hall.tell("share-refused", refusal(why));
  }
  const now = hall.site.now().getTime();
  // Nor does one wait for ever that came before the clock was put back.
  const isLate = ({ at }: Vote) => Math.abs(now - at) > hall.site.config.appliance.shareTimeoutMs;
  for (const vote of votes.filter(isLate)) {
    refuseVote(hall, vote, "it has waited too long");
    vote.share.share[Symbol.dispose]();
  }
  return votes.filter((vote) => !isLate(vote));
}

function refuseVote(hall: Hall, vote: Vote, why: string): void {
  hall.shares.removeVotes([vote]);
  const { user, fingerprint } = vote.by;
  hall.tell("share-refused", refusal(why), { user, fingerprint, set: vote.share.set });
}

function refusal(why: string): string {
  return `a share that was handed in is void: ${why}`;
}

async function follow(hall: Hall, { intent, agreements }: Decision, votes: readonly Vote[]): Promise<void> {
  const words = formatIntent(intent);
  hall.tell("agreed", `${words}: a threshold of holders wants it`, { intent: words });
  const sets = new Set(agreements.map(({ set }) => set));
  const involved = votes.filter(({ share }) => sets.has(share.set));
  const others = new Set(involved.map((vote) => formatIntent(vote.intent)).filter((other) => other !== words));
  const remove = () => hall.shares.removeVotes(involved);
  if (isForOnce(intent)) remove();
  const done = await hall.attempt(words, () => carryOut(hall, { intent, agreements: inOrder(hall, agreements) }), {
    repeats: (thrown) => isRepeated(intent, thrown),
    giveUp: remove,
  });
  remove();
  const dropped = others.size === 0 ? "" : `; other intents are void: ${[...others].join(", ")}`;
  hall.end({ intent: words, outcome: "done", message: `${done}${dropped}` });
}

/** Returns a sentence on how it went. */
async function carryOut(hall: Hall, { intent, agreements }: Decision): Promise<string> {
  const [first, second] = agreements;
  if (first === undefined) throw new TypeError("nothing was agreed on");
  using sealed = await combineShares(first.shares);
  // Without a second set, what was in force before there were shares.
  using older = second === undefined ? await keptSecret(hall.site.place) : await combineShares(second.shares);
  using secrets = new Opened(sealed, older);
  const applies = intent.kind === "apply";
  const isNew = !isKnown(hall, first.set);
  if (applies && isNew) await requireInUse(hall.site);
  if (applies && older !== undefined) hall.requireCovered(secrets.current);
  const needsNewSet = applies && !isUnderWay(hall) && !(isAsWanted(hall, first) && hall.covers(secrets.current));
  // Without one of the administrators it cannot make the devices what they should be.
  if (applies && !hall.covers(secrets.current)) {
    // Once there is another set, this one is asked for only if it is known.
    if (isNew) await prove(hall.site, secrets);
    remember(hall, agreements);
    if (needsNewSet) await beginSet(hall, sealed);
    return "a new set of shares waits for its holders; the devices change when all have confirmed";
  }
  // What is erased on purpose is not to be given a secret by a holder who confirms late.
  if (intent.kind === "factory-reset") hall.forget();
  const done = await perform(hall.site, secrets, intent);
  if (applies || intent.kind === "restore" || intent.kind === "update") remember(hall, agreements);
  if (applies || intent.kind === "restore") hall.putInForce(first.set);
  if (!needsNewSet) return done;
  await beginSet(hall, sealed);
  return `${done}; a new set of shares waits for its holders`;
}

/** The set that is to be in force comes first: of two that this host does not know, that of the later secret. */
function inOrder(hall: Hall, agreements: readonly Agreement[]): readonly Agreement[] {
  const isNext = ({ set }: Agreement) => hall.live.some((each) => each.set === set && each.standing === "confirmed");
  const iteration = ({ shares }: Agreement) => shares[0]?.iteration ?? 0;
  return agreements.toSorted((a, b) => Number(isNext(b)) - Number(isNext(a)) || iteration(b) - iteration(a));
}

/** Whether shares wait already that are what the configuration wants. */
function isUnderWay(hall: Hall): boolean {
  const { pending } = hall.state;
  return pending !== undefined && hall.isWanted(pending);
}

function isKnown(hall: Hall, set: string): boolean {
  return hall.live.some((each) => each.set === set);
}

function isAsWanted(hall: Hall, { set }: Agreement): boolean {
  const known = hall.live.find((each) => each.set === set);
  return known !== undefined && wants(hall.sharing, known);
}

/** A set that this host has lost sight of is known again when a device has answered to it. */
function remember(hall: Hall, agreements: readonly Agreement[]): void {
  for (const { set, shares } of agreements) {
    const [share] = shares;
    if (share === undefined || isKnown(hall, set)) continue;
    const { iteration, threshold, numberOfShares } = share;
    // Shares of a secret that no device has got are of no use beside one that is in force.
    hall.forget();
    const digest = setDigest(share);
    hall.know({ set, iteration, threshold, numberOfShares, digest, standing: "in-force", holders: [] });
  }
}
