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
import type { KvWrite } from "../chain/kvStore.ts";
import type { Logger } from "../handlers/logger.ts";
import { applyUpdate, type ChannelMonitor, locked, newMonitor } from "../onchain/channelMonitor.ts";
import type { ChannelMonitorUpdate } from "../onchain/channelMonitorUpdate.ts";
import {
  blocksDisconnected,
  monitorEvents,
  outputsToWatch,
  relevantConfirmations,
  transactionConfirmed,
  transactionUnconfirmed,
} from "../onchain/confirmations.ts";
import { shouldForceClose } from "../onchain/deadlines.ts";
import { penaltyGroups, penaltyOutputs, penaltyTransaction } from "../onchain/penalty.ts";
import { signedHolderCommitments } from "../onchain/validCommitments.ts";
import type { ChannelMonitorUpdateStatus, MonitorEvent, MonitorSetup, Watch } from "../onchain/watch.ts";
import type { ChannelSigner } from "../sign/channelSigner.ts";
import type { OutputSpendSigner } from "../sign/outputSpend.ts";
import { monitorSnapshotWrites, type StoredPart, setupOnly } from "../storage/v1/monitorSnapshot.ts";
import type { RestoredMonitor } from "../storage/v1/readMonitors.ts";
import { type BlockHash, blockHeight, type ChannelId, type Txid } from "../util/ids.ts";
import { InvariantError, invariant, present } from "../util/invariant.ts";

/** Signs for channels that are closing. `KeysManager` does. */
export interface MonitorSignerProvider {
  deriveChannelSigner(channelKeysId: Uint8Array): Pick<ChannelSigner, "sign"> & OutputSpendSigner;
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
}

