import type { KvWrite } from "@fulmen/lightning/chain";
import { encodedLength } from "./encodedWrites.ts";
import type { StoreError } from "./storeError.ts";

/** Commits that wait are joined up to so many bytes. */
const groupBytes = 4 * 2 ** 20;

interface PendingCommit {
  readonly writes: readonly KvWrite[];
  readonly bytes: number;
  readonly fulfil: () => void;
  readonly reject: (error: StoreError) => void;
}

/** What a store does with commits. */
export interface GroupWriter {
  /** Makes writes durable and visible, all of them or none. */
  write(writes: readonly KvWrite[]): Promise<void>;
  /** What its commits are rejected with. */
  refusal(error: unknown): StoreError;
  /** Runs after a group was written, before the next one. */
  afterwards?(): Promise<void>;
}

/**
 * Brings commits to a store in their order, all that wait while it is busy as one. When that is rejected, those that
 * were called meanwhile are rejected, too: they may rest on it.
 */
export class GroupCommits {
  readonly #writer: GroupWriter;
  #pending: PendingCommit[] = [];
  #writing: Promise<void> | undefined;

  constructor(writer: GroupWriter) {
    this.#writer = writer;
  }

  commit(writes: readonly KvWrite[]): Promise<void> {
    return new Promise<void>((fulfil, reject) => {
      this.#pending.push({ writes, bytes: encodedLength(writes), fulfil, reject });
      this.#writing ??= this.#writePending();
    });
  }

  /** Fulfilled when all that was committed before has its answer. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writePending(): Promise<void> {
    // Those that are called in the same turn go together.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const commits = this.#nextGroup();
      try {
        await this.#writer.write(commits.flatMap(({ writes }) => writes));
      } catch (error) {
        const reason = this.#writer.refusal(error);
        const refused = [...commits, ...this.#pending];
        this.#pending = [];
        for (const { reject } of refused) reject(reason);
        continue;
      }
      for (const { fulfil } of commits) fulfil();
      await this.#writer.afterwards?.();
    }
    this.#writing = undefined;
  }

  #nextGroup(): readonly PendingCommit[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#pending.length && (count === 0 || bytes < groupBytes)) {
      bytes += this.#pending[count]?.bytes ?? 0;
      count++;
    }
    return this.#pending.splice(0, count);
  }
}
