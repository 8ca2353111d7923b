import type { Txid } from "@fulmen/bitcoin/primitives";
import { totalSize } from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import type { KnownHeader } from "../headers/index.ts";
import { ChainMoved } from "./chainMoved.ts";
import { type ConfirmedTransaction, fetchConfirmed } from "./confirmedTransaction.ts";
import type { FollowerState } from "./followerState.ts";
import type { HeaderChain } from "./headerChain.ts";
import { maxItems, tooManyItems } from "./itemLimit.ts";
import { mapLimited } from "./mapLimited.ts";
import { askChildren, askOutputs, historyOf } from "./questions.ts";
import type { HistoryItem, TransactionClient } from "./transactionClient.ts";
import { finalDepth, type WatchedTransaction, type WatchList } from "./watchList.ts";

interface Pending {
  readonly item: HistoryItem;
  /** If it spends outputs of these, it is told again to those who know: they registered them after they were told. */
  readonly forcedBy: ReadonlySet<Txid>;
}

const nothing: ReadonlySet<Txid> = new Set();
/** Bytes of transactions that came with histories and are held until they are told of. */
const maxHeldBytes = 32_000_000;

/** A block with what it has of interest. */
export interface RoundBlock {
  readonly block: KnownHeader;
  readonly transactions: readonly (ConfirmedTransaction & { readonly isForced: boolean })[];
}

/** What a script's history shows, as the server says. */
export interface ScriptUse {
  readonly script: Uint8Array;
  readonly isUsed: boolean;
  /** Whether something of it is not final. */
  readonly isMoving: boolean;
  /** Whether all of it was read; `undefined` where it was asked for no further than to what was known before. */
  readonly isWhole: boolean | undefined;
  /** The newest confirmed transaction, up to which it need not be read again. */
  readonly newest: Placed | undefined;
}

/** Where a confirmed transaction is. */
export interface Placed {
  readonly txid: Txid;
  readonly height: number;
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
  /** What `ScriptUse.newest` was when the script was asked for last. */
  readonly newestOf: (script: Uint8Array) => Placed | undefined;
  /** Whether all whose scripts' histories are asked for have stored that a transaction is in the block at this height. */
  readonly isStored: (placed: Placed) => boolean;
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
  /** What was learnt of wallets' scripts. */
  readonly scripts: ScriptUse[] = [];
  /** Scripts of watched outputs whose history the server does not give. */
  readonly hidden: Uint8Array[] = [];
  /** How many are pending or in the mempool, and the bytes of those that came along. */
  #items = 0;
  #heldBytes = 0;
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
    const answers = await askOutputs(client, questions, (script) => this.hidden.push(script));
    for (const [i, { creator, spenders }] of answers.entries()) {
      const { txid, script } = present(watched[i], "a watched transaction");
      if (!this.#hasRoomFor(spenders)) {
        this.hidden.push(script);
        continue;
      }
      if (creator !== undefined && !this.#isPlaced(txid)) this.#take(creator, nothing);
      for (const item of spenders) this.#take(item, forced.has(txid) ? forced : nothing);
    }
  }

