/**
 * One failed attempt blocks its key for a second, even for the right passphrase. A blocked attempt does not extend
 * the time, and nothing counts up: there is no lock-out.
 */
const windowMs = 1000;

export class RateLimit {
  readonly #failures = new Map<string, number>();
  readonly #now: () => number;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  blocked(key: string): boolean {
    const at = this.#failures.get(key);
    return at !== undefined && this.#now() - at < windowMs;
  }

  failed(key: string): void {
    const now = this.#now();
    for (const [other, at] of this.#failures) if (now - at >= windowMs) this.#failures.delete(other);
    this.#failures.set(key, now);
  }

  clear(): void {
    this.#failures.clear();
  }
}
