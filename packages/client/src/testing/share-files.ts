import { encodeShare } from "@signstar/secret-sharing/share";
import { sampleShares } from "@signstar/secret-sharing/testing/samples";

/** Share 1 of 2 of three sets, the newest (iteration 3) first. */
export async function threeShareFiles(): Promise<readonly [Uint8Array, Uint8Array, Uint8Array]> {
  const one = async (iteration: number): Promise<Uint8Array> => {
    const [share] = await sampleShares(2, 2, undefined, iteration);
    if (share === undefined) throw new Error("no share");
    return encodeShare(share);
  };
  return [await one(3), await one(2), await one(1)];
}
