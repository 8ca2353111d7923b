import type { Txid } from "@fulmen/bitcoin/primitives";
import { present } from "@fulmen/lightning/util";
import { ChainMoved } from "./chainMoved.ts";
import { type ConfirmedTransaction, fetchConfirmed } from "./confirmedTransaction.ts";
import type { FollowerState } from "./followerState.ts";
import type { HeaderChain, KnownHeader } from "./headerChain.ts";
import { mapLimited } from "./mapLimited.ts";
import { askChildren, askOutputs } from "./questions.ts";
import type { HistoryItem, TransactionClient } from "./transactionClient.ts";
import { finalDepth, type WatchedTransaction, type WatchList } from "./watchList.ts";

interface Pending {
  readonly item: HistoryItem;
  /** If it spends outputs of these, it is told again to those who know: they registered them after they were told. */
  readonly forcedBy: ReadonlySet<Txid>;
}

const nothing: ReadonlySet<Txid> = new Set();

/** A block with what it has of interest. */
export interface RoundBlock {
  readonly block: KnownHeader;
  readonly transactions: readonly (ConfirmedTransaction & { readonly isForced: boolean })[];
}

/** When a script was used, as the server says. */
export interface ScriptHistory {
  readonly script: Uint8Array;
  /** Of its transactions; `undefined` in the mempool. */
  readonly heights: readonly (number | undefined)[];
}

/** What a round is about. */
export interface RoundContext {
  readonly client: TransactionClient;
  readonly chain: HeaderChain;
  readonly watch: WatchList;
  readonly followers: readonly FollowerState[];
  /** Up to where this round goes. */
  readonly target: KnownHeader;
  /** What the followers are going to be told is not confirmed any more. */
  readonly unconfirmed: ReadonlySet<Txid>;
}

/** What was found out for one tip and not told yet. */
export class Round {
  readonly #context: RoundContext;
  /** By height. */
  readonly #pending = new Map<number, Map<Txid, Pending>>();
  readonly #loaded = new Map<Txid, ConfirmedTransaction>();
  /** What nobody can prove. */
  readonly #unprovable = new Set<Txid>();
  readonly #mempool = new Map<Txid, HistoryItem>();
  /** Transactions of which the followers say themselves that they are confirmed. */
  readonly #relevant: ReadonlySet<Txid>;
  /** Histories of wallets' scripts. */
  readonly histories: ScriptHistory[] = [];
  /** Whether something was asked since the tip was last looked at. */
  #hasAsked = false;

  constructor(context: RoundContext) {
    this.#context = context;
    const relevant = context.followers.flatMap((each) => each.relevant()).map(({ txid }) => txid);
    this.#relevant = new Set(relevant.filter((txid) => !context.unconfirmed.has(txid)));
  }

