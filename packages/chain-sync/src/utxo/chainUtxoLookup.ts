import type { UtxoAnswer, UtxoLookup } from "@fulmen/lightning/gossip";
import type { BlockHash, ShortChannelId } from "@fulmen/lightning/util";
import type { ChainSource } from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";

export interface ChainUtxoLookupOptions {
  readonly source: Pick<ChainSource, "utxo">;
  /** Gets every answer: `P2PGossipSync.utxoResolved`. */
  readonly answered: (id: ShortChannelId, answer: UtxoAnswer) => void;
  /** Questions that are asked at the same time; 4 when not given. */
  readonly atOnce?: number;
  /** Questions that wait at most; 100,000 when not given. What is asked beyond is answered by `not-found`. */
  readonly capacity?: number;
  /** Milliseconds to wait when the source does not answer; 5,000 when not given. */
  readonly pauseMilliseconds?: number;
}

/** Failures after which a channel is passed over. */
const mostFailures = 5;

/**
 * Looks up announced channels in a chain source, few at a time: gossip comes in thousands. While the source does not
 * answer the questions wait. A channel that is not found is not lost: peers announce it again.
 */
export class ChainUtxoLookup implements UtxoLookup {
  readonly #options: ChainUtxoLookupOptions;
  readonly #waiting: { readonly id: ShortChannelId; readonly failures: number }[] = [];
  #asking = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(options: ChainUtxoLookupOptions) {
    this.#options = options;
  }

  getUtxo(_chainHash: BlockHash, id: ShortChannelId): UtxoAnswer | { readonly kind: "pending" } {
    if (this.#isStopped || this.#waiting.length >= (this.#options.capacity ?? 100_000))
      return { kind: "not-found" };
    this.#waiting.push({ id, failures: 0 });
    this.#askNext();
    return { kind: "pending" };
  }

  /** How many questions wait or are under way. */
  get size(): number {
    return this.#waiting.length + this.#asking;
  }

  /** Asks nothing more; what waits stays unanswered. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#pause);
    this.#waiting.length = 0;
  }

  #askNext(): void {
    while (!this.#isStopped && this.#pause === undefined && this.#asking < (this.#options.atOnce ?? 4)) {
      // The newest first: of a flood, those at the end of the row are no worse than the others.
      const next = this.#waiting.pop();
      if (next === undefined) return;
      this.#asking++;
      void this.#ask(next);
    }
  }

  async #ask({ id, failures }: { readonly id: ShortChannelId; readonly failures: number }): Promise<void> {
    let answer: UtxoAnswer | undefined;
    try {
      answer = await this.#options.source.utxo(id);
    } catch (error) {
      const isTransient = error instanceof ChainSourceError && error.isTransient;
      if (!isTransient || failures + 1 >= mostFailures) answer = { kind: "not-found" };
    }
    this.#asking--;
    if (this.#isStopped) return;
    if (answer !== undefined) this.#options.answered(id, answer);
    else {
      this.#waiting.unshift({ id, failures: failures + 1 });
      this.#waitAWhile();
    }
    this.#askNext();
  }

  #waitAWhile(): void {
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined;
      this.#askNext();
    }, this.#options.pauseMilliseconds ?? 5_000);
  }
}