/** Updates of a monitor after which a snapshot takes their place in the store. */
const updatesPerSnapshot = 100;

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
  /** What the store has of each in snapshots. */
  readonly #stored = new Map<ChannelId, StoredPart>();
  /** Monitors that know more than the store. */
  readonly #unsaved = new Set<ChannelId>();
  /** Monitors whose lock is not durable yet, and the batch that makes it so once it has been taken. */
  readonly #lockPending = new Map<ChannelId, number | undefined>();
  /** Which channel must see the spender of an output; keys by `outPointKey`. */
  readonly #byOutPoint = new Map<string, ChannelId>();
  /** Names of the events that were told. */
  readonly #told = new Map<ChannelId, Set<string>>();
  #events: MonitorEvent[] = [];
  #height: number;

  /** `bestHeight` is the tip up to which `monitors` have seen the chain. Call `rebroadcast` once they are at the tip. */
  constructor(
    environment: ChainMonitorEnvironment,
    start: { readonly bestHeight: number; readonly monitors: readonly RestoredMonitor[] },
  ) {
    this.#environment = environment;
    this.#height = start.bestHeight;
    for (const { monitor, stored } of start.monitors) {
      this.#stored.set(monitor.setup.channelId, stored);
      this.#put(monitor);
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
    this.#stored.set(setup.channelId, setupOnly);
    this.#put(newMonitor(setup));
    return "completed";
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
        this.#put(outcome.monitor);
        if (update.updateId - this.#storedPart(update.channelId).updateId >= updatesPerSnapshot) {
          this.#unsaved.add(update.channelId);
        }
        if (outcome.monitor.lock !== monitor.lock) this.#broadcast(outcome.monitor);
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

  /** Snapshots of the monitors that know more than the store, to be committed with batch `sequence`. */
  takeWrites(sequence: number): readonly KvWrite[] {
    const writes: KvWrite[] = [];
    for (const channelId of this.#unsaved) {
      const snapshot = monitorSnapshotWrites(this.#known(channelId), this.#storedPart(channelId));
      this.#stored.set(channelId, snapshot.stored);
      for (const write of snapshot.writes) writes.push(write);
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
      this.#broadcast(this.#known(channelId));
    }
  }

  takeMonitorEvents(): readonly MonitorEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  blockConnected(header: BlockHeader, transactions: readonly TransactionInBlock[], height: number): void {
    this.transactionsConfirmed(header, transactions, height);
    this.bestBlockUpdated(header, height);
  }

  blocksDisconnected(forkPoint: { readonly hash: BlockHash; readonly height: number }): void {
    this.#height = forkPoint.height;
    this.#forgetAbove(forkPoint.height);
  }

  transactionsConfirmed(
    header: BlockHeader,
    transactions: readonly TransactionInBlock[],
    height: number,
  ): void {
    const at = { height: blockHeight(height), blockHash: blockHash(header) };
    for (const { transaction } of transactions) {
      for (const channelId of this.#spentBy(transaction)) {
        this.#moved(this.#known(channelId), (monitor) => transactionConfirmed(monitor, transaction, at));
      }
    }
  }

  transactionUnconfirmed(txid: Txid): void {
    for (const monitor of this.#closing()) this.#moved(monitor, (one) => transactionUnconfirmed(one, txid));
  }

  bestBlockUpdated(_header: BlockHeader, height: number): void {
    const isReorg = height < this.#height;
    this.#height = height;
    if (isReorg) this.#forgetAbove(height);
    for (const monitor of [...this.#monitors.values()]) {
      if (monitor.lock === undefined && shouldForceClose(monitor, height)) {
        this.#log(monitor, "warn", `an HTLC's deadline has come at height ${height}: closing`);
        this.#lockPending.set(monitor.setup.channelId, undefined);
        this.#moved(monitor, (one) => locked(one, true, "deadline"));
      } else if (monitor.chain.fundingSpend !== undefined) {
        this.#tell(monitor);
      }
    }
  }

  relevantTxids(): ReturnType<Confirm["relevantTxids"]> {
    return this.#closing().flatMap(relevantConfirmations);
  }

  /**
   * Broadcasts again what is not confirmed yet. To be called after a restart and about twice a minute.
   *
   * @ldk lightning::chain::chainmonitor::ChainMonitor::rebroadcast_pending_claims
   */
  rebroadcast(): void {
    for (const monitor of this.#monitors.values()) {
      if (monitor.lock !== undefined) this.#broadcast(monitor);
    }
  }

  #known(channelId: ChannelId): ChannelMonitor {
    const monitor = this.#monitors.get(channelId);
    if (monitor === undefined) throw new InvariantError(`channel ${channelId} is not watched`);
    return monitor;
  }

  #storedPart(channelId: ChannelId): StoredPart {
    return present(this.#stored.get(channelId), "what is stored of a monitor");
  }

  #closing(): readonly ChannelMonitor[] {
    return [...this.#monitors.values()].filter(({ chain }) => chain.fundingSpend !== undefined);
  }

  #put(monitor: ChannelMonitor): void {
    const { channelId } = monitor.setup;
    const known = this.#monitors.get(channelId);
    this.#monitors.set(channelId, monitor);
    if (known !== undefined && known.chain.fundingSpend === monitor.chain.fundingSpend) return;
    for (const output of outputsToWatch(monitor)) {
      this.#byOutPoint.set(outPointKey(output.outPoint), channelId);
      this.#environment.filter?.registerOutput(output);
    }
  }

  /** The chain moved a monitor: tells what follows from it, and broadcasts what it asks for. */
  #moved(monitor: ChannelMonitor, move: (monitor: ChannelMonitor) => ChannelMonitor): void {
    const next = move(monitor);
    if (next === monitor) return;
    this.#unsaved.add(next.setup.channelId);
    this.#put(next);
    this.#tell(next);
    this.#broadcast(next);
  }

  #forgetAbove(height: number): void {
    for (const monitor of this.#closing()) this.#moved(monitor, (one) => blocksDisconnected(one, height));
  }

  #tell(monitor: ChannelMonitor): void {
    const { channelId } = monitor.setup;
    let told = this.#told.get(channelId);
    if (told === undefined) {
      told = new Set();
      this.#told.set(channelId, told);
    }
    for (const event of monitorEvents(monitor, this.#height)) {
      const name = "htlcId" in event ? `${event.kind} ${event.htlcId}` : event.kind;
      if (told.has(name)) continue;
      told.add(name);
      this.#events.push(event);
    }
  }

  #spentBy(transaction: Transaction): Iterable<ChannelId> {
    const channels = new Set<ChannelId>();
    for (const { outPoint } of transaction.inputs) {
      const channelId = this.#byOutPoint.get(outPointKey(outPoint));
      if (channelId !== undefined) channels.add(channelId);
    }
    return channels;
  }

  #broadcast(monitor: ChannelMonitor): void {
    const { channelId, channelKeysId } = monitor.setup;
    const { signerProvider, broadcaster } = this.#environment;
    const { fundingSpend } = monitor.chain;
    if (fundingSpend === undefined) {
      if (monitor.lock?.broadcast !== true || this.#lockPending.has(channelId)) return;
      const signed = signedHolderCommitments(monitor, signerProvider.deriveChannelSigner(channelKeysId));
      if (signed === undefined) this.#log(monitor, "error", "our commitment is not signed yet");
      for (const one of signed ?? []) broadcaster.broadcastTransactions([one], "unilateral-close");
      return;
    }
    for (const one of this.#penalties(monitor)) broadcaster.broadcastTransactions([one], "claim");
  }

  /** What takes the outputs of a revoked commitment that nobody has taken yet. */
  #penalties(monitor: ChannelMonitor): readonly Transaction[] {
    const { fundingSpend, spends } = monitor.chain;
    if (fundingSpend?.spender.kind !== "revoked-commitment") return [];
    const { signerProvider, feeEstimator } = this.#environment;
    const { channelKeysId } = monitor.setup;
    const { transaction, height } = fundingSpend;
    const revoked = { ...fundingSpend.spender, transaction };
    const taken = new Set(spends.map(({ outputIndex }) => outputIndex));
    const outputs = penaltyOutputs(monitor, revoked).filter(({ index }) => !taken.has(index));
    const terms = {
      destination: signerProvider.destinationScript(channelKeysId),
      feerate: feeEstimator.feerate("urgent-on-chain-sweep"),
      height,
      signer: signerProvider.deriveChannelSigner(channelKeysId),
    };
    const transactions: Transaction[] = [];
    for (const group of penaltyGroups(outputs, height)) {
      const penalty = penaltyTransaction(monitor, revoked, { outputs: group, terms });
      if (penalty !== undefined) transactions.push(penalty);
    }
    return transactions;
  }

  #log({ setup }: ChannelMonitor, level: "warn" | "error", text: string): void {
    const { channelId, counterparty } = setup;
    const line = `channel ${channelId}: ${text}`;
    this.#environment.logger.log({ level, module: "chain-monitor", text: line, nodeId: counterparty });
  }
}
