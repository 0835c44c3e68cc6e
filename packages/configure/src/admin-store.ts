import type { Config } from "@signstar/config/model";
import type { AdminStore } from "./admin-secrets.ts";
import { EncryptedAdminStore } from "./encrypted-admin-store.ts";
import { ConfigureError } from "./errors.ts";
import type { Place } from "./place.ts";
import { PlainAdminStore } from "./plain-admin-store.ts";

/** Where this host keeps them, as the configuration says. Throws ConfigureError (`shared-secret`, exit 78). */
export function adminStoreOf({ adminSecretHandling: { kind } }: Config, place: Place): AdminStore {
  if (kind === "plaintext") return new PlainAdminStore(place);
  if (kind === "systemd-creds") return new EncryptedAdminStore(place);
  throw new ConfigureError(
    "shared-secret",
    "the admin secret is shared among its holders, this host does not have it",
    {
      hint: "let a threshold of them hand in their shares: signstar-share send HOST FILE, with the word plan to look first",
    },
  );
}
