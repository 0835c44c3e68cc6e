/** Counters since boot. A name appears with its first sample, and every value is text. */
export class Metrics {
  readonly #started = performance.now();
  readonly #counters = new Map<string, number>();
  #responseTime: number | undefined;

  count(name: "generate" | "sign" | "decrypt" | "encrypt" | "kv write" | "log errors"): void {
    this.#add(name);
  }

  /** One finished request; `ms` is how long it took. */
  answered(status: number, ms: number): void {
    this.#add("http response total");
    this.#add(`http response ${status}`);
    const seconds = ms / 1000;
    this.#responseTime = this.#responseTime === undefined ? seconds : 0.7 * this.#responseTime + 0.3 * seconds;
  }

  toJSON(): Readonly<Record<string, string>> {
    const uptime = Math.floor((performance.now() - this.#started) / 1000);
    const entries = [...this.#counters].map(([name, value]) => [name, String(value)] as const);
    if (this.#responseTime !== undefined) entries.push(["http response time", this.#responseTime.toFixed(6)]);
    return Object.fromEntries([["uptime", String(uptime)], ...entries]);
  }

  #add(name: string): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + 1);
  }
}
