import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type {
  BroadcasterInterface,
  Confirm,
  FeeEstimator,
  Filter,
  Listen,
  TransactionInBlock,
} from "../chain/chainInterface.ts";
import type { ClaimId } from "../chain/coinSelection.ts";
import type { KvWrite } from "../chain/kvStore.ts";
import { type Logger, withPrintableText } from "../handlers/logger.ts";
import { type Balance, claimableBalances } from "../onchain/balances.ts";
import type { BumpTransactionEvent } from "../onchain/bumpTransaction.ts";
import { applyUpdate, type ChannelMonitor, locked, newMonitor } from "../onchain/channelMonitor.ts";
import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import { planClaims, unsettledClaims } from "../onchain/claims.ts";
import { closeTimeline, type TimelineEntry } from "../onchain/closeTimeline.ts";
import {
  blocksDisconnected,
  outputsToWatch,
  relevantConfirmations,
  strangeCommitment,
  transactionConfirmed,
  transactionUnconfirmed,
  withLateRevocation,
  withLostCommitment,
} from "../onchain/confirmations.ts";
import { archivalDelay, forceCloseHeight, shouldForceClose } from "../onchain/deadlines.ts";
import { monitorActions } from "../onchain/monitorActions.ts";
import { monitorEvents } from "../onchain/monitorEvents.ts";
import { resolvedAt } from "../onchain/resolution.ts";
import { handedOver, spendableOutputs } from "../onchain/spendableOutputs.ts";
import type { ChannelMonitorUpdateStatus, MonitorEvent, MonitorSetup, Watch } from "../onchain/watch.ts";
import type { ChannelSigner } from "../sign/channelSigner.ts";
import type { OutputSpendSigner } from "../sign/outputSpend.ts";
import type { RestoredMonitor } from "../storage/v1/readMonitors.ts";
import { StoredMonitor } from "../storage/v1/storedMonitor.ts";
import { type BlockHash, blockHeight, type ChannelId, type OutPoint, type Txid } from "../util/ids.ts";
import { InvariantError, invariant, present } from "../util/invariant.ts";
import { messageOf } from "../util/text.ts";
import { HeightIndex } from "./heightIndex.ts";
import { OutPointIndex } from "./outPointIndex.ts";
import type { OutputSweeper } from "./outputSweeper.ts";

/** Signs for channels that are closing. `KeysManager` does. */
export interface MonitorSignerProvider {
  deriveChannelSigner(channelKeysId: Uint8Array): Pick<ChannelSigner, "point" | "sign"> & OutputSpendSigner;
  /** Where funds go that come back on chain. */
  destinationScript(channelKeysId: Uint8Array): Uint8Array;
}

