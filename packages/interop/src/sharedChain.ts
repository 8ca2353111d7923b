import { encodeHeader } from "@fulmen/bitcoin/block";
import { fromHex, type Sat, toHex } from "@fulmen/bitcoin/primitives";
import {
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  type TxOut,
} from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
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
  expectsRefusal: (refused: RefusedBroadcast) => boolean = () => false;
  readonly #faucet: FundedChain["faucet"];
  readonly #followers = new Set<ChainFollower>();
  /** Each with the number of its events that were looked at for broadcasts. */
  readonly #peers = new Map<LdkPeer, number>();

  /** On a simulated chain unless `funded` is given, whose clock should be `anHourAgo`. */
  constructor(funded: FundedChain = createFundedChain({ clock: anHourAgo })) {
    this.chain = funded.chain;
    this.#faucet = funded.faucet;
    this.broadcaster = new ChainBroadcaster(funded.chain);
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
    const refused = this.broadcaster.takeRefused().filter((one) => !this.expectsRefusal(one));
    if (refused.length > 0) {
      const reasons = refused.map(({ type, refusal }) => `${type}: ${JSON.stringify(refusal, plain)}`);
      throw new Error(`broadcasts were refused: ${reasons.join("; ")}`);
    }
    const blocks = this.chain.mine(count);
    for (const follower of this.#followers) follower.blocksChanged();
    await Promise.all(
      [...this.#peers.keys()].map(async (peer) => {
        for (const block of blocks) await peer.cmd("block", blockFact(block));
      }),
    );
  }

  /** Puts into the mempool what LDK has broadcast meanwhile. */
  collect(): void {
    for (const [peer, seen] of this.#peers) {
      for (const event of peer.events.slice(seen)) {
        if (event.type !== "broadcast") continue;
        this.broadcaster.broadcastTransactions([decodeTransaction(fromHex(event.tx))], "claim");
      }
      this.#peers.set(peer, peer.eventCount);
    }
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
