import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BroadcastOutcome, ChainSource, FeerateTable } from "@fulmen/chain-sync";
import type { FurtherSource } from "../parts/index.ts";

/** After a failure nobody asks again for so long, in milliseconds. */
const rest = 30_000;

/** It is started when it is needed first, and nobody waits for it: a node runs without it. */
export class PatientSource implements FurtherSource {
  readonly #source: ChainSource;
  #started: Promise<unknown> | undefined;
  #failure: { readonly error: unknown; readonly until: number } | undefined;

  constructor(source: ChainSource) {
    this.#source = source;
  }

  get name(): string {
    return this.#source.name;
  }

  get problem(): string | undefined {
    const error = this.#failure?.error;
    return error === undefined || error instanceof Error ? error?.message : String(error);
  }

  feerates(): Promise<FeerateTable> {
    return this.#asked(() => this.#source.feerates());
  }

  broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    return this.#asked(() => this.#source.broadcast(transactions));
  }

  stop(): Promise<void> {
    return this.#source.stop();
  }

  /** Rejects at once while it rests: a source that hangs keeps no broadcast from the others. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined && performance.now() < this.#failure.until) throw this.#failure.error;
    try {
      this.#started ??= this.#source.start();
      await this.#started.catch((error: unknown) => {
        this.#started = undefined;
        throw error;
      });
      const answer = await ask();
      this.#failure = undefined;
      return answer;
    } catch (error) {
      this.#failure = { error, until: performance.now() + rest };
      throw error;
    }
  }
}
