import { decodeBlock } from "@fulmen/bitcoin/block";
import { encodeTransaction, type Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, BroadcasterInterface, Listen, TransactionType } from "@fulmen/lightning/chain";
import type { NetworkGraph, UtxoAnswer, UtxoLookup } from "@fulmen/lightning/gossip";
import type { Logger } from "@fulmen/lightning/handlers";
import {
  type BlockHash,
  blockHeight,
  type ShortChannelId,
  shortChannelIdParts,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import type { ChainService } from "../chain/chainService.ts";
import type { Caller } from "../rpc/call.ts";

/** Broadcasts by the chain's process. A refusal is logged: a broadcast has no answer, and is repeated. */
export class RemoteBroadcaster implements BroadcasterInterface {
  readonly #chain: Caller<ChainService>;
  readonly #logger: Logger;

  constructor(chain: Caller<ChainService>, logger: Logger) {
    this.#chain = chain;
    this.#logger = logger;
  }

  broadcastTransactions(transactions: readonly Transaction[], type: TransactionType): void {
    void this.#submit(transactions, type);
  }

  async #submit(transactions: readonly Transaction[], type: TransactionType): Promise<void> {
    try {
      const refusal = await this.#chain.call("submit", transactions.map(encodeTransaction));
      if (refusal !== undefined) this.#log(`the chain refused a ${type} transaction: ${refusal}`);
    } catch (error) {
      this.#log(`a ${type} transaction was not broadcast: ${String(error)}`);
    }
  }

  #log(text: string): void {
    this.#logger.log({ level: "warn", module: "broadcast", text });
  }
}

/** Looks up announced channels on the chain. */
export class RemoteUtxoLookup implements UtxoLookup {
  readonly #chain: Caller<ChainService>;
  readonly #answered: (id: ShortChannelId, answer: UtxoAnswer) => void;

  /** `answered` gets what was `pending`. */
  constructor(chain: Caller<ChainService>, answered: (id: ShortChannelId, answer: UtxoAnswer) => void) {
    this.#chain = chain;
    this.#answered = answered;
  }

  getUtxo(_chainHash: BlockHash, id: ShortChannelId): { readonly kind: "pending" } {
    void this.#ask(id);
    return { kind: "pending" };
  }

  async #ask(id: ShortChannelId): Promise<void> {
    let answer: UtxoAnswer = { kind: "not-found" };
    try {
      const found = await this.#chain.call("coinAt", shortChannelIdParts(id));
      if (found !== undefined) answer = { kind: "found", ...found.output };
    } catch {
      // A chain that does not answer knows of no output: the peer, or another one, will say it again.
    }
    this.#answered(id, answer);
  }
}

/** Takes channels out of the graph whose funding output was spent. */
export class GraphListener implements Listen {
  readonly #graph: NetworkGraph;
  readonly #chain: Caller<ChainService>;

  constructor(graph: NetworkGraph, chain: Caller<ChainService>) {
    this.#graph = graph;
    this.#chain = chain;
  }

  blockConnected(): void {
    for (const { shortChannelId } of this.#graph.channels()) void this.#check(shortChannelId);
  }

  /** A channel that comes back is announced again. */
  blocksDisconnected(): void {}

  async #check(id: ShortChannelId): Promise<void> {
    try {
      const coin = await this.#chain.call("coinAt", shortChannelIdParts(id));
      if (coin === undefined) this.#graph.channelClosed(id, Math.floor(Date.now() / 1_000) as UnixSeconds);
    } catch {
      // The next block asks again.
    }
  }
}

/** Brings listeners to the tip of the chain's process. */
export class ChainFollower {
  readonly #chain: Caller<ChainService>;
  readonly #listeners: readonly Listen[];
  readonly #position: () => BlockLocator;

  /** Listeners hear of each block in this order; `position` is where the last of them is. */
  constructor(chain: Caller<ChainService>, listeners: readonly Listen[], position: () => BlockLocator) {
    this.#chain = chain;
    this.#listeners = listeners;
    this.#position = position;
  }

  /** Until nothing is missing. */
  async catchUp(): Promise<void> {
    for (;;) {
      const { forkPoint, disconnected, blocks } = await this.#chain.call("blocksAfter", this.#position());
      if (disconnected === 0 && blocks.length === 0) return;
      if (disconnected > 0) {
        const fork = { hash: forkPoint.hash, height: blockHeight(forkPoint.height) };
        for (const listener of this.#listeners) listener.blocksDisconnected(fork);
      }
      for (const [index, bytes] of blocks.entries()) {
        const { header, transactions } = decodeBlock(bytes);
        const height = blockHeight(forkPoint.height + 1 + index);
        const placed = transactions.map((transaction, place) => ({ index: place, transaction }));
        for (const listener of this.#listeners) listener.blockConnected(header, placed, height);
      }
    }
  }
}
