import type { KVStore, KvWrite } from "@fulmen/lightning/chain";
import type { LedgerAccount } from "../api/ledger.ts";
import type { JournalBefore, JournalHead, JournalTransaction } from "./journalTransaction.ts";
import { accountKey, headKey } from "./keys.ts";
import { encodeRow } from "./rowCodec.ts";

/** The journal with transactions that are not committed yet: the next one reads what they wrote. */
export class PendingRows implements JournalBefore {
  readonly #store: KVStore;
  readonly #durable: { readonly head: JournalHead; readonly accounts: ReadonlyMap<LedgerAccount, bigint> };
  readonly #writes = new Map<string, Uint8Array | undefined>();
  readonly #changed = new Map<LedgerAccount, bigint>();
  #head: JournalHead;

  /** `durable`: what the store has. */
  constructor(
    store: KVStore,
    durable: { readonly head: JournalHead; readonly accounts: ReadonlyMap<LedgerAccount, bigint> },
  ) {
    this.#store = store;
    this.#durable = durable;
    this.#head = durable.head;
  }

  get head(): JournalHead {
    return this.#head;
  }

  /** The accounts that change, with what they have then. */
  get accounts(): ReadonlyMap<LedgerAccount, bigint> {
    return this.#changed;
  }

  account(account: LedgerAccount): bigint {
    return this.#changed.get(account) ?? this.#durable.accounts.get(account) ?? 0n;
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    return this.#writes.has(key) ? this.#writes.get(key) : this.#store.read(key);
  }

  add({ head, accounts, writes }: JournalTransaction): void {
    this.#head = head;
    for (const [account, amount] of accounts) this.#changed.set(account, amount);
    for (const [key, value] of writes) this.#writes.set(key, value);
  }

  /** All that is to be committed; nothing when nothing has changed. */
  writes(): readonly KvWrite[] {
    const rows = new Map(this.#writes);
    for (const [account, amount] of this.#changed) rows.set(accountKey(account), encodeRow({ amount }));
    if (this.#head !== this.#durable.head) rows.set(headKey, encodeRow(this.#head));
    return [...rows].map(([key, value]) => ({ key, value }));
  }
}
