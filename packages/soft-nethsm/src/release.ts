/** The releases whose behaviour can be chosen, oldest first. Each stands for what a client notices of it. */
export const releases = ["2.2", "3.0", "5.0"] as const;
export type Release = (typeof releases)[number];

export const newest: Release = "5.0";

/** What the releases differ in, by the first release that has it (a release in between counts with the next listed). */
const since = {
  /** Ids may contain `_`, `-` and `.`. */
  wideIds: "3.0",
  /** EC_P256K1 with BIP-340, Brainpool; EC_P224 is gone. */
  newCurves: "3.0",
  randomNonce: "3.0",
  moveAndPrefix: "3.0",
  csrNames: "3.0",
  publicShutdown: "3.0",
  restoreWithoutPassphrase: "3.0",
  backupV1: "5.0",
  ipv6: "5.0",
  cluster: "5.0",
  labels: "5.0",
  diagnose: "5.0",
  csrAddresses: "5.0",
} as const satisfies Record<string, Release>;

export type Feature = keyof typeof since;

export function has(release: Release, feature: Feature): boolean {
  return releases.indexOf(release) >= releases.indexOf(since[feature]);
}

/** Release 3.0 alone takes a bare digest in mode PKCS1 and adds the DigestInfo itself. */
export function addsDigestInfo(release: Release): boolean {
  return release === "3.0";
}
