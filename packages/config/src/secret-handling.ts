/** Who holds the admin secret, and how the other passphrases are stored. */
import type { Field } from "./field.ts";
import type { AdminSecretHandling } from "./model.ts";

const kinds = ["plaintext", "systemd-creds", "shamirs-secret-sharing"] as const;
/** Shares are numbered with one byte. */
const maxShares = 255;

/** As it stands in the file: number and threshold can be left to the list of share holders. */
export type WrittenAdminHandling =
  | { readonly kind: "plaintext" | "systemd-creds" }
  | {
      readonly kind: "shamirs-secret-sharing";
      readonly written:
        | { readonly field: Field; readonly numberOfShares: number; readonly threshold: number }
        | undefined;
    };

/** Without a word about it secret sharing is meant. Undefined after a problem. */
export function readAdminHandling(field: Field | undefined): WrittenAdminHandling | undefined {
  if (field === undefined) return { kind: "shamirs-secret-sharing", written: undefined };
  if (field.isText) {
    const kind = field.choice(kinds);
    return kind === "shamirs-secret-sharing" ? { kind, written: undefined } : kind && { kind };
  }
  const table = field.only(["shamirs-secret-sharing"])?.field.table(["number_of_shares", "threshold"]);
  if (table === undefined) return undefined;
  const numberOfShares = table.required("number_of_shares")?.integer(1, maxShares);
  const thresholdField = table.required("threshold");
  const threshold = thresholdField?.integer(1, maxShares);
  if (numberOfShares === undefined || threshold === undefined) return undefined;
  if (threshold > numberOfShares) {
    return thresholdField?.problem(`${threshold} of ${numberOfShares} shares can never be handed in`);
  }
  if (threshold === 1 && numberOfShares > 1) {
    return thresholdField?.problem("with a threshold of 1 every holder alone has the whole secret");
  }
  return { kind: "shamirs-secret-sharing", written: { field, numberOfShares, threshold } };
}

/** `holders` is the number of distinct share-download keys. Undefined after a problem. */
export function settleAdminHandling(handling: WrittenAdminHandling, holders: number): AdminSecretHandling | undefined {
  if (handling.kind !== "shamirs-secret-sharing") return { kind: handling.kind };
  const { written } = handling;
  if (written === undefined) {
    return { kind: handling.kind, numberOfShares: holders, threshold: Math.floor(holders / 2) + 1 };
  }
  if (written.numberOfShares !== holders) {
    return written.field.problem(
      `number_of_shares is ${written.numberOfShares}, but ${holders} distinct SSH keys may download a share`,
    );
  }
  return { kind: handling.kind, numberOfShares: holders, threshold: written.threshold };
}
