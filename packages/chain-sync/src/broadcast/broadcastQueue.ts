import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type { BroadcasterInterface, TransactionType } from "@fulmen/lightning/chain";
import type { Logger } from "@fulmen/lightning/handlers";
import { messageOf } from "@fulmen/lightning/util";
import type { BroadcastOutcome, ChainSource } from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";

export interface BroadcastQueueOptions {
  /** At least one; every package goes to each of them, and one that takes it is enough. */
  readonly sources: readonly Pick<ChainSource, "name" | "broadcast">[];
  readonly logger: Logger;
  /** Asked right before anything is sent: a host that lost its lease is silent. What is held back is dropped. */
  readonly maySend?: () => boolean;
  /** Packages that wait at most; 500 when not given. The one that was asked for longest ago is dropped, and logged. */
  readonly capacity?: number;
  /** Milliseconds before the first retry, doubled each time up to 64 times as many; 1,000 when not given. */
  readonly retryMilliseconds?: number;
}

interface Waiting {
  readonly key: string;
  readonly transactions: readonly Transaction[];
  readonly type: TransactionType;
  failures: number;
  /** Asked for again while it was under way. */
  isAskedAgain: boolean;
}

type Offered =
  | BroadcastOutcome
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "held-back" };

/** Packages that are under way to the sources at the same time. */
const atOnce = 4;
/** After so many failures in a row a package is given up: what matters is broadcast again with each block. */
const mostFailures = 12;
/** Refusals that are remembered so that none is logged twice in a row. */
const rememberedRefusals = 500;

/**
 * Hands what is broadcast to chain sources. What fails because nobody answers is tried again; what is refused is
 * logged, and left alone until it is asked for again. Bounded. Nothing is known here after a restart: whoever
 * broadcasts says again what has to be said again, with each block and on start.
 */
export class BroadcastQueue implements BroadcasterInterface {
  readonly #options: BroadcastQueueOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sending = new Map<string, Waiting>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #refused = new Map<string, string>();
  readonly #idle: (() => void)[] = [];
  #isStopped = false;

  constructor(options: BroadcastQueueOptions) {
    this.#options = options;
  }

  broadcastTransactions(transactions: readonly Transaction[], type: TransactionType): void {
    if (this.#isStopped || transactions.length === 0) return;
    const key = transactions.map(txid).join();
    const sending = this.#sending.get(key);
    if (sending !== undefined) {
      sending.isAskedAgain = true;
      return;
    }
    this.#clearTimer(key);
    this.#waiting.delete(key);
    this.#waiting.set(key, { key, transactions, type, failures: 0, isAskedAgain: false });
    this.#dropOldest();
    this.#sendNext();
  }

  /** How many packages wait or are under way. */
  get size(): number {
    return this.#waiting.size + this.#sending.size;
  }

  /** Resolves when nothing waits, nor is under way. */
  idle(): Promise<void> {
    return this.size === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve));
  }

  /** Drops what waits; what is under way ends with its source. */
  stop(): void {
    this.#isStopped = true;
    for (const key of [...this.#timers.keys()]) this.#clearTimer(key);
    this.#waiting.clear();
    this.#checkIdle();
  }

  #sendNext(): void {
    for (const [key, waiting] of this.#waiting) {
      if (this.#sending.size >= atOnce) return;
      if (this.#timers.has(key)) continue;
      this.#waiting.delete(key);
      this.#sending.set(key, waiting);
      void this.#send(waiting);
    }
  }

  async #send(waiting: Waiting): Promise<void> {
    const offers = this.#options.sources.map((source) => this.#offer(source, waiting.transactions));
    const outcomes = await acceptedOrAll(offers);
    this.#sending.delete(waiting.key);
    const isAccepted = outcomes.some((outcome) => outcome.kind === "accepted");
    if (isAccepted) this.#refused.delete(waiting.key);
    const failed = outcomes.find((outcome) => outcome.kind === "failed");
    const reasons = outcomes.flatMap((outcome) => (outcome.kind === "refused" ? [outcome.reason] : []));
    if (waiting.isAskedAgain) this.broadcastTransactions(waiting.transactions, waiting.type);
    else if (!isAccepted && failed !== undefined) this.#retry(waiting, failed.reason);
    if (!isAccepted && reasons.length > 0) this.#logRefusal(waiting, reasons.join("; "));
    if (!this.#isStopped) this.#sendNext();
    this.#checkIdle();
  }

  async #offer(
    source: Pick<ChainSource, "name" | "broadcast">,
    transactions: readonly Transaction[],
  ): Promise<Offered> {
    // Nothing is awaited between this question and the call.
    if (this.#options.maySend?.() === false) return { kind: "held-back" };
    try {
      const outcome = await source.broadcast(transactions);
      if (outcome.kind === "accepted") return outcome;
      return { kind: "refused", reason: `${source.name}: ${outcome.reason}` };
    } catch (error) {
      const reason = `${source.name}: ${messageOf(error)}`;
      if (error instanceof ChainSourceError && !error.isTransient) return { kind: "refused", reason };
      return { kind: "failed", reason };
    }
  }

  #retry(waiting: Waiting, reason: string): void {
    if (this.#isStopped) return;
    const failures = waiting.failures + 1;
    const text = `a ${waiting.type} transaction was not broadcast (${waiting.key})`;
    if (failures > mostFailures) {
      this.#log("error", `${text}, and is given up after ${failures} attempts: ${reason}`);
      return;
    }
    if (failures === 1) this.#log("warn", `${text}; trying again: ${reason}`);
    this.#waiting.set(waiting.key, { ...waiting, failures });
    this.#dropOldest();
    const { retryMilliseconds = 1_000 } = this.#options;
    const timer = setTimeout(
      () => {
        this.#timers.delete(waiting.key);
        this.#sendNext();
      },
      retryMilliseconds * 2 ** Math.min(failures - 1, 6),
    );
    this.#timers.set(waiting.key, timer);
  }

  #dropOldest(): void {
    const { capacity = 500 } = this.#options;
    for (const [key, { type }] of this.#waiting) {
      if (this.#waiting.size <= capacity) return;
      this.#waiting.delete(key);
      this.#clearTimer(key);
      this.#log("error", `a ${type} transaction is not broadcast (${key}): ${capacity} others wait already`);
    }
  }

  #logRefusal({ key, type }: Waiting, reason: string): void {
    if (this.#refused.get(key) === reason) return;
    this.#refused.delete(key);
    this.#refused.set(key, reason);
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= rememberedRefusals) break;
      this.#refused.delete(oldest);
    }
    this.#log("warn", `a ${type} transaction was refused (${key}): ${reason}`);
  }

  #log(level: "warn" | "error", text: string): void {
    this.#options.logger.log({ level, module: "broadcast", text });
  }

  #clearTimer(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  #checkIdle(): void {
    if (this.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** What came until one accepts, or all: a source that hangs holds up nothing that another one took. */
function acceptedOrAll(offers: readonly Promise<Offered>[]): Promise<readonly Offered[]> {
  const come: Offered[] = [];
  return new Promise((resolve) => {
    for (const offer of offers) {
      void offer.then((outcome) => {
        come.push(outcome);
        if (outcome.kind === "accepted" || come.length === offers.length) resolve(come);
      });
    }
  });
}
