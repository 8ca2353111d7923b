import type { Event, IndexedEvent } from "../handlers/event.ts";
import { encodeEventAck, encodeIndexedEvent } from "../storage/v1/event.ts";
import { eventAckKey, eventKey } from "../storage/v1/keys.ts";
import type { PaymentId } from "../util/ids.ts";
import type { RecordEncoder } from "./encodedBatch.ts";

/** What the log was before a restart. */
export interface EventLogStart {
  /** Events that are stored, in order. They are handed out, unless what they tell of ended with the process. */
  readonly pending: readonly IndexedEvent[];
  /** The highest index ever given; 0 when there was none. */
  readonly lastIndex: number;
  /** The highest index ever acknowledged, by the user or since there was nothing to tell. */
  readonly lastAcknowledged: number;
}

/**
 * The user's events: rows with a rising index, stored with what caused them, and handed out from when that is durable
 * until the user acknowledges them.
 */
export class EventLog {
  /** Handed out, in order, and not acknowledged. */
  #pending: IndexedEvent[];
  #writes: RecordEncoder[] = [];
  #lastIndex: number;
  #lastAcknowledged: number;

  constructor({ pending, lastIndex, lastAcknowledged }: EventLogStart) {
    this.#lastIndex = lastIndex;
    this.#lastAcknowledged = lastAcknowledged;
    this.#pending = pending.filter(({ event }) => outlivesRestart(event));
    for (const indexed of pending) if (!outlivesRestart(indexed.event)) this.discard(indexed);
  }

  /**
   * The event is told no more, since what caused it has no effect: its row goes. Its index stays taken: the user may
   * have been told of it before a restart.
   */
  discard({ index }: IndexedEvent): void {
    this.#gone([index]);
  }

  /** Gives the event its index and its row. */
  record(event: Event): IndexedEvent {
    this.#lastIndex += 1;
    const indexed: IndexedEvent = { index: this.#lastIndex, event };
    this.#writes.push(() => [{ key: eventKey(indexed.index), value: encodeIndexedEvent(indexed) }]);
    return indexed;
  }

  /** The event's batch is durable. */
  release(event: IndexedEvent): void {
    this.#pending.push(event);
    if (this.#pending.length > 1 && (this.#pending.at(-2)?.index ?? 0) > event.index) {
      this.#pending.sort((a, b) => a.index - b.index);
    }
  }

  /** By rising index, from the first above `after` on. */
  pending(limit: number, after = 0): readonly IndexedEvent[] {
    const start = after === 0 ? 0 : this.#pending.findIndex(({ index }) => index > after);
    return start < 0 ? [] : this.#pending.slice(start, start + limit);
  }

  /** Forgets one event, wherever it stands. Only what was handed out can be acknowledged. */
  acknowledgeOne(index: number): void {
    const place = this.#pending.findIndex((event) => event.index === index);
    if (place < 0) return;
    this.#gone([index]);
    this.#pending.splice(place, 1);
  }

  /** Payments of ours of whose end the user has still to hear. */
  paymentsToTell(): ReadonlySet<PaymentId> {
    const payments = new Set<PaymentId>();
    for (const { event } of this.#pending) {
      if (event.kind === "payment-sent" || event.kind === "payment-failed") payments.add(event.paymentId);
    }
    return payments;
  }

  /** Forgets all events up to `index`, itself included. Only what was handed out can be acknowledged. */
  acknowledge(index: number): void {
    const kept = this.#pending.findIndex((event) => event.index > index);
    const gone = kept < 0 ? this.#pending : this.#pending.slice(0, kept);
    if (gone.length === 0) return;
    this.#gone(gone.map((event) => event.index));
    this.#pending = kept < 0 ? [] : this.#pending.slice(kept);
  }

  /**
   * Whether so many events wait for the user that no more should be caused: they are kept in memory, and peers could
   * make us keep any number.
   */
  get isFull(): boolean {
    return this.#pending.length >= mostPending;
  }

  takeWrites(): readonly RecordEncoder[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }

  /** Deletes the rows of these events, in order, and notes that their indices were given. */
  #gone(indices: readonly number[]): void {
    // Events that had to wait may come, and be acknowledged, after later ones.
    const acknowledged = Math.max(indices.at(-1) ?? 0, this.#lastAcknowledged);
    this.#lastAcknowledged = acknowledged;
    this.#writes.push(() => [
      ...indices.map((index) => ({ key: eventKey(index), value: undefined })),
      { key: eventAckKey, value: encodeEventAck(acknowledged) },
    ]);
  }
}

/** Events that wait for the user before peers are no longer read from: some 100 MB. */
const mostPending = 100_000;

/** Channels that are not funded are not stored: nobody can answer for them after a restart. */
function outlivesRestart({ kind }: Event): boolean {
  return kind !== "open-channel-request" && kind !== "funding-generation-ready";
}
