import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { Confirm, Listen, TransactionInBlock } from "../chain/chainInterface.ts";
import type { ClaimId } from "../chain/coinSelection.ts";
import type { KvWrite } from "../chain/kvStore.ts";
import { withPrintableText } from "../handlers/logger.ts";
import { type Balance, claimableBalances } from "../onchain/balances.ts";
import type { BumpTransactionEvent } from "../onchain/bumpTransaction.ts";
import { applyUpdate, type ChannelMonitor, locked, newMonitor } from "../onchain/channelMonitor.ts";
import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import { planClaims, unsettledClaims } from "../onchain/claims.ts";
import { closeTimeline, type TimelineEntry } from "../onchain/closeTimeline.ts";
import {
  blocksDisconnected,
  relevantConfirmations,
  strangeCommitment,
  transactionConfirmed,
  transactionUnconfirmed,
  withLateRevocation,
  withLostCommitment,
} from "../onchain/confirmations.ts";
import { archivalDelay } from "../onchain/deadlines.ts";
import { monitorActions } from "../onchain/monitorActions.ts";
import { resolvedAt } from "../onchain/resolution.ts";
import { handedOver, spendableOutputs } from "../onchain/spendableOutputs.ts";
import type { ChannelMonitorUpdateStatus, MonitorEvent, MonitorSetup, Watch } from "../onchain/watch.ts";
import type { RestoredMonitor } from "../storage/v1/readMonitors.ts";
import { type BlockHash, blockHeight, type ChannelId, type OutPoint, type Txid } from "../util/ids.ts";
import { InvariantError, invariant } from "../util/invariant.ts";
import { messageOf } from "../util/text.ts";
import type { ChainMonitorEnvironment } from "./chainMonitorEnvironment.ts";
import { ForceCloseDeadlines } from "./forceCloseDeadlines.ts";
import { HeightIndex } from "./heightIndex.ts";
import { MonitorNews } from "./monitorNews.ts";
import { Monitors } from "./monitors.ts";
import { WatchedOutputs } from "./watchedOutputs.ts";

/**
 * Holds the monitors of all channels, tells them what the chain says, and broadcasts what they must.
 *
 * The updates and setups that it is given are rows of the batch that was committed before, so that each is completed
 * at once. What the monitors learn from the chain is in `takeWrites`; `committed` says that it is durable. Take
 * `takeMonitorEvents` for the same batch as the writes, so that what follows from a fact is stored together with it;
 * after a restart all events that still hold are told again.
 *
 * A monitor that a deadline made close its channel broadcasts our commitment only when its lock is durable. Penalties
 * and rebroadcasts wait for nothing.
 *
 * @ldk lightning::chain::chainmonitor::ChainMonitor
 */
export class ChainMonitor implements Watch, Listen, Confirm {
  readonly durability = "same-batch";
  readonly #environment: ChainMonitorEnvironment;
  readonly #monitors = new Monitors();
  readonly #outputs: WatchedOutputs;
  readonly #news = new MonitorNews();
  /** Channels that are closing or closed, and of which something may be left on the chain. */
  readonly #closing = new Set<ChannelId>();
  /** Those of which nothing is, as far as blocks can say for good: they cost nothing. */
  readonly #resolved = new Set<ChannelId>();
  /** When they are to be forgotten. */
  readonly #archivals = new HeightIndex<ChannelId>();
  /** When the others have to be closed. */
  readonly #deadlines = new ForceCloseDeadlines();
  readonly #bumps = new Map<ChannelId, readonly BumpTransactionEvent[]>();
  #height: number;

  /**
   * `bestHeight` is the tip up to which `monitors` have seen the chain. Call `rebroadcast` once they are at the tip.
   */
  constructor(
    environment: ChainMonitorEnvironment,
    start: { readonly bestHeight: number; readonly monitors: readonly RestoredMonitor[] },
  ) {
    const { storesApart = false, sweeper } = environment;
    invariant(!storesApart || sweeper === undefined, "a sweeper's rows and the monitors' are in one store");
    this.#environment = { ...environment, logger: withPrintableText(environment.logger) };
    this.#outputs = new WatchedOutputs(environment.filter);
    this.#height = start.bestHeight;
    for (const restored of start.monitors) {
      const { monitor } = restored;
      this.#monitors.restore(restored);
      this.#put(monitor);
      this.#apart(monitor.setup.channelId, () => this.#recognize(monitor));
      this.#news.tell(monitor, this.#height);
    }
  }

  /** Height of the best block. */
  get bestHeight(): number {
    return this.#height;
  }

  monitor(channelId: ChannelId): ChannelMonitor | undefined {
    return this.#monitors.get(channelId);
  }

