import type { BlockHash, Txid } from "@fulmen/bitcoin/primitives";
import type { BlockLocator } from "@fulmen/lightning/chain";
import { type BlockHeight, blockHeight } from "@fulmen/lightning/util";
import type { ChainFollower } from "../chainSource.ts";
import type { KnownHeader } from "../headers/index.ts";
import { ChainMoved } from "./chainMoved.ts";
import type { ConfirmedTransaction } from "./confirmedTransaction.ts";
import type { HeaderChain } from "./headerChain.ts";

/** What is no longer in the chain of what a follower knows. */
export interface Undoing {
  /** The last block of what it knows that is; `undefined` when that is too long ago for it to know. */
  readonly forkPoint: { readonly hash: BlockHash; readonly height: BlockHeight } | undefined;
  readonly unconfirmed: readonly Txid[];
}

/** What a follower was told. */
export class FollowerState {
  readonly #follower: ChainFollower;
  /** The block in which it was told that a transaction is. */
  readonly #told = new Map<Txid, { readonly hash: BlockHash; readonly height: number }>();

  constructor(follower: ChainFollower) {
    this.#follower = follower;
  }

  get position(): BlockLocator | undefined {
    return this.#follower.position();
  }

  /** What has to be undone; `undefined` when the follower is on the chain. */
  async undoing(chain: HeaderChain): Promise<Undoing | undefined> {
    const { position } = this;
    if (position === undefined) return undefined;
    await chain.learnLinked(position.height);
    if (chain.known(position.height)?.hash === position.hash) return undefined;
    const forkPoint = await forkPointOf(position, chain);
    const height = chain.heightOf(position.hash);
    if (height !== undefined) {
      const message = `the server says that block ${position.hash} is at height ${height}, not ${position.height}`;
      throw new ChainMoved("invalid-chain", message);
    }
    const above = this.relevant().filter(
      ({ height }) => forkPoint === undefined || height > forkPoint.height,
    );
    await chain.learn(above.map(({ height }) => height).filter((height) => height <= position.height));
    const gone = above.filter(({ height, blockHash }) => chain.known(height)?.hash !== blockHash);
    return { forkPoint, unconfirmed: gone.map(({ txid }) => txid) };
  }

  /** Confirmed transactions of which the follower says itself where they are. */
  relevant(): readonly { readonly txid: Txid; readonly height: number; readonly blockHash: BlockHash }[] {
    return this.#follower.listeners.flatMap((listener) => listener.relevantTxids());
  }

  undo({ forkPoint, unconfirmed }: Undoing): void {
    for (const listener of this.#follower.listeners) {
      if (forkPoint !== undefined) listener.blocksDisconnected(forkPoint);
      // What the fork point has told is not told twice.
      const rest = forkPoint && new Set(listener.relevantTxids().map(({ txid }) => txid));
      for (const txid of unconfirmed) if (rest?.has(txid) !== false) listener.transactionUnconfirmed(txid);
    }
    for (const [txid, { height }] of this.#told) {
      if (height > (forkPoint?.height ?? -1)) this.#told.delete(txid);
    }
  }

  /** Whether it was told that the transaction is in the block at this height, as far as that is known. */
  wasTold(txid: Txid, height: number, chain: HeaderChain): boolean {
    return this.#told.get(txid)?.height === height && this.wasPlaced(txid, chain);
  }

  /** Whether it was told that the transaction is in some block, which is not known to be gone. */
  wasPlaced(txid: Txid, chain: HeaderChain): boolean {
    const told = this.#told.get(txid);
    if (told === undefined) return false;
    const block = chain.known(told.height);
    return block === undefined || block.hash === told.hash;
  }

  /** Tells of transactions of one block, and that the chain has come to it where that is news. */
  tell(block: KnownHeader, transactions: readonly ConfirmedTransaction[]): void {
    const { position } = this;
    const isAhead = position === undefined || position.height < block.height;
    if (transactions.length === 0 && !isAhead) return;
    const inBlock = transactions.map(({ index, transaction }) => ({ index, transaction }));
    for (const { txid } of transactions) this.#told.set(txid, block);
    for (const listener of this.#follower.listeners) {
      if (inBlock.length > 0) listener.transactionsConfirmed(block.header, inBlock, block.height);
      if (isAhead) listener.bestBlockUpdated(block.header, block.height);
    }
  }

  /** Tells what the best block is, unless that is known; says whether it told. */
  tellTip({ header, hash, height }: KnownHeader): boolean {
    if (this.position?.hash === hash) return false;
    for (const listener of this.#follower.listeners) listener.bestBlockUpdated(header, height);
    return true;
  }
}

async function forkPointOf(position: BlockLocator, chain: HeaderChain): Promise<Undoing["forkPoint"]> {
  const ancestors = position.ancestors.slice(0, position.height);
  await chain.learn(ancestors.map((_, i) => position.height - 1 - i));
  for (const [i, hash] of ancestors.entries()) {
    const height = position.height - 1 - i;
    if (chain.known(height)?.hash === hash) return { hash, height: blockHeight(height) };
  }
  return undefined;
}
