import type { BlockHeader } from "@fulmen/bitcoin/block";
import type { Confirm, Listen } from "@fulmen/lightning/chain";
import type { BlockHeight } from "@fulmen/lightning/util";

/** Remembers when the newest block says it was made: what the machine's clock can be compared with. */
export class NewestBlock implements Listen, Confirm {
  #height = -1;
  #time: number | undefined;

  /** Seconds since 1970; absent until a block was heard of. Miners may set it two hours ahead. */
  get time(): number | undefined {
    return this.#time;
  }

  blockConnected(header: BlockHeader, _transactions: unknown, height: BlockHeight): void {
    this.bestBlockUpdated(header, height);
  }

  bestBlockUpdated({ time }: BlockHeader, height: BlockHeight): void {
    if (height < this.#height) return;
    this.#height = height;
    this.#time = time;
  }

  blocksDisconnected({ height }: { readonly height: BlockHeight }): void {
    this.#height = Math.min(this.#height, height);
  }

  transactionsConfirmed(): void {}

  transactionUnconfirmed(): void {}

  relevantTxids(): readonly never[] {
    return [];
  }
}