  monitors(): IterableIterator<ChannelMonitor> {
    return this.#monitors.all();
  }

  /**
   * What is to be had of a channel; nothing of one that is not known.
   *
   * @ldk lightning::chain::channelmonitor::ChannelMonitor::get_claimable_balances
   */
  claimableBalances(channelId: ChannelId): readonly Balance[] {
    const monitor = this.#monitors.get(channelId);
    return monitor === undefined ? [] : claimableBalances(monitor, this.#destination(monitor));
  }

  /** How far the end of a channel has come, for `timelineLines`; empty while it is open, or not known. */
  closeTimeline(channelId: ChannelId): readonly TimelineEntry[] {
    const monitor = this.#monitors.get(channelId);
    return monitor === undefined ? [] : closeTimeline(monitor, this.#height, this.#destination(monitor));
  }

  watchChannel(setup: MonitorSetup): ChannelMonitorUpdateStatus {
    const known = this.#monitors.get(setup.channelId);
    if (known !== undefined) {
      const { outPoint } = known.setup.funding;
      invariant(
        outPointKey(outPoint) === outPointKey(setup.funding.outPoint),
        `two channels of id ${setup.channelId}`,
      );
      return "completed";
    }
    this.#monitors.storedOf(setup);
    this.#put(newMonitor(setup));
    return "completed";
  }

  setupWrites(setup: MonitorSetup): readonly KvWrite[] {
    return this.#monitors.storedOf(setup).setupWrites();
  }

  updateWrites(updates: readonly ChannelMonitorUpdate[]): readonly KvWrite[] {
    return this.#monitors.updateWrites(updates);
  }

  /** Throws `InvariantError` for a channel that is not watched and for an update that leaves out another. */
  updateChannel(update: ChannelMonitorUpdate): ChannelMonitorUpdateStatus {
    const monitor = this.#monitors.known(update.channelId);
    const outcome = applyUpdate(monitor, update);
    switch (outcome.kind) {
      case "duplicate":
        return "completed";
      case "refused":
        this.#monitors.put(outcome.monitor);
        return "refused";
      case "gap":
        throw new InvariantError(
          `channel ${update.channelId}: monitor update ${update.updateId} came before ${outcome.expected}`,
        );
      case "applied":
        this.#put(withLateRevocation(outcome.monitor));
        if (outcome.monitor.lock !== undefined)
          this.#apart(update.channelId, (monitor) => this.#act(monitor));
        return "completed";
    }
  }

  latestUpdateId(channelId: ChannelId): number | undefined {
    return this.#monitors.get(channelId)?.latestUpdateId;
  }

  /** Whether `takeWrites` has anything. */
  get hasWrites(): boolean {
    return this.#monitors.hasWrites;
  }

  /** What the chain told the monitors that know more than the store, to be committed with batch `sequence`. */
  takeWrites(sequence: number): readonly KvWrite[] {
    return this.#monitors.takeWrites(sequence);
  }

  /** Batch `sequence` and all before it are durable: what waits for a lock may be broadcast. */
  committed(sequence: number): void {
    for (const channelId of this.#monitors.committed(sequence)) {
      this.#apart(channelId, (monitor) => this.#act(monitor));
    }
  }

  /**
   * The transactions for which a wallet's coins are wanted now, one event for each claim; those that were taken before
   * and are not answered come again with the next block.
   *
   * @ldk lightning::chain::chainmonitor::ChainMonitor::process_pending_events
   */
  takeBumpEvents(): readonly BumpTransactionEvent[] {
    const events = [...this.#bumps.values()].flat();
    this.#bumps.clear();
    return events;
  }

  /** The claims of closing channels that are not settled for good: what a wallet holds for others is free again. */
  unsettledClaims(): readonly ClaimId[] {
    return [...this.#closing].flatMap((channelId) =>
      unsettledClaims(this.#monitors.known(channelId), this.#height),
    );
  }

  takeMonitorEvents(): readonly MonitorEvent[] {
    return this.#news.take();
  }

  outputsStored(channelId: ChannelId, outPoints: readonly OutPoint[]): void {
    const monitor = this.#monitors.get(channelId);
    if (monitor === undefined) return;
    const known = new Set(monitor.handedOver.map(outPointKey));
    const fresh = outPoints.filter((outPoint) => !known.has(outPointKey(outPoint)));
    if (fresh.length > 0)
      this.#set(
        handedOver(
          monitor,
          fresh.map((outPoint) => ({ outPoint })),
        ),
      );
  }

  /** Forgets a channel for good, together with its records: see `ChannelManager.archiveChannel`. */
  archive(channelId: ChannelId): void {
    const monitor = this.#monitors.get(channelId);
    if (monitor === undefined) return;
    this.#outputs.forget(monitor);
    this.#monitors.forget(channelId);
    this.#closing.delete(channelId);
    this.#resolved.delete(channelId);
    this.#archivals.put(channelId, Number.POSITIVE_INFINITY);
    this.#bumps.delete(channelId);
    this.#news.forget(channelId);
    this.#deadlines.forget(channelId);
  }

  blockConnected(header: BlockHeader, transactions: readonly TransactionInBlock[], height: number): void {
    this.transactionsConfirmed(header, transactions, height);
    this.bestBlockUpdated(header, height);
  }

  blocksDisconnected(forkPoint: { readonly hash: BlockHash; readonly height: number }): void {
    this.#goBackTo(forkPoint.height);
  }

  transactionsConfirmed(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: number,
  ): void {
    const at = { height: blockHeight(height), blockHash: blockHash(header) };
    const moved = new Set<ChannelId>();
    for (const { transaction } of transactions) {
      for (const channelId of this.#outputs.spentBy(transaction)) {
        this.#apart(channelId, (monitor) => {
          const next = transactionConfirmed(monitor, transaction, at, this.#destination(monitor));
          if (next === monitor) return;
          this.#set(next);
          // The same block may have what spends it.
          this.#recognize(next);
          moved.add(channelId);
        });
      }
    }
    // Once for all of them: a peer can take hundreds of HTLCs in one block.
    for (const channelId of moved) this.#apart(channelId, () => this.#afterMove(channelId));
  }

  /** What follows from it is done with the next best block: a reorganisation may tell of hundreds. */
  transactionUnconfirmed(txid: Txid): void {
    for (const channelId of [...this.#closing, ...this.#resolved]) {
      const monitor = this.#monitors.known(channelId);
      const next = transactionUnconfirmed(monitor, txid);
      if (next !== monitor) this.#set(next);
    }
  }

  bestBlockUpdated(_header: BlockHeader, height: number): void {
    if (height < this.#height) this.#goBackTo(height);
    this.#height = height;
    for (const monitor of this.#deadlines.due(height, this.#monitors)) {
      this.#log(monitor, "warn", `an HTLC's deadline has come at height ${height}: closing`);
      this.#set(locked(monitor, true, "deadline"));
    }
    this.#followAll();
  }

  /**
   * Those of resolved channels, too, until they are forgotten: a reorganisation may be deeper than what counts as
   * final.
   */
  relevantTxids(): ReturnType<Confirm["relevantTxids"]> {
    return [...this.#closing, ...this.#resolved].flatMap((channelId) =>
      relevantConfirmations(this.#monitors.known(channelId)),
    );
  }

  /**
   * Broadcasts again what is not confirmed yet, as every block does. To be called after a restart and about twice a
   * minute.
   *
   * @ldk lightning::chain::chainmonitor::ChainMonitor::rebroadcast_pending_claims
   */
  rebroadcast(): void {
    this.#followAll();
  }

  #followAll(): void {
    for (const channelId of [...this.#closing]) this.#apart(channelId, () => this.#follow(channelId));
    for (const channelId of this.#archivals.due(this.#height)) this.#news.tellResolved(channelId);
  }

  /**
   * What breaks in one channel, a signer or a bug, must not leave all others without defence. It is tried again with
   * the next block.
   */
  #apart(channelId: ChannelId, action: (monitor: ChannelMonitor) => void): void {
    const monitor = this.#monitors.known(channelId);
    try {
      action(monitor);
    } catch (error) {
      this.#log(monitor, "error", messageOf(error));
    }
  }

  #destination({ setup }: ChannelMonitor): Uint8Array {
    return this.#environment.signerProvider.destinationScript(setup.channelKeysId);
  }

  /** Takes in a monitor as it is in the store. */
  #put(monitor: ChannelMonitor): void {
    const before = this.#monitors.get(monitor.setup.channelId);
    this.#monitors.put(monitor);
    this.#noteChange(monitor, before);
  }

  /** Takes in a monitor that knows more than the store. */
  #set(monitor: ChannelMonitor): void {
    const before = this.#monitors.get(monitor.setup.channelId);
    this.#monitors.change(monitor);
    this.#noteChange(monitor, before);
  }

  #noteChange(monitor: ChannelMonitor, before: ChannelMonitor | undefined): void {
    const { channelId } = monitor.setup;
    if (monitor.lock !== undefined) {
      this.#closing.add(channelId);
      this.#resolved.delete(channelId);
    } else this.#deadlines.changed(channelId, this.#height);
    if (before?.chain !== monitor.chain) this.#outputs.watch(monitor);
  }

  /** A monitor that the chain has moved acts when the best block is known that has what moved it. */
  #afterMove(channelId: ChannelId): void {
    const monitor = this.#monitors.known(channelId);
    const { fundingSpend, spends } = monitor.chain;
    const newest = Math.max(fundingSpend?.height ?? 0, ...spends.map(({ height }) => height));
    if (newest <= this.#height) this.#follow(channelId);
    else this.#news.tell(monitor, this.#height);
  }

  #goBackTo(height: number): void {
    this.#height = height;
    for (const channelId of [...this.#closing, ...this.#resolved]) {
      this.#apart(channelId, (monitor) => {
        const next = blocksDisconnected(monitor, height);
        if (next === monitor) return;
        this.#set(next);
        this.#afterMove(channelId);
      });
    }
  }

