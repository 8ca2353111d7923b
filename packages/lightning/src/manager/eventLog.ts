import type { Event, IndexedEvent } from "../handlers/event.ts";
import { encodeEventAck, encodeIndexedEvent } from "../storage/v1/event.ts";
import { eventAckKey, eventKey } from "../storage/v1/keys.ts";
import type { RecordEncoder } from "./encodedBatch.ts";

/**
 * The user's events: rows with a rising index, stored with what caused them, and handed out from when that is durable
 * until the user acknowledges them.
 */
export class EventLog {
  /** Handed out, in order, and not acknowledged. */
  #pending: IndexedEvent[];
  #writes: RecordEncoder[] = [];
  #lastIndex: number;

  /** `stored` are the events not acknowledged before the restart; `lastIndex` is the highest index ever given. */
  constructor(stored: readonly IndexedEvent[], lastIndex: number) {
    this.#pending = [...stored];
    this.#lastIndex = lastIndex;
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

  pending(limit: number): readonly IndexedEvent[] {
    return this.#pending.slice(0, limit);
  }

  /** Forgets all events up to `index`, itself included. Only what was handed out can be acknowledged. */
  acknowledge(index: number): void {
    const kept = this.#pending.findIndex((event) => event.index > index);
    const gone = kept < 0 ? this.#pending : this.#pending.slice(0, kept);
    const last = gone.at(-1);
    if (last === undefined) return;
    this.#writes.push(() => [
      ...gone.map((event) => ({ key: eventKey(event.index), value: undefined })),
      { key: eventAckKey, value: encodeEventAck(last.index) },
    ]);
    this.#pending = kept < 0 ? [] : this.#pending.slice(kept);
  }

  takeWrites(): readonly RecordEncoder[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }
}
