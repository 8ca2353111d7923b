import { InvariantError } from "@fulmen/lightning/util";
import type { NodeEvent, StoredNodeEvent } from "../api/events.ts";
import type { LedgerAccount, LedgerEntry } from "../api/ledger.ts";
import type { Payment } from "../api/payments.ts";
import {
  entryPrefix,
  eventPrefix,
  numbered,
  openPrefix,
  paymentIdKey,
  paymentKey,
  sentHashKey,
} from "./keys.ts";
import { decodeRow, encodeRow } from "./rowCodec.ts";

/** How far the journal has come. */
export interface JournalHead {
  readonly nextEvent: number;
  readonly nextPayment: number;
  readonly nextEntry: number;
  /** The manager's events up to this index are in it. */
  readonly managerIndex: number;
  /** The oldest event that is kept. */
  readonly firstEvent: number;
}

/** The journal as a transaction finds it. */
export interface JournalBefore {
  readonly head: JournalHead;
  account(account: LedgerAccount): bigint;
  read(key: string): Promise<Uint8Array | undefined>;
}

/** Rows that become durable together, and are read as if they were. */
export class JournalTransaction {
  /** Seconds since 1970. */
  readonly at: number;
  readonly #before: JournalBefore;
  readonly #writes = new Map<string, Uint8Array | undefined>();
  readonly #changed = new Map<LedgerAccount, bigint>();
  #head: JournalHead;
  readonly events: StoredNodeEvent[] = [];
  readonly payments: Payment[] = [];
  readonly #actions: (() => void)[] = [];

  /** `at` in seconds since 1970. */
  constructor(before: JournalBefore, at: number) {
    this.#before = before;
    this.#head = before.head;
    this.at = at;
  }

  get head(): JournalHead {
    return this.#head;
  }

  /** The accounts that change, with what they have then. */
  get accounts(): ReadonlyMap<LedgerAccount, bigint> {
    return this.#changed;
  }

  /** The manager's event of this index is dealt with. */
  managerEvent(index: number): void {
    this.#head = { ...this.#head, managerIndex: Math.max(index, this.#head.managerIndex) };
  }

  event(event: NodeEvent): void {
    const index = this.#head.nextEvent;
    this.#head = { ...this.#head, nextEvent: index + 1 };
    const stored = { index, at: this.at, event };
    this.events.push(stored);
    this.put(numbered(eventPrefix, index), stored);
  }

  /** Events below this index are forgotten. */
  forgetEvents(first: number): void {
    for (let index = this.#head.firstEvent; index < first; index++) {
      this.#writes.set(numbered(eventPrefix, index), undefined);
    }
    this.#head = { ...this.#head, firstEvent: Math.max(first, this.#head.firstEvent) };
  }

  payment(id: string): Promise<Payment | undefined> {
    return this.#paymentBy(paymentIdKey(id));
  }

  /** The last payment that was begun for this hash, whatever its id: none before it is under way, or has succeeded. */
  lastSent(paymentHash: string): Promise<Payment | undefined> {
    return this.#paymentBy(sentHashKey(paymentHash));
  }

  async #paymentBy(key: string): Promise<Payment | undefined> {
    const at = await this.get<{ readonly sequence: number }>(key);
    return at && (await this.get<Payment>(paymentKey(at.sequence)));
  }

  /** A payment that was not there before. */
  addPayment(payment: Omit<Payment, "sequence">): Payment {
    const sequence = this.#head.nextPayment;
    this.#head = { ...this.#head, nextPayment: sequence + 1 };
    const added = { ...payment, sequence };
    this.put(paymentIdKey(payment.id), { sequence });
    const { direction, paymentHash } = payment;
    if (direction === "sent" && paymentHash !== undefined) this.put(sentHashKey(paymentHash), { sequence });
    this.putPayment(added);
    return added;
  }

  putPayment(payment: Payment): void {
    this.payments.push(payment);
    this.put(paymentKey(payment.sequence), payment);
    const isOpen = payment.status === "pending" || payment.status === "held";
    if (payment.kind !== "onchain")
      this.put(`${openPrefix}${payment.id}`, isOpen ? { id: payment.id } : undefined);
  }

  forgetPayment({ id, sequence }: Payment): void {
    this.put(paymentIdKey(id), undefined);
    this.put(paymentKey(sequence), undefined);
    this.put(`${openPrefix}${id}`, undefined);
  }

  account(account: LedgerAccount): bigint {
    return this.#changed.get(account) ?? this.#before.account(account);
  }

  /** Books an entry, unless nothing moves. Throws when its sides do not add up: that is a bug. */
  entry(entry: Omit<LedgerEntry, "index" | "at">): void {
    const postings = entry.postings.filter(({ amount }) => amount !== 0n);
    if (postings.length === 0) return;
    let sum = 0n;
    for (const { account, amount } of postings) {
      sum += amount;
      this.#changed.set(account, this.account(account) + amount);
    }
    if (sum !== 0n) throw new InvariantError(`a ledger entry that is off by ${sum} msat: ${entry.text}`);
    const index = this.#head.nextEntry;
    this.#head = { ...this.#head, nextEntry: index + 1 };
    this.put(numbered(entryPrefix, index), { ...entry, postings, index, at: this.at });
  }

  async get<T>(key: string): Promise<T | undefined> {
    const bytes = this.#writes.has(key) ? this.#writes.get(key) : await this.#before.read(key);
    return bytes && decodeRow<T>(key, bytes);
  }

  put(key: string, value: unknown): void {
    this.#writes.set(key, value === undefined ? undefined : encodeRow(value));
  }

  /** Calls `action` when all this is durable, and before the next transaction; never, when it fails. */
  whenDurable(action: () => void): void {
    this.#actions.push(action);
  }

  /** It is durable. */
  committed(): void {
    for (const action of this.#actions) action();
  }

  /** The rows that change, beside the head and the accounts. */
  get writes(): ReadonlyMap<string, Uint8Array | undefined> {
    return this.#writes;
  }
}
