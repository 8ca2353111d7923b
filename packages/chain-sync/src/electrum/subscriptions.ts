import { readStatus } from "./answers.ts";
import type { ScriptHash } from "./scriptHash.ts";

interface Subscription {
  /** `undefined` while the server has not answered. */
  status: string | null | undefined;
  /** Notifications that came. */
  notified: number;
  /** When the server was asked last, by the monotonic clock. */
  askedAt: number;
}

/** The statuses of scripts that a server promised to tell of, and that it is asked again for now and then. */
export class Subscriptions {
  readonly #subscriptions = new Map<ScriptHash, Subscription>();
  readonly #subscribe: (hash: ScriptHash) => Promise<unknown>;
  readonly #recheckInterval: number;

  /**
   * `subscribe` gives the server's answer. After `recheckInterval` milliseconds it is asked again, though it said
   * nothing: servers may drop a subscription, and who misses the spend of a channel's output loses money.
   */
  constructor(subscribe: (hash: ScriptHash) => Promise<unknown>, recheckInterval: number) {
    this.#subscribe = subscribe;
    this.#recheckInterval = recheckInterval;
  }

  /** The latest status, or what the server says when it is `asked`. Rejects with a `ChainSourceError`. */
  async statusOf(hash: ScriptHash, wanted: "known" | "asked" = "known"): Promise<string | null> {
    const now = performance.now();
    const known = this.#subscriptions.get(hash);
    const mayKnow = wanted === "known";
    if (mayKnow && known?.status !== undefined && now - known.askedAt < this.#recheckInterval)
      return known.status;
    const subscription = known ?? { status: undefined, notified: 0, askedAt: now };
    // From before the answer: a notification may come in the same piece as it, and is newer.
    this.#subscriptions.set(hash, subscription);
    subscription.askedAt = now;
    const { notified } = subscription;
    try {
      const status = readStatus(await this.#subscribe(hash));
      if (subscription.notified === notified) subscription.status = status;
      return subscription.status === undefined ? status : subscription.status;
    } catch (error) {
      this.#subscriptions.delete(hash);
      throw error;
    }
  }

  /** A notification came; says whether there is a subscription, and another status than was known. */
  notified(hash: unknown, json: unknown): boolean {
    const subscription = this.#subscriptions.get(hash as ScriptHash);
    if (subscription === undefined) return false;
    const status = readStatus(json ?? null);
    subscription.notified++;
    const isNews = subscription.status !== status;
    // Servers say so, too, when a history has become too long for them to say anything of it any more.
    subscription.status = status ?? undefined;
    return isNews;
  }

  /** Ends a subscription; says whether there was one. */
  forget(hash: ScriptHash): boolean {
    return this.#subscriptions.delete(hash);
  }
}
