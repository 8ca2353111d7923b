import { blockHash } from "@fulmen/bitcoin/block";
import type { Network } from "@fulmen/bitcoin/network";
import type { BlockHash, Txid } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid as txidOf } from "@fulmen/bitcoin/transaction";
import type { WatchedOutput } from "@fulmen/lightning/chain";
import type { BlockHeight } from "@fulmen/lightning/util";
import type { ChainClients, ChainFollower, ChainGap, ChainTip, SyncProgress } from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { type KnownHeader, keepHeaders, leastTip, recallHeaders } from "../headers/index.ts";
import { blockOfSpend } from "./blockOfSpend.ts";
import { ChainMoved } from "./chainMoved.ts";
import { fetchTransaction } from "./confirmedTransaction.ts";
import { FollowerState, type Undoing } from "./followerState.ts";
import { HeaderChain } from "./headerChain.ts";
import { mapLimited } from "./mapLimited.ts";
import { parentsFirst } from "./parentsFirst.ts";
import { type Placed, Round, type RoundBlock } from "./round.ts";
import { ScriptRota } from "./scriptRota.ts";
import type { HeaderTip, TransactionClient } from "./transactionClient.ts";
import type { WatchList } from "./watchList.ts";

export interface TransactionSyncOptions {
  readonly client: TransactionClient;
  readonly network: Network;
  /** What the listeners registered. */
  readonly watch: WatchList;
  /** Milliseconds before what did not fit together is asked for again, doubled each time; 250 when not given. */
  readonly retryDelay?: number;
  /**
   * Resolves after so many milliseconds, or rejects with what ends the sync: for sources that are stopped meanwhile.
   */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/** Times that a sync begins anew because the chain moved meanwhile, or the server contradicted itself. */
const maxAttempts = 5;
/** Tips that one sync follows when they come faster than it gets there. */
const maxRounds = 10;
/** Unconfirmed transactions that are told of at once. */
const maxMempool = 1_000;
/**
 * Times that a round tells of unconfirmed ones: scripts that they show to be used make others known, and nobody has to
 * pay for what a server makes up.
 */
const maxMempoolTurns = 10;
/** Unconfirmed transactions that are remembered as told. */
const maxSeen = 10_000;

/**
 * Follows the chain by questions about transactions, for servers that are not asked for whole blocks. What is gone is
 * undone first; then blocks are told in their order, each with its transactions in theirs and without an `await` in
 * between; what listeners register on account of it is asked for before the next block is told of.
 *
 * @ldk lightning_transaction_sync::EsploraSyncClient
 */
export class TransactionSync {
  readonly #client: TransactionClient;
  readonly #network: Network;
  readonly #watch: WatchList;
  readonly #chain: HeaderChain;
  readonly #rota = new ScriptRota();
  readonly #states = new WeakMap<ChainFollower, FollowerState>();
  readonly #seen = new Set<Txid>();
  /** The last tip that everybody was brought to. */
  #reached: BlockHash | undefined;
  #gaps: readonly ChainGap[] = [];
  readonly #retryDelay: number;
  readonly #wait: (milliseconds: number) => Promise<void>;

  constructor({ client, network, watch, retryDelay = 250, wait = pause }: TransactionSyncOptions) {
    this.#client = client;
    this.#network = network;
    this.#watch = watch;
    this.#chain = new HeaderChain(client, network);
    this.#retryDelay = retryDelay;
    this.#wait = wait;
  }

  /** As `ChainSource.blockOfSpend`. */
  blockOfSpend(output: WatchedOutput): Promise<ChainTip | undefined> {
    return blockOfSpend(this.#client, this.#network, output);
  }

  /** As `ChainSource.keptHeaders`. */
  keptHeaders(): Uint8Array | undefined {
    return keepHeaders(this.#chain.row, this.#network);
  }

  /** As `ChainSource.recall`. */
  recall(kept: Uint8Array): BlockHeight | undefined {
    this.#chain.recall(recallHeaders(kept, this.#network));
    return this.#chain.tip?.height;
  }

  /** As `ChainSource.gaps`. */
  get gaps(): readonly ChainGap[] {
    return this.#gaps;
  }

  /** As `ChainSource.sync`. */
  async sync(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip> {
    let tip = await this.#insistently(() => this.#syncOnce(clients, progress));
    for (let round = 1; round < maxRounds; round++) {
      const { height, header } = await this.#client.tip();
      if (height < tip.height || blockHash(header) === tip.hash) break;
      tip = await this.#insistently(() => this.#syncOnce(clients, progress));
    }
    return { hash: tip.hash, height: tip.height };
  }

  async #insistently<T>(action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof ChainMoved)) throw error;
        if (attempt === maxAttempts) throw error.asError;
        await this.#wait(this.#retryDelay * 2 ** (attempt - 1));
      }
    }
  }

