/** What must hold between mappings. Numbers and wording follow the order in which the original checks. */
import { isSystemWide, type NamespaceId, namespaceOf } from "@signstar/nethsm/ids";
import type { Claim, Claims, Scoped } from "./claims.ts";
import type { Findings } from "./findings.ts";
import type { Mapping } from "./model.ts";
import { formatPath, type Path } from "./path.ts";

/** `sharing` is undefined if the file does not say how the admin secret is handled (after a problem). */
export function checkRules(claims: Claims, sharing: boolean | undefined, users: Path, findings: Findings): void {
  unique(
    claims.systemUsers,
    ({ value }) => value,
    (claim) => `duplicate system user ${claim.value}`,
    findings,
  );
  unique(
    claims.hsmUsers,
    ({ value }) => value,
    (claim) => `duplicate NetHSM user ${claim.value}`,
    findings,
  );
  checkAdministrators(claims, users, findings);
  if (sharing !== undefined) checkShareUsers(claims, sharing, users, findings);
  checkSshKeys(claims, findings);
  checkScoped(claims.keys, "key id", findings);
  checkScoped(claims.tags, "tag", findings);
}

function checkAdministrators(claims: Claims, users: Path, findings: Findings): void {
  const admins = claims.hsmUsers.filter((claim) => claim.kind === "admin");
  if (!admins.some((claim) => isSystemWide(claim.value))) {
    findings.problem(users, "no system-wide administrator (nethsm_only_admin without a namespace)");
  }
  const administered = new Set(admins.map((claim) => namespaceOf(claim.value)));
  const reported = new Set<NamespaceId>();
  for (const claim of claims.hsmUsers) {
    const namespace = namespaceOf(claim.value);
    if (namespace === undefined || administered.has(namespace) || reported.has(namespace)) continue;
    reported.add(namespace);
    findings.problem(
      claim.path,
      `namespace without administrator: ${namespace} (nethsm_only_admin = "${namespace}~…")`,
    );
  }
}

function checkShareUsers(claims: Claims, sharing: boolean, users: Path, findings: Findings): void {
  const shareUsers = claims.mappings.filter(({ kind }) => kind === "share-download" || kind === "share-upload");
  if (!sharing) {
    for (const claim of shareUsers) {
      findings.problem(claim.path, "share users without secret sharing: admin_secret_handling says something else");
    }
    return;
  }
  if (!shareUsers.some(({ kind }) => kind === "share-download")) {
    findings.problem(users, "no share download user (system_only_share_download), the admin secret is shared");
  }
  if (!shareUsers.some(({ kind }) => kind === "share-upload")) {
    findings.problem(users, "no share upload user (system_only_share_upload), the admin secret is shared");
  }
}

/** One key may stand for one downloader and one uploader of shares, and for nothing else. */
function checkSshKeys(claims: Claims, findings: Findings): void {
  const reported = new Set<Claim<unknown>>();
  const exempt: readonly Mapping["kind"][] = ["share-download", "share-upload"];
  for (const kind of exempt) {
    const considered = claims.sshKeys.filter((claim) => claim.kind !== kind);
    unique(
      considered,
      // The key alone counts: another comment does not make another key.
      (claim) => `${claim.value.type} ${claim.value.data}`,
      (claim) => `duplicate SSH key ${claim.value.fingerprint}`,
      findings,
      reported,
    );
  }
}

function checkScoped<T extends string>(claims: readonly Claim<Scoped<T>>[], what: string, findings: Findings): void {
  unique(
    claims,
    ({ value }) => `${value.namespace ?? ""}~${value.name}`,
    ({ value }) =>
      value.namespace === undefined
        ? `duplicate ${what} ${value.name}`
        : `duplicate ${what} in a namespace: ${value.name} in ${value.namespace}`,
    findings,
  );
}

function unique<T>(
  claims: readonly Claim<T>[],
  keyOf: (claim: Claim<T>) => string,
  message: (claim: Claim<T>) => string,
  findings: Findings,
  reported: Set<Claim<unknown>> = new Set(),
): void {
  const first = new Map<string, Claim<T>>();
  for (const claim of claims) {
    const key = keyOf(claim);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, claim);
    else if (!reported.has(claim)) {
      reported.add(claim);
      findings.problem(claim.path, `${message(claim)}, already at ${formatPath(earlier.path)}`);
    }
  }
}
