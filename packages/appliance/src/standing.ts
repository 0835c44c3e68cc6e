/** What an appliance knows of the set that a share belongs to. */
import type { CeremonyState, Standing } from "@signstar/host/ceremony-state";
import type { Receipt } from "@signstar/secret-sharing/receipt";
import { parseSetId, type SetId, type Share, setDigest } from "@signstar/secret-sharing/share";
import { ApplianceError } from "./errors.ts";

/**
 * Throws ApplianceError: void-set, or other-set if the share is not as those of its set were made here.
 */
export function standingOf({ pending, sets }: CeremonyState, share: Share): Receipt["standing"] {
  const known = [...sets, ...(pending === undefined ? [] : [pending])].find(({ set }) => set === share.set);
  if (known === undefined) return "unknown";
  if (setDigest(share) !== known.digest) {
    throw new ApplianceError("other-set", `the share is not one of those that set ${share.set} was made of here`, {
      hint: "it was altered, or made elsewhere: take it from the file that was fetched",
      clientSafe: true,
    });
  }
  // What a share says of its holder binds nobody; but the journal and the receipt repeat it.
  const holder = known.holders[share.index - 1];
  if (holder !== undefined && share.holder !== (typeof holder === "string" ? holder : holder.fingerprint)) {
    throw new ApplianceError(
      "other-set",
      `share ${share.index} of set ${share.set} was made for another key than it says`,
      {
        hint: "it was altered: take it from the file that was fetched",
        clientSafe: true,
      },
    );
  }
  if (!("standing" in known)) return "pending";
  if (known.standing !== "void") return known.standing;
  throw new ApplianceError("void-set", `the share belongs to set ${share.set}, which is void`, {
    hint: "destroy it: no device answers to that set any more",
    clientSafe: true,
  });
}

/** What the holder of a share with this standing should know. */
export function remarksOn(standing: Receipt["standing"], { sets }: CeremonyState): readonly string[] {
  switch (standing) {
    case "unknown":
      return ["the set is not known here, as after each start of this host: whether it is the right one will show"];
    case "pending":
      return ["not every holder has confirmed a share of this set: it is not used before"];
    default: {
      const inForce = sets.filter((each) => each.standing === "in-force");
      const confirmed = sets.filter((each) => each.standing === "confirmed");
      const both = inForce.length > 0 && confirmed.length > 0;
      return both ? ["a change of the secret is not finished: keep the shares of both sets, both may be needed"] : [];
    }
  }
}

export function setsOf({ sets }: CeremonyState, standing: Standing): readonly SetId[] {
  return sets.filter((each) => each.standing === standing).map(({ set }) => parseSetId(set));
}
