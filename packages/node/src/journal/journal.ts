import { pagesBelow } from "@fulmen/background";
import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import type { Logger } from "@fulmen/lightning/handlers";
import { messageOf } from "@fulmen/lightning/util";
import type { StoredNodeEvent } from "../api/events.ts";
import type { LedgerAccount } from "../api/ledger.ts";
import { NodeError } from "../api/nodeError.ts";
import type { Payment } from "../api/payments.ts";
import { type JournalHead, JournalTransaction } from "./journalTransaction.ts";
import { accountPrefix, headKey } from "./keys.ts";
import { PendingRows } from "./pendingRows.ts";
import { decodeRow } from "./rowCodec.ts";

export interface JournalOptions {
  readonly store: KVStore;
  readonly logger: Logger;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Events that are kept. */
  readonly maxEvents: number;
  /** Milliseconds after which `call` looks whether the store fails; 5,000 unless told. */
  readonly patience?: number;
}

/** What a transaction brought, once it is durable. */
export interface JournalNews {
  readonly events: readonly StoredNodeEvent[];
  readonly payments: readonly Payment[];
}

const newJournal: JournalHead = {
  nextEvent: 1,
  nextPayment: 1,
  nextEntry: 1,
  managerIndex: 0,
  firstEvent: 1,
};
/** Old events that one transaction takes away at most. */
const forgottenAtOnce = 200;
/** Transactions that one commit has at most. */
const mostTogether = 100;
const shortestRetry = 100;
const longestRetry = 10_000;
const defaultPatience = 5_000;
/** Milliseconds after which a store that does not answer counts as failing. */
const longestCommit = 30_000;

type Body<T> = (transaction: JournalTransaction) => Promise<T> | T;

/** A call that waits for its turn. */
interface Waiting {
  readonly isAlone: boolean;
  /** Calls the body. */
  attempt(transaction: JournalTransaction): Promise<Attempt>;
}

/** How a body ended: what it wrote is to be committed, or it threw. Its caller hears of it when it is told. */
type Attempt = { reject(error: unknown): void } & (
  | { readonly isDone: true; fulfil(): void }
  | { readonly isDone: false; readonly error: unknown }
);

