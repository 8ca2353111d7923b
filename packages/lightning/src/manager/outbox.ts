import type { KvEntry, KvWrite } from "../chain/kvStore.ts";
import type { UpdateRef } from "../onchain/channelMonitorUpdate.ts";
import type { StorageError } from "../storage/storageError.ts";
import { outboxKey } from "../storage/v1/keys.ts";
import { type OutboxRow, outboxWrite, readOutboxRow } from "../storage/v1/outbox.ts";
import { ok, type Result } from "../util/result.ts";
import type { RecordEncoder } from "./encodedBatch.ts";

/**
 * What a `Watch` that keeps its monitors elsewhere may not have yet: rows that are written in the batch of what they
 * follow from, and are given to the `Watch` again after a restart. Rows are deleted with whatever is written next: one
 * that is given twice does no harm.
 */
export class Outbox {
  /** Sequence numbers by the names of updates. */
  readonly #sequences = new Map<string, number>();
  #gone: KvWrite[] = [];
  #next = 0;

  /**
   * The outbox with the rows of before the restart, `entries` being all below `outboxPrefix`, and those rows in order.
   */
  static restore(
    entries: readonly KvEntry[],
  ): Result<{ readonly outbox: Outbox; readonly rows: readonly OutboxRow[] }, StorageError> {
    const outbox = new Outbox();
    const rows: OutboxRow[] = [];
    for (const entry of entries) {
      const read = readOutboxRow(entry);
      if (!read.ok) return read;
      const { sequence, row } = read.value;
      outbox.#sequences.set(nameOf(refOf(row)), sequence);
      outbox.#next = sequence + 1;
      rows.push(row);
    }
    return ok({ outbox, rows });
  }

  /** Writes the row. */
  add(row: OutboxRow): RecordEncoder {
    const sequence = this.#next;
    this.#next += 1;
    this.#sequences.set(nameOf(refOf(row)), sequence);
    return () => [outboxWrite(sequence, row)];
  }

  /** The `Watch` has dealt with it for good. */
  settled(ref: UpdateRef): void {
    const name = nameOf(ref);
    const sequence = this.#sequences.get(name);
    if (sequence === undefined) return;
    this.#sequences.delete(name);
    this.#gone.push({ key: outboxKey(sequence), value: undefined });
  }

  /** Deletes what was settled since the last call. */
  takeDeletions(): readonly KvWrite[] {
    const gone = this.#gone;
    this.#gone = [];
    return gone;
  }
}

/** The update that a row brings. */
export function refOf(row: OutboxRow): UpdateRef {
  return row.kind === "watch-channel" ? row.setup.initial : row.update;
}

function nameOf({ channelId, updateId }: UpdateRef): string {
  return `${channelId} ${updateId}`;
}
