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
      this.#writes = this.#encoders.flatMap((encode) => encode());
      this.#encoders = [];
    }
    return this.#writes;
  }
}
