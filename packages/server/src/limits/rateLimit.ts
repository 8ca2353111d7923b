/** How many requests somebody may make. */
export interface RateLimit {
  /** In the long run. */
  readonly perSecond: number;
  /** At once. */
  readonly burst: number;
}

/**
 * Counts requests by key, as token buckets. Keys of which nothing was heard for long are forgotten, and when there are
 * too many the oldest are: memory has a limit whoever asks.
 */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  /** `now` in milliseconds; when it goes back, as clocks do that are put right, no time has passed. */
  constructor(limit: RateLimit, now: () => number, maxKeys = 10_000) {
    this.#limit = limit;
    this.#now = now;
    this.#maxKeys = maxKeys;
  }

  /** Counts one request; gives the seconds to wait when it is one too many. */
  take(key: string): number | undefined {
    const bucket = this.#current(key);
    if (bucket.left >= 1) {
      bucket.left -= 1;
      return undefined;
    }
    return this.#wait(bucket.left);
  }

  /** As `take`, without counting. */
  look(key: string): number | undefined {
    const { left } = this.#current(key);
    return left >= 1 ? undefined : this.#wait(left);
  }

  #wait(left: number): number {
    return Math.max(1, Math.ceil((1 - left) / this.#limit.perSecond));
  }

  #current(key: string): { left: number; at: number } {
    const { perSecond, burst } = this.#limit;
    const now = this.#now();
    const known = this.#buckets.get(key);
    const passed = Math.max(0, now - (known?.at ?? now)) / 1000;
    const left = known === undefined ? burst : Math.min(burst, known.left + passed * perSecond);
    // Set anew, so that the map is in the order of last use.
    this.#buckets.delete(key);
    const bucket = { left, at: now };
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#maxKeys) break;
      this.#buckets.delete(oldest);
    }
    return bucket;
  }
}
