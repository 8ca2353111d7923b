import type { BlockHeader } from "@fulmen/bitcoin/block";
import { txid } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, TransactionInBlock } from "../chain/chainInterface.ts";
import { nextDeadline } from "../channel/ops/chain.ts";
import type { ChannelState, FundedChannel } from "../channel/state.ts";
import type { BlockHash, BlockHeight, ChannelId, Txid } from "../util/ids.ts";
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

/** What blocks mean to channels. Only those that a block concerns take a step. */
export class ChainTracker {
  readonly #core: ManagerCore;

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
    const { tip } = this.#core;
    const known = [tip.hash, ...tip.ancestors];
    const ancestors = known.slice(tip.height - forkPoint.height + 1);
    this.#core.setTip({ hash: forkPoint.hash, height: forkPoint.height, ancestors });
  }

  confirmed({ hash, height, transactions }: BlockWithTransactions): void {
    const wanted = new Map<Txid, ChannelId[]>();
    for (const [channelId, { commitments }] of this.#funded()) {
      for (const { outPoint } of commitments.fundings) {
        const ids = wanted.get(outPoint.txid);
        if (ids === undefined) wanted.set(outPoint.txid, [channelId]);
        else ids.push(channelId);
      }
    }
    if (wanted.size === 0) return;
    for (const { index, transaction } of transactions) {
      for (const channelId of wanted.get(txid(transaction)) ?? []) {
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
    for (const [channelId, { state }] of [...channels.all()]) {
      if (concernsBlock(state, height))
        this.#core.input(() => channels.step(channelId, { kind: "new-block" }));
    }
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

/** Whether a block may change the channel by its height alone. */
function concernsBlock(state: ChannelState, height: number): boolean {
  switch (state.kind) {
    case "wait-for-channel-ready":
    case "normal":
    case "shutting-down":
    case "negotiating": {
      const deadline = nextDeadline(state);
      return deadline !== undefined && deadline <= height;
    }
    case "offline":
    case "syncing":
      return concernsBlock(state.inner, height);
    case "awaiting-signer":
      return concernsBlock(state.before, height);
    case "closing":
      return true;
    case "wait-for-accept-channel":
    case "wait-for-acceptance":
    case "wait-for-funding-transaction":
    case "wait-for-funding-created":
    case "wait-for-funding-signed":
    case "wait-for-remote-close":
    case "ended":
      return false;
  }
}