  /** Unconfirmed transactions that were found. */
  get mempool(): readonly HistoryItem[] {
    return [...this.#mempool.values()];
  }

  /** Asks what became of watched transactions. What spends `forced` ones is told even to those who know it. */
  async askForOutputs(watched: readonly WatchedTransaction[], forced: ReadonlySet<Txid>): Promise<void> {
    if (watched.length > 0) this.#hasAsked = true;
    const { client } = this.#context;
    const questions = watched.map((each) => ({ ...each, wantsCreator: !this.#isPlaced(each.txid) }));
    const answers = await askOutputs(client, questions);
    const items: Pending[] = [];
    for (const [i, { creator, spenders }] of answers.entries()) {
      const { txid } = present(watched[i], "a watched transaction");
      if (creator !== undefined && !this.#isPlaced(txid)) items.push({ item: creator, forcedBy: nothing });
      for (const item of spenders) items.push({ item, forcedBy: forced.has(txid) ? forced : nothing });
    }
    await this.#take(items);
  }

  /** Asks for the histories of wallets' scripts. */
  async askForScripts(scripts: readonly Uint8Array[]): Promise<void> {
    if (scripts.length > 0) this.#hasAsked = true;
    const { client } = this.#context;
    const histories = await mapLimited(scripts, client.maxConcurrency, async (script) => ({
      script,
      history: await client.scriptHistory(script, (item) => this.#isSettled(item)),
    }));
    for (const { script, history } of histories) {
      this.histories.push({ script, heights: history.map(({ height }) => height) });
    }
    await this.#take(
      histories.flatMap(({ history }) => history.map((item) => ({ item, forcedBy: nothing }))),
    );
  }

  /** The lowest block with something to tell, its transactions in order; `undefined` when there is none. */
  async nextBlock(): Promise<RoundBlock | undefined> {
    for (;;) {
      const height = Math.min(...this.#pending.keys());
      if (height === Number.POSITIVE_INFINITY) return undefined;
      await this.#load(height);
      await this.#addChildren(height);
      const block = this.#known(height);
      const pending = present(this.#pending.get(height), "the transactions of the block");
      const { followers } = this.#context;
      const transactions = [...pending].flatMap(([txid, { forcedBy }]) => {
        const loaded = this.#loaded.get(txid);
        if (loaded === undefined) return [];
        const isForced = loaded.transaction.inputs.some(({ outPoint }) => forcedBy.has(outPoint.txid));
        if (!isForced && followers.every((each) => each.wasTold(txid, block))) return [];
        return [{ ...loaded, isForced }];
      });
      if (transactions.length > 0) {
        return { block, transactions: transactions.sort((a, b) => a.index - b.index) };
      }
      this.#pending.delete(height);
    }
  }

  /** The block was told of. */
  told({ block, transactions }: RoundBlock): void {
    this.#pending.delete(block.height);
    for (const { txid } of transactions) this.#loaded.delete(txid);
  }

  /** Makes sure that what was asked for so far is about one chain, in which the round's target still is. */
  async expectSameChain(): Promise<void> {
    if (!this.#hasAsked) return;
    const { client, chain, target } = this.#context;
    const tip = await client.tip();
    if (tip.height < target.height) throw new ChainMoved("not-synced", "the server's tip went back");
    await chain.moveTo(tip, [target.height]);
    if (chain.known(target.height)?.hash !== target.hash) {
      throw new ChainMoved("not-synced", "the chain was reorganised while it was asked for");
    }
    this.#hasAsked = false;
  }

  /** Whether all know that the transaction is confirmed. */
  #isPlaced(txid: Txid): boolean {
    const { chain, followers } = this.#context;
    return this.#relevant.has(txid) || followers.every((each) => each.wasPlaced(txid, chain));
  }

  #isSettled({ txid, height }: HistoryItem): boolean {
    const { chain, followers } = this.#context;
    const block = height === undefined ? undefined : chain.known(height);
    return (
      block !== undefined && this.#isFinal(block) && followers.every((each) => each.wasTold(txid, block))
    );
  }

  #isFinal({ height }: KnownHeader): boolean {
    return height + finalDepth <= this.#context.target.height;
  }

  #known(height: number): KnownHeader {
    const known = this.#context.chain.known(height);
    if (known !== undefined) return known;
    throw new ChainMoved("not-synced", `the block at height ${height} went away while it was asked for`);
  }

  async #take(items: readonly Pending[]): Promise<void> {
    const { chain, followers, target } = this.#context;
    const confirmed: { readonly height: number; readonly pending: Pending }[] = [];
    for (const pending of items) {
      const { height, txid } = pending.item;
      if (height === undefined) this.#mempool.set(txid, pending.item);
      // What is in a later block is for the next round.
      else if (height <= target.height) confirmed.push({ height, pending });
    }
    await chain.learn(confirmed.map(({ height }) => height));
    for (const { height, pending } of confirmed) {
      const { item, forcedBy } = pending;
      this.#mempool.delete(item.txid);
      if (this.#unprovable.has(item.txid)) continue;
      const isNews = !followers.every((each) => each.wasTold(item.txid, this.#known(height)));
      if (!isNews && forcedBy.size === 0) continue;
      const block = this.#pending.get(height) ?? new Map<Txid, Pending>();
      this.#pending.set(height, block);
      const known = block.get(item.txid);
      const both = known === undefined ? forcedBy : new Set([...forcedBy, ...known.forcedBy]);
      block.set(item.txid, { item: known?.item ?? item, forcedBy: both });
    }
  }

  /** Fetches the transactions of the lowest block, and a few ahead. */
  async #load(lowest: number): Promise<void> {
    const { client } = this.#context;
    const missing = (height: number) =>
      [...(this.#pending.get(height)?.values() ?? [])].filter(
        ({ item }) => !this.#loaded.has(item.txid) && !this.#unprovable.has(item.txid),
      );
    if (missing(lowest).length === 0) return;
    const heights = [...this.#pending.keys()].sort((a, b) => a - b);
    const wanted: { readonly height: number; readonly item: HistoryItem }[] = [];
    for (const height of heights) {
      if (wanted.length >= 4 * client.maxConcurrency) break;
      for (const { item } of missing(height)) wanted.push({ height, item });
    }
    this.#hasAsked = true;
    await mapLimited(wanted, client.maxConcurrency, async ({ height, item }) => {
      const found = await fetchConfirmed(client, item, this.#known(height));
      if (found === undefined) this.#unprovable.add(item.txid);
      else this.#loaded.set(item.txid, found);
    });
  }

  /**
   * Adds what the block has besides of the spending of what is watched: a commitment and what claims from it may be in
   * one block, and is told of in one go.
   */
  async #addChildren(height: number): Promise<void> {
    const { client, watch } = this.#context;
    const asked = new Set<Txid>();
    for (;;) {
      const parents = [...(this.#pending.get(height)?.keys() ?? [])]
        .flatMap((txid) => this.#loaded.get(txid) ?? [])
        .filter(({ txid, transaction }) => !asked.has(txid) && this.#isOfInterest(transaction, asked, watch));
      if (parents.length === 0) return;
      this.#hasAsked = true;
      for (const { txid } of parents) asked.add(txid);
      const children = await askChildren(
        client,
        parents.map(({ txid, transaction: { outputs } }) => ({ txid, outputs })),
      );
      await this.#take(
        children.filter((item) => item.height === height).map((item) => ({ item, forcedBy: asked })),
      );
      await this.#load(height);
    }
  }

  #isOfInterest(
    transaction: ConfirmedTransaction["transaction"],
    asked: ReadonlySet<Txid>,
    watch: WatchList,
  ): boolean {
    return (
      watch.isSpentBy(transaction) || transaction.inputs.some(({ outPoint }) => asked.has(outPoint.txid))
    );
  }
}
