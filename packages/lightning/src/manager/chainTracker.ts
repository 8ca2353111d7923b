import type { BlockHeader } from "@fulmen/bitcoin/block";
import { txid } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, TransactionInBlock } from "../chain/chainInterface.ts";
import { nextDeadline } from "../channel/ops/chain.ts";
import type { ChannelState, FundedChannel } from "../channel/state.ts";
import type { BlockHash, BlockHeight, ChannelId, Txid } from "../util/ids.ts";
import { HeightIndex } from "./heightIndex.ts";
import type { ManagerCore } from "./managerCore.ts";

/** Hashes of blocks before the tip that are kept to find a fork point. */
const ancestorsKept = 12;

interface BlockTip {
  readonly header: BlockHeader;
  readonly hash: BlockHash;
  readonly height: BlockHeight;
}

interface BlockWithTransactions extends BlockTip {
  readonly transactions: readonly TransactionInBlock[];
}

/**
 * What blocks mean to channels. Only those that a block concerns take a step, and the others cost nothing: they are
 * found by funding transactions that may still come, and by their next deadlines.
 */
export class ChainTracker {
  readonly #core: ManagerCore;
  /** Funding transactions that are not confirmed, or not for long. */
  readonly #byFunding = new Map<Txid, Set<ChannelId>>();
  readonly #fundings = new Map<ChannelId, readonly Txid[]>();
  /** When those of a channel have been confirmed for long. */
  readonly #settling = new HeightIndex<ChannelId>();
  /** From which height on a block concerns a channel by its height alone. */
  readonly #deadlines = new HeightIndex<ChannelId>();

  constructor(core: ManagerCore) {
    this.#core = core;
  }

  connected(block: BlockWithTransactions): void {
    this.confirmed(block);
    this.best(block);
  }

  /** Blocks above the fork point are gone, and the confirmations in them. */
  disconnected(forkPoint: { readonly hash: BlockHash; readonly height: BlockHeight }): void {
    for (const [channelId, { fundingStatus }] of this.#funded()) {
      if (fundingStatus.kind === "confirmed" && fundingStatus.height > forkPoint.height) {
        this.#unconfirm(channelId);
      }
    }
    for (const [channelId, height] of this.#core.closed.fundingSpent) {
      if (height <= forkPoint.height) continue;
      this.#core.closed.fundingSpent.set(channelId, forkPoint.height + settledDepth);
      this.#deadlines.put(channelId, 0);
    }
    const { tip } = this.#core;
    const known = [tip.hash, ...tip.ancestors];
    const ancestors = known.slice(tip.height - forkPoint.height + 1);
    this.#core.setTip({ hash: forkPoint.hash, height: forkPoint.height, ancestors });
  }

  confirmed({ hash, height, transactions }: BlockWithTransactions): void {
    this.#refresh();
    if (this.#byFunding.size === 0) return;
    for (const { index, transaction } of transactions) {
      for (const channelId of [...(this.#byFunding.get(txid(transaction)) ?? [])]) {
        this.#core.input(() =>
          this.#core.channels.step(channelId, {
            kind: "funding-confirmed",
            transaction,
            height,
            blockHash: hash,
            txIndex: index,
          }),
        );
      }
    }
  }

  unconfirmed(id: Txid): void {
    for (const [channelId, { commitments }] of this.#funded()) {
      if (commitments.fundings.some(({ outPoint }) => outPoint.txid === id)) this.#unconfirm(channelId);
    }
  }

  best({ header, hash, height }: BlockTip): void {
    const { tip, channels, claimables } = this.#core;
    if (hash === tip.hash) return;
    this.#core.setTip(locatorAfter(tip, { header, hash, height }));
    channels.refreshFeerates();
    this.#refresh();
    const due = this.#deadlines.due(height);
    for (const channelId of due) this.#core.input(() => channels.step(channelId, { kind: "new-block" }));
    // What did not step, since it is quarantined, is due again.
    for (const channelId of [...due, ...this.#settling.due(height)]) this.#index(channelId);
    this.#core.input(() => claimables.newBlock(height));
    this.#core.input(() => this.#core.failBackInTime(height));
  }

  relevant(): readonly {
    readonly txid: Txid;
    readonly height: BlockHeight;
    readonly blockHash: BlockHash;
  }[] {
    return this.#funded().flatMap(([, { commitments, fundingStatus }]) => {
      if (fundingStatus.kind !== "confirmed") return [];
      const { height, blockHash } = fundingStatus;
      return commitments.fundings.map(({ outPoint }) => ({
        txid: outPoint.txid,
        height: height as BlockHeight,
        blockHash,
      }));
    });
  }

