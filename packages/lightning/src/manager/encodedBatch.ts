import type { KvWrite } from "../chain/kvStore.ts";
import type { Batch } from "./batch.ts";

/** Encodes some records of a batch. */
export type RecordEncoder = () => readonly KvWrite[];

/** A batch that encodes its records when they are first asked for: a host that stores nothing pays nothing. */
export class EncodedBatch implements Batch {
  readonly sequence: number;
  #encoders: readonly RecordEncoder[];
  #writes: readonly KvWrite[] | undefined;

  constructor(sequence: number, encoders: readonly RecordEncoder[]) {
    this.sequence = sequence;
    this.#encoders = encoders;
  }

  get writes(): readonly KvWrite[] {
    if (this.#writes === undefined) {
      // What several inputs changed is written once, as the last of them left it.
      const writes = new Map<string, KvWrite>();
      for (const encode of this.#encoders) for (const write of encode()) writes.set(write.key, write);
      this.#writes = [...writes.values()];
      this.#encoders = [];
    }
    return this.#writes;
  }
}