/** What a `ChainMonitor` is given. */
export interface ChainMonitorEnvironment {
  readonly signerProvider: MonitorSignerProvider;
  readonly broadcaster: BroadcasterInterface;
  readonly feeEstimator: FeeEstimator;
  readonly logger: Logger;
  /** Absent when every block is given whole. */
  readonly filter?: Filter;
  /**
   * Whether the manager has a store of its own, as for a `Watch` elsewhere: outputs are handed over when
   * `outputsStored` says so. Default false: they are with the batch that has the monitors' writes.
   */
  readonly storesApart?: boolean;
  /**
   * Told of each output in the block in which it becomes the user's: it then sees every block that may have what spends
   * it, also when a node that comes back from a backup reads months at once. Its writes are committed with the
   * monitors': where `storesApart`, a sweeper is refused. Absent when outputs are taken from the event
   * `spendable-outputs`.
   */
  readonly sweeper?: Pick<OutputSweeper, "trackSpendableOutputs">;
}

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
  readonly #monitors = new Map<ChannelId, ChannelMonitor>();
  /** What the store has, or is about to have, of each. */
  readonly #stored = new Map<ChannelId, StoredMonitor>();
  /** Monitors that know more than the store. */
  readonly #unsaved = new Set<ChannelId>();
  /** Monitors whose lock is not durable yet, and the batch that makes it so once it has been taken. */
  readonly #lockPending = new Map<ChannelId, number | undefined>();
  /**
   * Which channels must see the spender of an output. One is the rule: but a peer can name as its funding whatever it
   * likes, an HTLC's output of another channel, too.
   */
  readonly #byOutPoint = new OutPointIndex<readonly ChannelId[]>();
  /** Names of the events that were told. */
  readonly #told = new Map<ChannelId, Set<string>>();
  /** Channels that are closing or closed, and of which something may be left on the chain. */
  readonly #closing = new Set<ChannelId>();
  /** Those of which nothing is, as far as blocks can say for good: they cost nothing. */
  readonly #resolved = new Set<ChannelId>();
  /** When they are to be forgotten. */
  readonly #archivals = new HeightIndex<ChannelId>();
  /** When the others have to. */
  readonly #deadlines = new HeightIndex<ChannelId>();
  /**
   * Channels that changed since the last block: their deadlines are found with the next one, of this height at least.
   */
  readonly #changedSince = new Map<ChannelId, number>();
  readonly #bumps = new Map<ChannelId, readonly BumpTransactionEvent[]>();
  #events: MonitorEvent[] = [];
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
    this.#height = start.bestHeight;
    for (const { monitor, stored } of start.monitors) {
      this.#stored.set(monitor.setup.channelId, stored);
      this.#put(monitor);
      this.#apart(monitor.setup.channelId, () => this.#recognize(monitor));
      this.#tell(monitor);
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
    return this.#monitors.values();
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
    this.#storedOf(setup);
    this.#put(newMonitor(setup));
    return "completed";
  }

  setupWrites(setup: MonitorSetup): readonly KvWrite[] {
    return this.#storedOf(setup).setupWrites();
  }

  updateWrites(updates: readonly ChannelMonitorUpdate[]): readonly KvWrite[] {
    const { channelId } = present(updates[0], "an update to write");
    const stored = present(this.#stored.get(channelId), "what is stored of a monitor");
    return stored.updateWrites(updates, this.#monitors.get(channelId));
  }

  /** Throws `InvariantError` for a channel that is not watched and for an update that leaves out another. */
  updateChannel(update: ChannelMonitorUpdate): ChannelMonitorUpdateStatus {
    const monitor = this.#known(update.channelId);
    const outcome = applyUpdate(monitor, update);
    switch (outcome.kind) {
      case "duplicate":
        return "completed";
      case "refused":
        this.#monitors.set(update.channelId, outcome.monitor);
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
    return this.#unsaved.size > 0;
  }

  /** What the chain told the monitors that know more than the store, to be committed with batch `sequence`. */
  takeWrites(sequence: number): readonly KvWrite[] {
    const writes: KvWrite[] = [];
    for (const channelId of this.#unsaved) {
      const stored = present(this.#stored.get(channelId), "what is stored of a monitor");
      writes.push(...stored.stateWrites(this.#known(channelId)));
      if (this.#lockPending.has(channelId) && this.#lockPending.get(channelId) === undefined) {
        this.#lockPending.set(channelId, sequence);
      }
    }
    this.#unsaved.clear();
    return writes;
  }

  /** Batch `sequence` and all before it are durable: what waits for a lock may be broadcast. */
  committed(sequence: number): void {
    for (const [channelId, waitsFor] of [...this.#lockPending]) {
      if (waitsFor === undefined || waitsFor > sequence) continue;
      this.#lockPending.delete(channelId);
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
    return [...this.#closing].flatMap((channelId) => unsettledClaims(this.#known(channelId), this.#height));
  }

  takeMonitorEvents(): readonly MonitorEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
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
    for (const { outPoint } of outputsToWatch(monitor)) {
      const others = (this.#byOutPoint.get(outPoint) ?? []).filter((id) => id !== channelId);
      if (others.length === 0) this.#byOutPoint.delete(outPoint);
      else this.#byOutPoint.set(outPoint, others);
    }
    this.#monitors.delete(channelId);
    this.#stored.delete(channelId);
    this.#unsaved.delete(channelId);
    this.#lockPending.delete(channelId);
    this.#closing.delete(channelId);
    this.#resolved.delete(channelId);
    this.#archivals.put(channelId, Number.POSITIVE_INFINITY);
    this.#bumps.delete(channelId);
    this.#told.delete(channelId);
    this.#deadlines.put(channelId, Number.POSITIVE_INFINITY);
    this.#changedSince.delete(channelId);
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
      for (const channelId of this.#spentBy(transaction)) {
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
      const monitor = this.#known(channelId);
      const next = transactionUnconfirmed(monitor, txid);
      if (next !== monitor) this.#set(next);
    }
  }

  bestBlockUpdated(_header: BlockHeader, height: number): void {
    if (height < this.#height) this.#goBackTo(height);
    this.#height = height;
    for (const [channelId, earliest] of this.#changedSince) {
      this.#deadlines.put(channelId, Math.max(forceCloseHeight(this.#known(channelId)), earliest));
    }
    this.#changedSince.clear();
    for (const channelId of this.#deadlines.due(height)) {
      const monitor = this.#known(channelId);
      if (monitor.lock !== undefined || !shouldForceClose(monitor, height)) continue;
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
      relevantConfirmations(this.#known(channelId)),
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
    for (const channelId of this.#archivals.due(this.#height)) this.#tellResolved(channelId);
  }

  /**
   * What breaks in one channel, a signer or a bug, must not leave all others without defence. It is tried again with
   * the next block.
   */
  #apart(channelId: ChannelId, action: (monitor: ChannelMonitor) => void): void {
    const monitor = this.#known(channelId);
    try {
      action(monitor);
    } catch (error) {
      this.#log(monitor, "error", messageOf(error));
    }
  }

  #known(channelId: ChannelId): ChannelMonitor {
    const monitor = this.#monitors.get(channelId);
    if (monitor === undefined) throw new InvariantError(`channel ${channelId} is not watched`);
    return monitor;
  }

  #storedOf(setup: MonitorSetup): StoredMonitor {
    const known = this.#stored.get(setup.channelId);
    if (known !== undefined) return known;
    const stored = new StoredMonitor(setup);
    this.#stored.set(setup.channelId, stored);
    return stored;
  }

  #destination({ setup }: ChannelMonitor): Uint8Array {
    return this.#environment.signerProvider.destinationScript(setup.channelKeysId);
  }

  /** Takes in a monitor as it is in the store. */
  #put(monitor: ChannelMonitor): void {
    const { channelId } = monitor.setup;
    const known = this.#monitors.get(channelId);
    this.#monitors.set(channelId, monitor);
    if (monitor.lock !== undefined) {
      this.#closing.add(channelId);
      this.#resolved.delete(channelId);
    } else this.#changedSince.set(channelId, this.#height + 1);
    if (known !== undefined && known.chain === monitor.chain) return;
    for (const output of outputsToWatch(monitor)) {
      const watching = this.#byOutPoint.get(output.outPoint) ?? [];
      if (watching.includes(channelId)) continue;
      this.#byOutPoint.set(output.outPoint, [...watching, channelId]);
      this.#environment.filter?.registerOutput(output);
    }
  }

  /** Takes in a monitor that knows more than the store. A lock that lets it broadcast has to be stored first. */
  #set(monitor: ChannelMonitor): void {
    const { channelId } = monitor.setup;
    const before = this.#known(channelId).lock;
    if (monitor.lock?.broadcast === true && before?.broadcast !== true) {
      this.#lockPending.set(channelId, undefined);
    }
    this.#unsaved.add(channelId);
    this.#put(monitor);
  }

  /** A monitor that the chain has moved acts when the best block is known that has what moved it. */
  #afterMove(channelId: ChannelId): void {
    const monitor = this.#known(channelId);
    const { fundingSpend, spends } = monitor.chain;
    const newest = Math.max(fundingSpend?.height ?? 0, ...spends.map(({ height }) => height));
    if (newest <= this.#height) this.#follow(channelId);
    else this.#tell(monitor);
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
    this.#recognize(this.#known(channelId));
    this.#tell(this.#known(channelId));
    this.#handOver(this.#known(channelId));
    this.#act(this.#known(channelId));
    const monitor = this.#known(channelId);
    const since = resolvedAt(monitor, this.#destination(monitor));
    if (since === 0) this.#tellResolved(channelId);
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

  #tellResolved(channelId: ChannelId): void {
    this.#tellOnce(channelId, "resolved", { kind: "resolved", channelId });
  }

  #tell(monitor: ChannelMonitor): void {
    const { channelId } = monitor.setup;
    for (const event of monitorEvents(monitor, this.#height)) {
      const name = "htlcId" in event ? `${event.kind} ${event.htlcId}` : event.kind;
      this.#tellOnce(channelId, name, event);
    }
  }

  #tellOnce(channelId: ChannelId, name: string, event: MonitorEvent): void {
    if (this.#isNews(channelId, name)) this.#events.push(event);
  }

  /** Whether nothing of that name was told of the channel in this life; from now on it was. */
  #isNews(channelId: ChannelId, name: string): boolean {
    let told = this.#told.get(channelId);
    if (told === undefined) {
      told = new Set();
      this.#told.set(channelId, told);
    }
    if (told.has(name)) return false;
    told.add(name);
    return true;
  }

  /** Outputs that have become the user's: told of in the batch that says so, or until the manager has stored them. */
  #handOver(monitor: ChannelMonitor): void {
    const { channelId, counterparty } = monitor.setup;
    const mature = spendableOutputs(monitor, this.#height, this.#destination(monitor));
    const { storesApart = false, sweeper } = this.#environment;
    const outputs = storesApart ? mature.filter((one) => this.#isNews(channelId, nameOf(one))) : mature;
    if (outputs.length === 0) return;
    if (!storesApart) this.#set(handedOver(monitor, outputs));
    sweeper?.trackSpendableOutputs(outputs, { channelId, counterparty });
    const isTracked = sweeper !== undefined;
    this.#events.push({
      kind: "spendable-outputs",
      channelId,
      counterparty,
      outputs,
      ...(isTracked && { isTracked }),
    });
  }

  #spentBy(transaction: Transaction): Iterable<ChannelId> {
    const channels = new Set<ChannelId>();
    for (const { outPoint } of transaction.inputs) {
      for (const channelId of this.#byOutPoint.get(outPoint) ?? []) channels.add(channelId);
    }
    return channels;
  }

  #act(monitor: ChannelMonitor): void {
    const { channelId, channelKeysId } = monitor.setup;
    // Only our commitment waits for the lock, and it is out of the question once another spends the funding.
    if (this.#lockPending.has(channelId) && monitor.chain.fundingSpend === undefined) return;
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

function nameOf({ outPoint }: { readonly outPoint: OutPoint }): string {
  return `output ${outPointKey(outPoint)}`;
}