  /** Tells what follows from what a closing monitor knows, and does what it asks for. */
  #follow(channelId: ChannelId): void {
    this.#recognize(this.#monitors.known(channelId));
    this.#news.tell(this.#monitors.known(channelId), this.#height);
    this.#handOver(this.#monitors.known(channelId));
    this.#act(this.#monitors.known(channelId));
    const monitor = this.#monitors.known(channelId);
    const since = resolvedAt(monitor, this.#destination(monitor));
    if (since === 0) this.#news.tellResolved(channelId);
    else if (since !== undefined && this.#height >= since) {
      this.#closing.delete(channelId);
      this.#resolved.add(channelId);
      this.#bumps.delete(channelId);
      this.#archivals.put(channelId, since + archivalDelay);
    }
  }

  /** A commitment that our records lack may be one of ours: where they were lost, the keys know it still. */
  #recognize(monitor: ChannelMonitor): void {
    const number = strangeCommitment(monitor);
    if (number === undefined) return;
    const signer = this.#environment.signerProvider.deriveChannelSigner(monitor.setup.channelKeysId);
    this.#put(withLostCommitment(monitor, signer.point(number)));
  }

  /** Outputs that have become the user's: told of in the batch that says so, or until the manager has stored them. */
  #handOver(monitor: ChannelMonitor): void {
    const { channelId, counterparty } = monitor.setup;
    const mature = spendableOutputs(monitor, this.#height, this.#destination(monitor));
    const { storesApart = false, sweeper } = this.#environment;
    const outputs = storesApart ? this.#news.freshOutputs(channelId, mature) : mature;
    if (outputs.length === 0) return;
    if (!storesApart) this.#set(handedOver(monitor, outputs));
    sweeper?.trackSpendableOutputs(outputs, { channelId, counterparty });
    const isTracked = sweeper !== undefined;
    this.#news.tellSpendable({
      kind: "spendable-outputs",
      channelId,
      counterparty,
      outputs,
      ...(isTracked && { isTracked }),
    });
  }

  #act(monitor: ChannelMonitor): void {
    const { channelId, channelKeysId } = monitor.setup;
    // Only our commitment waits for the lock, and it is out of the question once another spends the funding.
    if (this.#monitors.awaitsLock(channelId) && monitor.chain.fundingSpend === undefined) return;
    const { signerProvider, broadcaster, feeEstimator } = this.#environment;
    const height = this.#height;
    const feerates = {
      urgent: feeEstimator.feerate("urgent-on-chain-sweep"),
      relaxed: feeEstimator.feerate("output-spending-fee"),
    };
    const plan = planClaims(monitor, { height, feerates });
    const next = plan.monitor;
    if (next !== monitor) this.#set(next);
    this.#bumps.delete(channelId);
    // Most closed channels have nothing to do any more: the signer need not be asked for each of them with every block.
    if (plan.active.length === 0) return;
    const context = {
      height,
      destination: this.#destination(next),
      signer: signerProvider.deriveChannelSigner(channelKeysId),
    };
    const bumps: BumpTransactionEvent[] = [];
    for (const action of monitorActions(plan, context)) {
      switch (action.kind) {
        case "broadcast":
          broadcaster.broadcastTransactions(action.transactions, action.type);
          break;
        case "bump":
          bumps.push(action.event);
          break;
        case "unsigned":
          this.#log(next, "error", `${action.what} is not signed yet`);
      }
    }
    if (bumps.length > 0) this.#bumps.set(channelId, bumps);
  }

  #log({ setup }: ChannelMonitor, level: "warn" | "error", text: string): void {
    const { channelId, counterparty } = setup;
    const line = `channel ${channelId}: ${text}`;
    this.#environment.logger.log({ level, module: "chain-monitor", text: line, nodeId: counterparty });
  }
}