  /** Finds out what blocks concern the channels that changed. */
  #refresh(): void {
    for (const channelId of this.#core.channels.takeChanged()) this.#index(channelId);
  }

  #index(channelId: ChannelId): void {
    const entry = this.#core.channels.get(channelId);
    const channel = this.#core.channels.funded(channelId);
    const settled = channel ? settledFrom(channel) : Number.POSITIVE_INFINITY;
    const isSettled = settled <= this.#core.tip.height;
    this.#settling.put(channelId, isSettled ? Number.POSITIVE_INFINITY : settled);
    const fundings = isSettled ? [] : (channel?.commitments.fundings ?? []);
    const ids = fundings.map(({ outPoint }) => outPoint.txid);
    this.#deadlines.put(channelId, entry ? this.#concerningHeight(entry.state) : Number.POSITIVE_INFINITY);
    const known = this.#fundings.get(channelId) ?? [];
    if (ids.length === known.length && ids.every((id, i) => id === known[i])) return;
    for (const id of known) {
      const sharing = this.#byFunding.get(id);
      sharing?.delete(channelId);
      if (sharing?.size === 0) this.#byFunding.delete(id);
    }
    for (const id of ids) {
      const sharing = this.#byFunding.get(id);
      if (sharing === undefined) this.#byFunding.set(id, new Set([channelId]));
      else sharing.add(channelId);
    }
    if (ids.length === 0) this.#fundings.delete(channelId);
    else this.#fundings.set(channelId, ids);
  }

  /** From which height on a block may change the channel by its height alone: infinity for never. */
  #concerningHeight(state: ChannelState): number {
    switch (state.kind) {
      case "wait-for-channel-ready":
      case "normal":
      case "shutting-down":
      case "negotiating":
        return nextDeadline(state) ?? Number.POSITIVE_INFINITY;
      case "offline":
      case "syncing":
        return this.#concerningHeight(state.inner);
      case "awaiting-signer":
        return this.#concerningHeight(state.before);
      case "closing":
        return this.#rebroadcastHeight(state);
      case "wait-for-accept-channel":
      case "wait-for-acceptance":
      case "wait-for-funding-transaction":
      case "wait-for-funding-created":
      case "wait-for-funding-signed":
      case "wait-for-remote-close":
      case "ended":
        return Number.POSITIVE_INFINITY;
    }
  }

  /**
   * A closed channel's block is only for what it broadcasts again: its closing transaction, with every block until the
   * monitor has seen the funding spent, and seldom afterwards, lest a reorganisation has undone that.
   */
  #rebroadcastHeight({ channel, closingTransaction }: Extract<ChannelState, { kind: "closing" }>): number {
    const { fundingStatus, fundingTransaction, commitments } = channel;
    if (fundingStatus.kind === "unconfirmed" && fundingTransaction !== undefined) return 0;
    if (closingTransaction === undefined) return Number.POSITIVE_INFINITY;
    const { height } = this.#core.tip;
    const spent = this.#core.closed.fundingSpent.get(commitments.channelId);
    return spent === undefined || height < spent ? 0 : height + settledDepth;
  }

  #unconfirm(channelId: ChannelId): void {
    this.#core.input(() => this.#core.channels.step(channelId, { kind: "funding-unconfirmed" }));
  }

  #funded(): readonly (readonly [ChannelId, FundedChannel])[] {
    const { channels } = this.#core;
    return [...channels.all()].flatMap(([id]) => {
      const channel = channels.funded(id);
      return channel ? [[id, channel] as const] : [];
    });
  }
}

/** The new tip. Blocks that were skipped leave the ancestors unknown, but for the new block's own parent. */
function locatorAfter(tip: BlockLocator, { header, hash, height }: BlockTip): BlockLocator {
  const follows = header.previous === tip.hash;
  const ancestors = follows ? [tip.hash, ...tip.ancestors] : [header.previous];
  return { hash, height, ancestors: ancestors.slice(0, ancestorsKept) };
}

/** Confirmations after which no block is expected to have a funding transaction once more. */
const settledDepth = 100;

/** The height at which the funding has that many: infinity while it is not confirmed. */
function settledFrom({ fundingStatus }: FundedChannel): number {
  if (fundingStatus.kind === "unconfirmed") return Number.POSITIVE_INFINITY;
  return fundingStatus.height + settledDepth - 1;
}