/**
 * What the node tells its user, durably: events, payments, and the ledger. One transaction after the other, each seeing
 * those before it; all that wait while the store is busy are committed as one. A commit that fails is tried again until it
 * succeeds or the journal is closed, so that no event is ever passed over.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #accounts: Map<LedgerAccount, bigint>;
  readonly #listeners = new Set<(news: JournalNews) => void>();
  #head: JournalHead;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #isClosed = false;
  #commitUnderWay: { readonly refusal?: string; readonly since: number } | undefined;

  private constructor(options: JournalOptions, head: JournalHead, accounts: Map<LedgerAccount, bigint>) {
    this.#options = options;
    this.#head = head;
    this.#accounts = accounts;
  }

  /** The journal as the store has it; a new one in a new store. */
  static async open(options: JournalOptions): Promise<Journal> {
    const { store } = options;
    const bytes = await store.read(headKey);
    const head = bytes === undefined ? newJournal : decodeRow<JournalHead>(headKey, bytes);
    const accounts = new Map<LedgerAccount, bigint>();
    for await (const page of pagesBelow(store, accountPrefix)) {
      for (const { key, value } of page) {
        const { amount } = decodeRow<{ readonly amount: bigint }>(key, value);
        accounts.set(key.slice(accountPrefix.length) as LedgerAccount, amount);
      }
    }
    return new Journal(options, head, accounts);
  }

  get head(): JournalHead {
    return this.#head;
  }

  get accounts(): ReadonlyMap<LedgerAccount, bigint> {
    return this.#accounts;
  }

  /**
   * Calls `body`, which reads what all before it wrote, and resolves when what it wrote is durable. That of others is
   * committed with it.
   */
  run<T>(body: Body<T>): Promise<T> {
    return this.#queued(body, false);
  }

  /** As `run`, when all before it is durable: for a body that looks at what `whenDurable` changed. */
  runAlone<T>(body: Body<T>): Promise<T> {
    return this.#queued(body, true);
  }

  /**
   * As `run`, for a call that somebody waits for: rejects with `frozen` when it has waited for some seconds and the
   * store fails, or does not answer; one that is slow is waited for. What `body` wrote may become durable after that;
   * `late` hears of it then.
   */
  call<T>(body: Body<T>, late?: (result: T) => void): Promise<T> {
    const result = this.run(body);
    return new Promise((resolve, reject) => {
      let isLate = false;
      const look = (): void => {
        isLate = this.#isFailing;
        if (isLate) reject(frozen(this.refusal ?? "the store does not answer"));
        else timer = setTimeout(look, this.#options.patience ?? defaultPatience);
      };
      let timer = setTimeout(look, this.#options.patience ?? defaultPatience);
      result
        .finally(() => clearTimeout(timer))
        .then((value) => (isLate ? late?.(value) : resolve(value)), reject);
    });
  }

  /** Hears of what has become durable, until the function that it gives is called. */
  onNews(listener: (news: JournalNews) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async get<T>(key: string): Promise<T | undefined> {
    const bytes = await this.#options.store.read(key);
    return bytes && decodeRow<T>(key, bytes);
  }

  /** Rows below `prefix`, behind `after`. */
  async scan<T>(prefix: string, after: string | undefined, limit: number): Promise<readonly T[]> {
    const found = await this.#options.store.scan(prefix, after, limit);
    return found.map(({ key, value }) => decodeRow<T>(key, value));
  }

  /** All rows below `prefix`, page by page. */
  async *all<T>(prefix: string): AsyncGenerator<T> {
    for await (const page of pagesBelow(this.#options.store, prefix))
      for (const { key, value } of page) yield decodeRow<T>(key, value);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when what is under way is durable; a commit that fails is not tried again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
    for (const listener of this.#listeners) listener({ events: [], payments: [] });
  }

  /** Why the store has refused what is being committed; it is tried again and again. */
  get refusal(): string | undefined {
    return this.#commitUnderWay?.refusal;
  }

  get #isFailing(): boolean {
    const { refusal, since } = this.#commitUnderWay ?? {};
    return refusal !== undefined || (since !== undefined && performance.now() - since > longestCommit);
  }

  #queued<T>(body: Body<T>, isAlone: boolean): Promise<T> {
    return new Promise((fulfil, reject) => {
      const attempt = async (transaction: JournalTransaction): Promise<Attempt> => {
        try {
          const result = await body(transaction);
          return { isDone: true, fulfil: () => fulfil(result), reject };
        } catch (error) {
          return { isDone: false, error, reject };
        }
      };
      this.#waiting.push({ isAlone, attempt });
      this.#working ??= this.#work();
    });
  }

  async #work(): Promise<void> {
    // Those that are called in the same turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#runTogether(this.#nextGroup());
    this.#working = undefined;
  }

  #nextGroup(): readonly Waiting[] {
    const alone = this.#waiting.findIndex(({ isAlone }) => isAlone);
    const most = alone < 0 ? mostTogether : Math.min(Math.max(alone, 1), mostTogether);
    return this.#waiting.splice(0, most);
  }

  /** Nobody hears of anything before all is durable: what a body threw may rest on what another one wrote. */
  async #runTogether(group: readonly Waiting[]): Promise<void> {
    const { store, now } = this.#options;
    const pending = new PendingRows(store, { head: this.#head, accounts: this.#accounts });
    const ended: { readonly transaction: JournalTransaction; readonly how: Attempt }[] = [];
    for (const { attempt } of group) {
      const transaction = new JournalTransaction(pending, now());
      const how = await attempt(transaction);
      ended.push({ transaction, how });
      if (!how.isDone) continue;
      this.#forgetOld(transaction);
      pending.add(transaction);
    }
    try {
      await this.#commit(pending.writes());
    } catch (error) {
      for (const { how } of ended) how.reject(error);
      return;
    } finally {
      this.#commitUnderWay = undefined;
    }
    this.#head = pending.head;
    for (const [account, amount] of pending.accounts) this.#accounts.set(account, amount);
    for (const { transaction, how } of ended) {
      if (!how.isDone) how.reject(how.error);
      else {
        this.#committed(transaction);
        how.fulfil();
      }
    }
  }

  #committed(transaction: JournalTransaction): void {
    transaction.committed();
    const { events, payments } = transaction;
    if (events.length === 0 && payments.length === 0) return;
    for (const listener of [...this.#listeners]) listener({ events, payments });
  }

  #forgetOld(transaction: JournalTransaction): void {
    const { nextEvent, firstEvent } = transaction.head;
    const first = Math.min(nextEvent - this.#options.maxEvents, firstEvent + forgottenAtOnce);
    if (first > firstEvent) transaction.forgetEvents(first);
  }

  async #commit(writes: readonly KvWrite[]): Promise<void> {
    if (writes.length === 0) return;
    const { store, logger } = this.#options;
    this.#commitUnderWay = { since: performance.now() };
    for (let delay = shortestRetry; ; delay = Math.min(2 * delay, longestRetry)) {
      try {
        await store.commit(writes);
        return;
      } catch (error) {
        const isFatal = error instanceof Error && "isFatal" in error && error.isFatal === true;
        const text = messageOf(error);
        if (isFatal || this.#isClosed) {
          throw new NodeError("frozen", `the store does not take what happened: ${text}`, {
            remedy: "see to the store, and start the node anew: it goes on from what is stored",
            cause: error,
          });
        }
        this.#commitUnderWay = { refusal: text, since: performance.now() };
        logger.log({ level: "warn", module: "journal", text: `not stored, trying again: ${text}` });
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

function frozen(message: string): NodeError {
  return new NodeError("frozen", message, {
    remedy:
      "see to the store: space on the disk, permissions, the database's server; then look before you ask again",
  });
}