  async #syncOnce(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<KnownHeader> {
    const followers = clients.followers.map((follower) => this.#stateOf(follower));
    const tip = await this.#client.tip();
    expectNotBehind(tip, followers, this.#network);
    const target = await this.#chain.moveTo(tip, []);
    const undoings: (Undoing | undefined)[] = [];
    for (const follower of followers) undoings.push(await follower.undoing(this.#chain));
    const round = new Round({
      client: this.#client,
      chain: this.#chain,
      watch: this.#watch,
      followers,
      target,
      newestOf: (script) => this.#rota.newestOf(script),
      // Nobody knows yet what is going to be undone.
      isStored: (placed) => undoings.every((each) => each === undefined) && this.#isStored(placed, clients),
      unconfirmed: new Set(undoings.flatMap((undoing) => undoing?.unconfirmed ?? [])),
    });
    const added = new Set(this.#watch.takeNew().map(({ txid }) => txid));
    this.#rota.takeNew(clients.scripts);
    await round.askForOutputs(this.#watch.all(), added);
    await round.askForScripts(this.#rota.nextTurn(this.#extentAt(target)));
    let next = await round.nextBlock();
    await round.expectSameChain();
    for (const [i, undoing] of undoings.entries()) {
      if (undoing === undefined) continue;
      followers[i]?.undo(undoing);
      this.#watch.disconnectedAbove(undoing.forkPoint?.height ?? -1);
    }
    for (let mempoolTurns = 0; ; ) {
      if (next !== undefined) {
        this.#tell(next, followers);
        round.told(next);
        progress?.({ height: next.block.height, tip: target.height });
      } else if (followers.filter((each) => each.tellTip(target)).length > 0) {
        progress?.({ height: target.height, tip: target.height });
      } else {
        const wasNews = mempoolTurns++ < maxMempoolTurns && (await this.#tellMempool(round, clients));
        if (!wasNews) break;
      }
      await clients.paced?.();
      await this.#askForNew(round, clients);
      next = await round.nextBlock();
      await round.expectSameChain();
    }
    for (const use of round.scripts) this.#rota.asked(use);
    this.#watch.prune(target.height);
    const wallets = this.#rota.hidden().map((script) => ({ script, use: "wallet" }) as const);
    this.#gaps = [...round.hidden.map((script) => ({ script, use: "output" }) as const), ...wallets];
    this.#reached = target.hash;
    return target;
  }

  #isStored({ txid, height }: Placed, { scripts }: ChainClients): boolean {
    const known = this.#chain.known(height);
    return scripts.every((source) => {
      const block = source.blockOf?.(txid);
      if (block?.height !== height) return false;
      return known === undefined || known.hash === block.blockHash;
    });
  }

  /** In one go: whoever stores what he hears never stores half a block. */
  #tell({ block, transactions }: RoundBlock, followers: readonly FollowerState[]): void {
    for (const { txid, transaction } of transactions) {
      this.#watch.confirmed(txid, transaction, block.height);
      this.#seen.delete(txid);
    }
    for (const follower of followers) {
      follower.tell(
        block,
        transactions.filter(
          ({ txid, isForced }) => isForced || !follower.wasTold(txid, block.height, this.#chain),
        ),
      );
    }
  }

  /** What listeners registered on account of what they were told. */
  async #askForNew(round: Round, { scripts }: ChainClients): Promise<void> {
    const watched = this.#watch.takeNew();
    await round.askForOutputs(watched, new Set(watched.map(({ txid }) => txid)));
    if (!this.#rota.takeNew(scripts)) return;
    const asked = new Set(round.scripts.map(({ script }) => script));
    await round.askForScripts(this.#rota.unasked().filter((script) => !asked.has(script)));
  }

  /** Tells of unconfirmed transactions that were not told of before; says whether there were any. */
  async #tellMempool(round: Round, { mempool }: ChainClients): Promise<boolean> {
    const news = round.mempool.filter(({ txid }) => !this.#seen.has(txid)).slice(0, maxMempool);
    const found = await mapLimited(news, this.#client.maxConcurrency, (item) =>
      fetchTransaction(this.#client, item),
    );
    for (const { txid } of news) this.#seen.add(txid);
    for (const txid of this.#seen) {
      if (this.#seen.size <= maxSeen) break;
      this.#seen.delete(txid);
    }
    const transactions = found.filter((each): each is Transaction => each !== undefined);
    for (const transaction of parentsFirst(transactions, txidOf)) {
      for (const listener of mempool) listener.transactionSeen(transaction);
    }
    return transactions.length > 0;
  }

  /** Without a new block, only what is likely to be in the mempool is worth a request. */
  #extentAt({ hash }: KnownHeader): "all" | "part" | "few" {
    if (this.#client.isToldOfChanges) return "all";
    return hash === this.#reached ? "few" : "part";
  }

  #stateOf(follower: ChainFollower): FollowerState {
    const known = this.#states.get(follower);
    if (known !== undefined) return known;
    const state = new FollowerState(follower);
    this.#states.set(follower, state);
    return state;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A chain never gets shorter: a server whose tip is lower does not know all that was known already. */
function expectNotBehind({ height }: HeaderTip, followers: readonly FollowerState[], network: Network): void {
  const highest = Math.max(leastTip(network), ...followers.map(({ position }) => position?.height ?? 0));
  if (height >= highest) return;
  throw new ChainSourceError(
    "not-synced",
    `the server's chain ends at height ${height}, ${highest - height} blocks before what is known already`,
    "wait until the server has caught up with the chain, or use another one",
  );
}
