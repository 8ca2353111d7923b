import { blockHash, workOfBits } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import { type BlockHeight, present } from "@fulmen/lightning/util";
import type { ChainClients, ChainFollower, ChainTip, SyncProgress } from "../chainSource.ts";
import { CheckedHeaders, invalidChain, type KnownHeader, retargetInterval } from "../headers/index.ts";
import type { BlockClient } from "./blockClient.ts";
import { ChainMoved } from "./chainMoved.ts";
import { type CheckedBlock, checkedBlock } from "./checkedBlock.ts";
import { behind, type ForkPoint, forkPointOf } from "./forkPoint.ts";

export interface BlockSyncOptions {
  readonly client: BlockClient;
  readonly network: Network;
  /** Blocks that are fetched while earlier ones are applied; 4 when not given. */
  readonly fetchAhead?: number;
}

/** Headers that are asked for at once. */
const headersAtOnce = 500;
/** Attempts to get answers that fit together: the chain may move meanwhile. */
const attempts = 4;

interface Start extends ForkPoint {
  readonly follower: ChainFollower;
}

/**
 * Brings followers at different positions to the tip of a source of whole blocks, in one pass over the blocks. Nobody
 * hears of a block whose header has no work, does not follow from what the follower knows, or does not commit to its
 * transactions; and nobody goes over to a branch with less work than the one that he is on.
 */
export class BlockSync {
  readonly #client: BlockClient;
  readonly #network: Network;
  readonly #headers: CheckedHeaders;
  readonly #fetchAhead: number;

  constructor({ client, network, fetchAhead = 4 }: BlockSyncOptions) {
    this.#client = client;
    this.#network = network;
    this.#headers = new CheckedHeaders(network);
    this.#fetchAhead = Math.max(1, fetchAhead);
  }

  /** As `ChainSource.sync`, without the mempool. */
  async sync(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#syncOnce(clients, progress);
      } catch (error) {
        if (!(error instanceof ChainMoved)) throw error;
        if (attempt === attempts) throw invalidChain(error.message);
      }
    }
  }

  async #syncOnce(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip> {
    const tip = await this.#client.tip();
    const starts: Start[] = [];
    for (const follower of clients.followers) starts.push(await this.#startOf(follower, tip));
    // First the headers: a branch must be worth leaving another one for.
    for (const start of starts) await this.#expectMoreWork(start, tip);
    for (const { follower, fork, abandoned } of starts) {
      if (abandoned === 0) continue;
      for (const listener of follower.listeners)
        listener.blocksDisconnected({ hash: fork.hash, height: fork.height });
    }
    const [first, ...others] = starts.map(({ fork }) => fork);
    if (first === undefined) return tip;
    const lowest = others.reduce((low, fork) => (fork.height < low.height ? fork : low), first);
    let reached = lowest;
    for await (const block of this.#blocksAfter(lowest, tip)) {
      tell(clients.followers, block);
      reached = block;
      progress?.({ height: block.height, tip: tip.height });
      await clients.paced?.();
    }
    return { hash: reached.hash, height: reached.height };
  }

  async #startOf(follower: ChainFollower, tip: ChainTip): Promise<Start> {
    const position = follower.position() ?? this.#genesis();
    const parts = { client: this.#client, headers: this.#headers, tip };
    return { follower, ...(await forkPointOf(position, parts)) };
  }

  #genesis() {
    return { hash: this.#network.genesisHash, height: 0 as BlockHeight, ancestors: [] };
  }

  async #expectMoreWork({ fork, abandoned, abandonedWork }: Start, tip: ChainTip): Promise<void> {
    if (abandoned === 0) return;
    let work = 0n;
    for await (const { header } of this.#headersAfter(fork, tip)) {
      work += workOfBits(header.bits);
      if (work >= abandonedWork) return;
    }
    throw behind(fork.height + abandoned, tip);
  }

  /** Checked headers up to the height of the tip. */
  async *#headersAfter(from: KnownHeader, tip: ChainTip): AsyncGenerator<KnownHeader> {
    let last = from;
    while (last.height < tip.height) {
      const count = Math.min(headersAtOnce, tip.height - last.height);
      const hashes = await this.#client.hashes(last.height + 1, count);
      if (hashes.length === 0) throw new ChainMoved(`there is no block ${last.height + 1} any more`);
      const headers = await this.#client.headers(hashes);
      for (const header of headers) {
        if (header.previous !== last.hash) {
          throw new ChainMoved(
            `block ${last.height + 1} does not follow block ${last.height} (${last.hash})`,
          );
        }
        if ((last.height + 1) % retargetInterval === 0) await this.#learnPeriod(last);
        last = this.#headers.extend(last, header);
        yield last;
      }
      if (headers.length < hashes.length)
        throw new ChainMoved(`headers after block ${last.height} are missing`);
    }
  }

  /** Makes the headers known of the period that ends with `last`: what is asked for next follows from its first. */
  async #learnPeriod(last: KnownHeader): Promise<void> {
    if (this.#headers.before(last, retargetInterval - 1) !== undefined) return;
    const from = last.height - retargetInterval + 1;
    const hashes = await this.#client.hashes(from, retargetInterval);
    const headers = await this.#client.headers(hashes);
    // From the last, whose hash is known, down: each says what the hash of the one before is.
    let expected = last.hash;
    for (let index = headers.length - 1; index >= 0; index--) {
      const header = present(headers[index], "a header");
      if (blockHash(header) !== expected)
        throw new ChainMoved(`block ${from + index} is not that before the next`);
      this.#headers.trust(header, expected, (from + index) as BlockHeight);
      expected = header.previous;
    }
  }

  /** Checked blocks, of which some are under way while the one before is told of. */
  async *#blocksAfter(from: KnownHeader, tip: ChainTip): AsyncGenerator<CheckedBlock> {
    const headers = this.#headersAfter(from, tip);
    const underWay: { readonly known: KnownHeader; readonly bytes: Promise<Uint8Array> }[] = [];
    let isAtEnd = false;
    for (;;) {
      while (!isAtEnd && underWay.length < this.#fetchAhead) {
        const next = await headers.next();
        if (next.done === true) isAtEnd = true;
        else underWay.push({ known: next.value, bytes: this.#fetch(next.value) });
      }
      const next = underWay.shift();
      if (next === undefined) return;
      yield checkedBlock(await next.bytes, next.known);
    }
  }

  #fetch({ hash, height }: KnownHeader): Promise<Uint8Array> {
    const bytes = this.#client.block(hash, height);
    // Who waits for it later hears of it; nobody may wait any more when an earlier one fails.
    bytes.catch(() => {});
    return bytes;
  }
}

/** All who are at the block before, without an `await` in between. */
function tell(followers: readonly ChainFollower[], { header, transactions, height }: CheckedBlock): void {
  for (const follower of followers) {
    const position = follower.position();
    const isNext = position === undefined ? height === 1 : position.hash === header.previous;
    if (!isNext) continue;
    for (const listener of follower.listeners) listener.blockConnected(header, transactions, height);
  }
}
