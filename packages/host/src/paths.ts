/** Where things are on an appliance, below a root directory (`/` on a real one). */
export interface Paths {
  readonly passwd: string;
  readonly certificates: string;
  readonly tlsPins: string;
  readonly adminCredentials: string;
  /** The same, encrypted by systemd. */
  readonly encryptedAdminCredentials: string;
  readonly sharesDownload: string;
  readonly sharesConfirm: string;
  readonly sharesUpload: string;
  readonly ceremonyState: string;
  /** Which sets of shares there are: what of the state has to outlive a boot. */
  readonly shareSets: string;
  readonly plan: string;
  readonly adminSecret: string;
  readonly staging: {
    readonly backup: string;
    readonly update: string;
    /** Of root alone: the copy that is worked with. */
    readonly inUse: string;
  };
  readonly keptBackups: string;
  readonly wireguard: { readonly privateKey: string; readonly publicKey: string };
  readonly journalSocket: string;
  /** Where systemd decrypts credentials. */
  readonly credentialsSocket: string;
  /** What the journal tells, added up for monitoring. */
  readonly journalSummary: string;
  /** The OpenPGP certificate of a key: `[NS~]KEY.pgp`. */
  certificate(namespace: string | undefined, keyId: string): string;
  /** A home as passwd names it. */
  home(home: string): string;
  /** The directory of a user's HSM passphrases. */
  credentialDir(home: string): string;
  /** The file of one passphrase, plain (`txt`) or encrypted by systemd (`creds`). */
  credential(home: string, backendUser: string, kind?: "txt" | "creds"): string;
}

/** Below a home, where the passphrases are. */
export const credentialSubdirectory = ".local/state/signstar/secrets";

export function pathsUnder(root: string): Paths {
  const prefix = root.replace(/\/+$/, "");
  const state = `${prefix}/var/lib/signstar`;
  const run = `${prefix}/run/signstar`;
  const credentialDir = (home: string): string => `${prefix}${home}/${credentialSubdirectory}`;
  return {
    passwd: `${prefix}/etc/passwd`,
    certificates: `${state}/certificates`,
    tlsPins: `${state}/tls-pins.json`,
    adminCredentials: `${state}/creds/admin-credentials.toml`,
    encryptedAdminCredentials: `${state}/creds/admin-credentials.creds`,
    sharesDownload: `${run}/secret-shares/download`,
    sharesConfirm: `${run}/secret-shares/confirm`,
    sharesUpload: `${run}/secret-shares/upload`,
    ceremonyState: `${run}/secret-shares/state.json`,
    shareSets: `${state}/share-sets.json`,
    plan: `${run}/plan.txt`,
    adminSecret: `${run}/admin-secret`,
    staging: {
      backup: `${state}/staging/backup`,
      update: `${state}/staging/update`,
      inUse: `${state}/staging/in-use`,
    },
    keptBackups: `${state}/backup`,
    wireguard: { privateKey: `${state}/wireguard/private.key`, publicKey: `${state}/wireguard/public.key` },
    journalSocket: `${prefix}/run/systemd/journal/stdout`,
    credentialsSocket: `${prefix}/run/systemd/io.systemd.Credentials`,
    journalSummary: `${state}/metrics/journal.json`,
    certificate: (namespace, keyId) =>
      `${state}/certificates/${namespace === undefined ? "" : `${namespace}~`}${keyId}.pgp`,
    home: (home) => `${prefix}${home}`,
    credentialDir,
    credential: (home, backendUser, kind = "txt") => `${credentialDir(home)}/${backendUser}.${kind}`,
  };
}
