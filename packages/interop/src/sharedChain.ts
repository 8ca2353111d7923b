import { encodeHeader } from "@fulmen/bitcoin/block";
import { fromHex, type Sat, toHex } from "@fulmen/bitcoin/primitives";
import {
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  type TxOut,
  txid,
} from "@fulmen/bitcoin/transaction";
import { feeratePerKw, present } from "@fulmen/lightning/util";
import {
  type ChainBlock,
  ChainBroadcaster,
  createFundedChain,
  type FundedChain,
  type RefusedBroadcast,
  type TestChain,
} from "@fulmen/testkit";
import type { LdkPeer } from "./ldkPeer.ts";
import type { BlockFact } from "./ldkProtocol.ts";

/** Who catches up with the chain when there are new blocks. */
export interface ChainFollower {
  blocksChanged(): void;
}

/**
 * The chain of a test: ours and foreign nodes get the same blocks, and what any of them broadcasts goes to one
 * mempool, where its scripts are executed and relay policy is applied.
 */
export class SharedChain {
  readonly chain: TestChain;
  /** Where our nodes broadcast. */
  readonly broadcaster: ChainBroadcaster;
  /** Whether a broadcast that the mempool refuses is part of the test; none is by default. */
  expectsRefusal: (refused: RefusedBroadcast, by: "us" | "ldk") => boolean = () => false;
  /** Where LDK's broadcasts go. */
  readonly #foreign: ChainBroadcaster;
  readonly #faucet: FundedChain["faucet"];
  readonly #followers = new Set<ChainFollower>();
  /** Each with the number of its events that were looked at for broadcasts. */
  readonly #peers = new Map<LdkPeer, number>();

  /** On a simulated chain unless `funded` is given, whose clock should be `anHourAgo`. */
  constructor(funded: FundedChain = createFundedChain({ clock: anHourAgo })) {
    this.chain = funded.chain;
    this.#faucet = funded.faucet;
    this.broadcaster = new ChainBroadcaster(funded.chain);
    this.#foreign = new ChainBroadcaster(funded.chain);
  }

  get height(): number {
    return this.chain.tip.height;
  }

  /** From now on the node gets all blocks. */
  follow(follower: ChainFollower): void {
    this.#followers.add(follower);
    follower.blocksChanged();
  }

  unfollow(follower: ChainFollower): void {
    this.#followers.delete(follower);
  }

  /** Moves a new LDK node to the tip; from now on it gets all blocks, and its broadcasts are taken. */
  async addPeer(peer: LdkPeer): Promise<void> {
    const { header, height } = blockFact(this.chain.tip);
    await peer.cmd("bestBlock", { header, height });
    this.#peers.set(peer, 0);
  }

  /** `again` takes the place of a node that has ended, whose state it was started from. */
  async replacePeer(ended: LdkPeer, again: LdkPeer): Promise<void> {
    this.collect();
    this.#peers.delete(ended);
    this.#peers.set(again, 0);
    const { height } = await again.cmd("info");
    for (let next = height + 1; next <= this.height; next++) {
      const block = this.chain.blockAt(next);
      if (block !== undefined) await again.cmd("block", blockFact(block));
    }
  }

  /** A signed transaction with `output` first; it is not broadcast. */
  fund(output: TxOut): Transaction {
    return this.#faucet.fund(this.chain, [output], feeratePerKw(1_000));
  }

  /** The same for LDK: the output's value in satoshis, its script and the transaction in hex. */
  fundHex(sats: bigint, script: string): string {
    return toHex(encodeTransaction(this.fund({ value: sats as Sat, script: fromHex(script) })));
  }

  /** Confirms all that was broadcast, and adds more blocks. Throws when a broadcast was refused. */
  async mine(count = 1): Promise<void> {
    this.collect();
    this.#checkRefusals("us", this.broadcaster.takeRefused());
    this.#checkRefusals("ldk", this.#foreign.takeRefused());
    const blocks = this.chain.mine(count);
    for (const follower of this.#followers) follower.blocksChanged();
    await Promise.all(
      [...this.#peers.keys()].map(async (peer) => {
        for (const block of blocks) await peer.cmd("block", blockFact(block));
      }),
    );
  }

  /** The last `depth` blocks give way to empty ones, one more of them: their transactions wait in the mempool again. */
  async reorg(depth: number): Promise<void> {
    this.collect();
    const { disconnected, forkPoint, connected } = this.chain.reorg(depth);
    for (const follower of this.#followers) follower.blocksChanged();
    const fork = present(this.chain.blockAt(forkPoint.height), "the fork point");
    // The latest first: what spent is gone before what it spent.
    const txids = disconnected.flatMap((block) => block.txids.slice(1).toReversed());
    for (const peer of this.#peers.keys()) {
      const { header, height } = blockFact(fork);
      await peer.cmd("unconfirm", { txids });
      await peer.cmd("bestBlock", { header, height });
      for (const block of connected) await peer.cmd("block", blockFact(block));
    }
  }

  /** Puts into the mempool what LDK has broadcast meanwhile: a child together with its parent. */
  collect(): void {
    for (const [peer, seen] of this.#peers) {
      const waiting: Transaction[] = [];
      for (const event of peer.events.slice(seen)) {
        if (event.type === "broadcast") waiting.push(decodeTransaction(fromHex(event.tx)));
      }
      this.#peers.set(peer, peer.eventCount);
      for (let parent = waiting.shift(); parent !== undefined; parent = waiting.shift()) {
        const id = txid(parent);
        const isPackage = waiting[0]?.inputs.some(({ outPoint }) => outPoint.txid === id) === true;
        const child = isPackage ? waiting.shift() : undefined;
        this.#foreign.broadcastTransactions(child === undefined ? [parent] : [parent, child], "claim");
      }
    }
  }

  #checkRefusals(by: "us" | "ldk", all: readonly RefusedBroadcast[]): void {
    const refused = all.filter((one) => !this.expectsRefusal(one, by));
    if (refused.length === 0) return;
    const reasons = refused.map(
      ({ type, refusal, transaction }) => `${type} ${txid(transaction)}: ${JSON.stringify(refusal, plain)}`,
    );
    throw new Error(`broadcasts of ${by} were refused: ${reasons.join("; ")}`);
  }
}

/** LDK takes its clock from header times: these are near enough to now and never ahead. */
export function anHourAgo(): number {
  return Math.floor(Date.now() / 1_000) - 3_600;
}

function blockFact({ block, height }: ChainBlock): BlockFact {
  const txs = block.transactions.map((transaction, position) => ({
    position,
    tx: toHex(encodeTransaction(transaction)),
  }));
  return { header: toHex(encodeHeader(block.header)), height, txs: txs.slice(1) };
}

function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
