import { type AdminCredentials, encodeAdminCredentials } from "./admin-credentials.ts";
import type { AdminSecrets, AdminStore } from "./admin-secrets.ts";

/** A file of root's, and the one before beside it during a rotation. */
export abstract class KeptAdminStore implements AdminStore {
  readonly handedIn = false;

  /** What is in force, or what was before a rotation that is not finished. */
  protected abstract load(which?: "old"): Promise<AdminCredentials | undefined>;
  /** On disk when it resolves. */
  protected abstract save(credentials: AdminCredentials, which?: "old"): Promise<void>;
  abstract settle(): Promise<void>;

  async read(): Promise<AdminSecrets | undefined> {
    const current = await this.load();
    if (current === undefined) return undefined;
    const previous = await this.load("old");
    // Interrupted between the two files of a rotation: it has not begun.
    return { current, previous: previous !== undefined && isSame(current, previous) ? undefined : previous };
  }

  async write(current: AdminCredentials, { keepPrevious }: { readonly keepPrevious: boolean }): Promise<void> {
    const before = keepPrevious ? await this.load() : undefined;
    if (before !== undefined) await this.save(before, "old");
    await this.save(current);
  }
}

function isSame(one: AdminCredentials, other: AdminCredentials): boolean {
  const [a, b] = [encodeAdminCredentials(one), encodeAdminCredentials(other)];
  const same = Buffer.compare(a, b) === 0;
  a.fill(0);
  b.fill(0);
  return same;
}