  /** Asks for the histories of wallets' scripts. */
  async askForScripts(scripts: readonly Uint8Array[]): Promise<void> {
    if (scripts.length > 0) this.#hasAsked = true;
    const { client } = this.#context;
    await mapLimited(scripts, client.maxConcurrency, (script) => this.#askForScript(script));
  }

  async #askForScript(script: Uint8Array): Promise<void> {
    const { client, newestOf, target } = this.#context;
    const last = newestOf(script);
    const isSettled = (item: HistoryItem): boolean => this.#isSettled(item, last);
    const { items, isTooLong } = await historyOf(client, script, isSettled);
    const hasRoom = this.#hasRoomFor(items);
    let newest: Placed | undefined;
    for (const { txid, height = Infinity } of items) {
      if (height <= target.height && height > (newest?.height ?? -1)) newest = { txid, height };
    }
    this.scripts.push({
      script,
      isUsed: items.length > 0 || isTooLong,
      isMoving: items.some(({ height }) => height === undefined || !this.#isFinal(height)),
      isWhole: isTooLong || !hasRoom ? false : items.some(isSettled) ? undefined : true,
      newest: hasRoom ? newest : undefined,
    });
    if (hasRoom) for (const item of items) if (!this.#isStored(item)) this.#take(item, nothing);
  }

  /** The lowest block with something to tell, its transactions in order; `undefined` when there is none. */
  async nextBlock(): Promise<RoundBlock | undefined> {
    for (;;) {
      const height = this.#lowest();
      if (height === undefined) return undefined;
      await this.#load(height);
      await this.#addChildren(height);
      const transactions = this.#newsAt(height);
      const [first] = transactions;
      if (first !== undefined) return { block: first.block, transactions };
      this.#forget(height);
    }
  }

  /** The block was told of. */
  told({ block, transactions }: RoundBlock): void {
    this.#forget(block.height);
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

  /** Whether everything older of a script is known, of which `last` was the newest when it was read. */
  #isSettled(item: HistoryItem, last: Placed | undefined): boolean {
    const { txid, height } = item;
    if (height === undefined || last === undefined) return false;
    const isWithin = txid === last.txid || (height <= last.height && this.#isFinal(height));
    return isWithin && (this.#isKnownAt(txid, height) || this.#isStored(item));
  }

  #isStored({ txid, height }: HistoryItem): boolean {
    return height !== undefined && this.#context.isStored({ txid, height });
  }

  #hasRoomFor(items: readonly HistoryItem[]): boolean {
    return this.#items + items.length <= maxItems;
  }

  #isKnownAt(txid: Txid, height: number): boolean {
    const { chain, followers } = this.#context;
    return followers.every((each) => each.wasTold(txid, height, chain));
  }

  #isFinal(height: number): boolean {
    return height + finalDepth <= this.#context.target.height;
  }

  #lowest(): number | undefined {
    let lowest: number | undefined;
    for (const height of this.#pending.keys()) if (lowest === undefined || height < lowest) lowest = height;
    return lowest;
  }

  #forget(height: number): void {
    this.#items -= this.#pending.get(height)?.size ?? 0;
    this.#pending.delete(height);
  }

  /** What of a block was loaded and somebody does not know, in its order. */
  #newsAt(height: number): RoundBlock["transactions"] {
    const pending = this.#pending.get(height) ?? new Map<Txid, Pending>();
    const news = [...pending].flatMap(([txid, { forcedBy }]) => {
      const loaded = this.#loaded.get(txid);
      if (loaded === undefined) return [];
      const isForced = loaded.transaction.inputs.some(({ outPoint }) => forcedBy.has(outPoint.txid));
      return isForced || !this.#isKnownAt(txid, height) ? [{ ...loaded, isForced }] : [];
    });
    return news.sort((a, b) => a.index - b.index);
  }

  #known(height: number): KnownHeader {
    const known = this.#context.chain.known(height);
    if (known !== undefined) return known;
    throw new ChainMoved("not-synced", `the block at height ${height} went away while it was asked for`);
  }

  #take(item: HistoryItem, forcedBy: ReadonlySet<Txid>): void {
    const { target } = this.#context;
    const { txid, height } = item;
    if (height === undefined) {
      if (!this.#mempool.has(txid)) this.#mempool.set(txid, this.#counted(item));
      return;
    }
    this.#mempool.delete(txid);
    // What is in a later block is for the next round.
    if (height > target.height || this.#unprovable.has(txid)) return;
    if (forcedBy.size === 0 && this.#isKnownAt(txid, height)) return;
    const block = this.#pending.get(height) ?? new Map<Txid, Pending>();
    this.#pending.set(height, block);
    const known = block.get(txid);
    if (known === undefined) block.set(txid, { item: this.#counted(item), forcedBy });
    else block.set(txid, { ...known, forcedBy: new Set([...forcedBy, ...known.forcedBy]) });
  }

  /** Nothing of what comes here has been proven: there is a limit to it. */
  #counted(item: HistoryItem): HistoryItem {
    if (++this.#items > maxItems) throw tooManyItems();
    const { transaction, ...rest } = item;
    if (transaction === undefined) return item;
    this.#heldBytes += totalSize(transaction);
    // What is too much to hold is fetched when its turn comes.
    return this.#heldBytes > maxHeldBytes ? rest : item;
  }

  /** Fetches the transactions of the lowest block, and a few ahead. */
  async #load(lowest: number): Promise<void> {
    const { client, chain } = this.#context;
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
    await chain.learn(wanted.map(({ height }) => height));
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
      for (const child of children) if (child.height === height) this.#take(child, asked);
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
