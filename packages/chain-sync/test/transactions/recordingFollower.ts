import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import type { BlockHash, Txid } from "@fulmen/bitcoin/primitives";
import { txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { ChainFollower } from "@fulmen/chain-sync";
import type { BlockLocator, Confirm, Listen, TransactionInBlock } from "@fulmen/lightning/chain";
import type { BlockHeight } from "@fulmen/lightning/util";

/** Writes down what it hears, and is where that brings it. */
export class RecordingFollower implements ChainFollower, Listen, Confirm {
  readonly listeners = [this];
  /** `confirmed 101: <txid>`, `best 101`, `fork 100`, `unconfirmed <txid>`. */
  lines: string[] = [];
  readonly confirmed = new Map<Txid, { readonly height: BlockHeight; readonly blockHash: BlockHash }>();
  /** Called with each transaction that is confirmed. */
  onTransaction: (told: TransactionInBlock) => void = () => {};
  #position: BlockLocator | undefined;
  /** Below this height it says nothing of what it knows. */
  relevantFrom = 0;

  constructor(position?: BlockLocator) {
    this.#position = position;
  }

  position(): BlockLocator | undefined {
    return this.#position;
  }

  /** What it heard since the last call. */
  take(): readonly string[] {
    const { lines } = this;
    this.lines = [];
    return lines;
  }

  blockConnected(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    this.transactionsConfirmed(header, transactions, height);
    this.bestBlockUpdated(header, height);
  }

  blocksDisconnected({ hash, height }: { readonly hash: BlockHash; readonly height: BlockHeight }): void {
    this.lines.push(`fork ${height}`);
    for (const [txid, at] of this.confirmed) if (at.height > height) this.confirmed.delete(txid);
    this.#position = { hash, height, ancestors: [] };
  }

  transactionsConfirmed(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: BlockHeight,
  ): void {
    for (const each of transactions) {
      const txid = txidOf(each.transaction);
      this.lines.push(`confirmed ${height}: ${txid}`);
      this.confirmed.set(txid, { height, blockHash: blockHash(header) });
      this.onTransaction(each);
    }
  }

  transactionUnconfirmed(txid: Txid): void {
    this.lines.push(`unconfirmed ${txid}`);
    this.confirmed.delete(txid);
  }

  bestBlockUpdated(header: BlockHeader, height: BlockHeight): void {
    this.lines.push(`best ${height}`);
    const before = this.#position;
    const ancestors =
      before?.hash === header.previous ? [before.hash, ...before.ancestors].slice(0, 12) : [header.previous];
    this.#position = { hash: blockHash(header), height, ancestors };
  }

  relevantTxids(): ReturnType<Confirm["relevantTxids"]> {
    return [...this.confirmed]
      .filter(([, { height }]) => height >= this.relevantFrom)
      .map(([txid, at]) => ({ txid, ...at }));
  }
}
