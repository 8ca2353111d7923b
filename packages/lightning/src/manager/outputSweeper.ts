import { type BlockHeader, blockHash } from "@fulmen/bitcoin/block";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import type {
  BroadcasterInterface,
  Confirm,
  FeeEstimator,
  Filter,
  Listen,
  TransactionInBlock,
} from "../chain/chainInterface.ts";
import type { ChangeDestinationSource } from "../chain/changeDestination.ts";
import type { KvWrite } from "../chain/kvStore.ts";
import { type Logger, type LogRecord, withPrintableText } from "../handlers/logger.ts";
import type { SpendableOutputDescriptor } from "../handlers/spendableOutput.ts";
import { antiReorgDelay, archivalDelay } from "../onchain/deadlines.ts";
import type { SweepTransaction, TrackedSpendableOutput } from "../onchain/trackedOutput.ts";
import { type OutputSpender, spendWeight } from "../sign/outputSpender.ts";
import { type StoredSweeper, sweepTransactionWrite, trackedOutputWrite } from "../storage/v1/sweeper.ts";
import {
  type BlockHash,
  type BlockHeight,
  blockHeight,
  type ChannelId,
  type NodeId,
  type Txid,
} from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { type FeeratePerKw, feeOf, feeratePerKw, maxOf, plus, sum, times } from "../util/units.ts";

/** What an `OutputSweeper` is given. */
export interface OutputSweeperEnvironment {
  readonly outputSpender: OutputSpender;
  readonly changeDestinationSource: ChangeDestinationSource;
  readonly broadcaster: BroadcasterInterface;
  readonly feeEstimator: FeeEstimator;
  readonly logger: Logger;
  /** Absent when every block is given whole. */
  readonly filter?: Filter;
  /** What `TrackOptions.excludeStaticOutputs` is when it is not given; false by default. */
  readonly excludesStaticOutputs?: boolean;
}

/** Where outputs come from, and what is to be done with them. */
export interface TrackOptions {
  readonly channelId?: ChannelId;
  readonly counterparty?: NodeId;
  /** Leave out static outputs: a wallet that knows their scripts finds them itself. */
  readonly excludeStaticOutputs?: boolean;
  /** Best height before which they are not spent: waiting lets more of them share a transaction. */
  readonly delayUntilHeight?: BlockHeight;
}

/**
 * Confirmations after which an output is forgotten: its monitor may stand by for `archivalDelay` blocks and, in another
 * process, tell of it again; the others make its spending final.
 *
 * @ldk lightning::util::sweep::PRUNE_DELAY_BLOCKS
 */
const pruneDelay = archivalDelay + antiReorgDelay;

/** Most inputs of one transaction. */
const maxInputs = 200;

/** What nodes relay at the least: 1 sat/vB, rounded up; and what a replacement pays more at the least (BIP 125). */
const relayFeerate = feeratePerKw(253);

/**
 * Takes what closed channels left to the wallet: tracks outputs, spends them together, and sees to it that this gets
 * confirmed. Each transaction is broadcast again with every block; it is replaced when the estimated feerate has risen
 * far enough for nodes to take the replacement, to the same script. An output that is not worth twice the fee of its
 * input waits for a lower feerate: nobody else can take it.
 *
 * What it learns and makes is in `takeWrites`; nothing is broadcast before `committed` says that it is durable. Give it
 * the same blocks as the monitors, and commit its writes with theirs.
 *
 * @ldk lightning::util::sweep::OutputSweeperSync
 */
export class OutputSweeper implements Listen, Confirm {
  readonly #environment: OutputSweeperEnvironment;
  /** By `outPointKey`. */
  readonly #outputs = new Map<string, TrackedSpendableOutput>();
  readonly #sweeps = new Map<Txid, SweepTransaction>();
  /** Rows that the store does not have as they are here. */
  readonly #unsavedOutputs = new Map<string, TrackedSpendableOutput["descriptor"]["outPoint"]>();
  readonly #unsavedSweeps = new Set<Txid>();
  /** Transactions that are not durable yet, and the batch that makes them so once it has been taken. */
  readonly #waiting = new Map<Txid, number | undefined>();
  /** Outputs that the keys cannot spend. */
  readonly #foreign = new Set<string>();
  /** A script that was asked for and not used. */
  #destination: Uint8Array | undefined;
  #height: number;

  /** `bestHeight` is the tip up to which `stored` has seen the chain. Call `rebroadcast` once it is at the tip. */
  constructor(
    environment: OutputSweeperEnvironment,
    start: { readonly bestHeight: number; readonly stored?: StoredSweeper },
  ) {
    const { outputs, transactions } = start.stored ?? { outputs: [], transactions: [] };
    this.#environment = { ...environment, logger: withPrintableText(environment.logger) };
    this.#height = start.bestHeight;
    for (const sweep of transactions) this.#sweeps.set(txid(sweep.transaction), sweep);
    for (const tracked of outputs) this.#register(tracked);
  }

  /**
   * Spends these outputs some time from now on. Those that are tracked already stay as they are, so that an event may
   * come again. An event must not be acknowledged before the writes that follow are durable, or in their batch.
   */
  trackSpendableOutputs(descriptors: readonly SpendableOutputDescriptor[], options: TrackOptions = {}): void {
    const { excludesStaticOutputs = false } = this.#environment;
    const { channelId, counterparty, delayUntilHeight } = options;
    const { excludeStaticOutputs = excludesStaticOutputs } = options;
    for (const descriptor of descriptors) {
      if (excludeStaticOutputs && descriptor.kind === "static-output") continue;
      if (this.#outputs.has(outPointKey(descriptor.outPoint))) continue;
      const tracked: TrackedSpendableOutput = {
        descriptor,
        ...(channelId && { channelId }),
        ...(counterparty && { counterparty }),
        status: {
          kind: "pending-initial-broadcast",
          ...(delayUntilHeight !== undefined && { delayedUntilHeight: delayUntilHeight }),
        },
      };
      this.#register(tracked);
      this.#unsavedOutputs.set(outPointKey(descriptor.outPoint), descriptor.outPoint);
    }
  }

  /** @ldk lightning::util::sweep::OutputSweeperSync::tracked_spendable_outputs */
  trackedSpendableOutputs(): readonly TrackedSpendableOutput[] {
    return [...this.#outputs.values()];
  }

  /** A transaction of the sweeper's that tracked outputs name. */
  sweepTransaction(id: Txid): SweepTransaction | undefined {
    return this.#sweeps.get(id);
  }

  /** Whether `takeWrites` has anything. */
  get hasWrites(): boolean {
    return this.#unsavedOutputs.size + this.#unsavedSweeps.size > 0;
  }

  /** The rows that changed since the last call, to be committed with batch `sequence`. */
  takeWrites(sequence: number): readonly KvWrite[] {
    const writes: KvWrite[] = [];
    for (const id of this.#unsavedSweeps) writes.push(sweepTransactionWrite(id, this.#sweeps.get(id)));
    for (const [key, outPoint] of this.#unsavedOutputs) {
      writes.push(trackedOutputWrite(outPoint, this.#outputs.get(key)));
    }
    this.#unsavedSweeps.clear();
    this.#unsavedOutputs.clear();
    for (const [id, waitsFor] of this.#waiting) {
      if (waitsFor === undefined) this.#waiting.set(id, sequence);
    }
    return writes;
  }

  /** Batch `sequence` and all before it are durable: what waits for them is broadcast. */
  committed(sequence: number): void {
    for (const [id, waitsFor] of [...this.#waiting]) {
      if (waitsFor === undefined || waitsFor > sequence) continue;
      this.#waiting.delete(id);
      this.#broadcast(present(this.#sweeps.get(id), "a transaction that waits to be broadcast"));
    }
  }

  /**
   * Spends what can be spent, and broadcasts again what is not confirmed, as every block does. To be called after a
   * restart and about twice a minute: outputs that come meanwhile share a transaction.
   *
   * @ldk lightning::util::sweep::OutputSweeperSync::regenerate_and_broadcast_spend_if_necessary
   */
  rebroadcast(): void {
    this.#replaceSweeps();
    this.#sweepNew();
    for (const [id] of this.#unconfirmed()) {
      if (!this.#waiting.has(id)) this.#broadcast(present(this.#sweeps.get(id), "a sweep"));
    }
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
    if (this.#outputs.size === 0) return;
    for (const { transaction } of transactions) this.#confirmed(transaction, header, height);
  }

  transactionUnconfirmed(id: Txid): void {
    this.#unconfirm(({ spendingTxid }) => spendingTxid === id);
  }

  bestBlockUpdated(_header: BlockHeader, height: number): void {
    if (height < this.#height) this.#goBackTo(height);
    this.#height = height;
    this.#prune();
    this.rebroadcast();
  }

  relevantTxids(): ReturnType<Confirm["relevantTxids"]> {
    const found = new Map<Txid, ReturnType<Confirm["relevantTxids"]>[number]>();
    for (const { status } of this.#outputs.values()) {
      if (status.kind !== "pending-threshold-confirmations") continue;
      const { spendingTxid, confirmationHeight, confirmationHash } = status;
      found.set(spendingTxid, {
        txid: spendingTxid,
        height: confirmationHeight,
        blockHash: confirmationHash,
      });
    }
    return [...found.values()];
  }

  #register(tracked: TrackedSpendableOutput): void {
    const { outPoint, output } = tracked.descriptor;
    this.#outputs.set(outPointKey(outPoint), tracked);
    this.#environment.filter?.registerOutput({ outPoint, script: output.script });
  }

  /** Outputs whose transaction of ours is in no block, by that transaction. */
  #unconfirmed(): ReadonlyMap<Txid, readonly TrackedSpendableOutput[]> {
    const found = new Map<Txid, TrackedSpendableOutput[]>();
    for (const tracked of this.#outputs.values()) {
      if (tracked.status.kind !== "pending-first-confirmation") continue;
      const { spendingTxid } = tracked.status;
      const others = found.get(spendingTxid);
      if (others === undefined) found.set(spendingTxid, [tracked]);
      else others.push(tracked);
    }
    return found;
  }

  /** Makes those anew for which more has to be paid by now. */
  #replaceSweeps(): void {
    const estimate = this.#estimate();
    for (const [id, spent] of this.#unconfirmed()) {
      const { transaction, feerate } = present(this.#sweeps.get(id), "the transaction that spends an output");
      if (estimate < plus(feerate, relayFeerate)) continue;
      const destination = present(transaction.outputs[0], "the output of a sweep").script;
      const sweep = this.#spend(spent, { feerate: estimate, destination });
      if (sweep !== undefined) this.#adopt(spent, sweep);
    }
  }

  /** Spends what waits for it. */
  #sweepNew(): void {
    const feerate = this.#estimate();
    const due = [...this.#outputs.values()].filter(({ descriptor, status }) => {
      if (status.kind !== "pending-initial-broadcast") return false;
      if (this.#height < (status.delayedUntilHeight ?? 0)) return false;
      if (this.#foreign.has(outPointKey(descriptor.outPoint))) return false;
      return descriptor.output.value >= times(feeOf(feerate, spendWeight(descriptor)), 2);
    });
    for (let at = 0; at < due.length; at += maxInputs) {
      const part = due.slice(at, at + maxInputs);
      this.#destination ??= this.#environment.changeDestinationSource.changeDestinationScript();
      if (this.#destination === undefined) {
        this.#log("warn", "the wallet gives no script to which outputs could be swept");
        return;
      }
      const sweep = this.#spend(part, { feerate, destination: this.#destination });
      if (sweep === undefined) continue;
      this.#destination = undefined;
      this.#adopt(part, sweep);
      const { length } = part;
      this.#log("info", `${length} outputs of closed channels are swept by ${txid(sweep.transaction)}`);
    }
  }

  /** A transaction that spends them all; `undefined` when that is not worth it now, or not possible. */
  #spend(
    outputs: readonly TrackedSpendableOutput[],
    to: { readonly feerate: FeeratePerKw; readonly destination: Uint8Array },
  ): SweepTransaction | undefined {
    const descriptors = outputs.map(({ descriptor }) => descriptor);
    const { feerate, destination } = to;
    const spent = this.#environment.outputSpender.spendSpendableOutputs({
      descriptors,
      outputs: [],
      changeScript: destination,
      feerate,
      locktime: this.#height,
    });
    if (!spent.ok) {
      const { error } = spent;
      if (error.kind === "insufficient-funds") return undefined;
      if (error.kind === "foreign-output") {
        const name = outPointKey(error.outPoint);
        this.#foreign.add(name);
        this.#log("error", `output ${name} is not locked by the keys of this node: it cannot be swept`);
      } else {
        this.#log("error", `outputs cannot be swept: ${error.kind}`);
      }
      return undefined;
    }
    const transaction = spent.value;
    const left = sum(transaction.outputs.map(({ value }) => value));
    const total = sum(descriptors.map(({ output }) => output.value));
    return times(left, 2) < total ? undefined : { transaction, feerate };
  }

  /** `sweep` is from now on what spends `outputs`. */
  #adopt(outputs: readonly TrackedSpendableOutput[], sweep: SweepTransaction): void {
    const spendingTxid = txid(sweep.transaction);
    this.#sweeps.set(spendingTxid, sweep);
    this.#unsavedSweeps.add(spendingTxid);
    this.#waiting.set(spendingTxid, undefined);
    const broadcastHeight = blockHeight(this.#height);
    for (const tracked of outputs) {
      this.#set({
        ...tracked,
        status: { kind: "pending-first-confirmation", spendingTxid, broadcastHeight },
      });
    }
    this.#forgetUnused();
  }

  #confirmed(transaction: Transaction, header: BlockHeader, height: number): void {
    const spent: TrackedSpendableOutput[] = [];
    for (const { outPoint } of transaction.inputs) {
      const tracked = this.#outputs.get(outPointKey(outPoint));
      if (tracked !== undefined) spent.push(tracked);
    }
    if (spent.length === 0) return;
    const spendingTxid = txid(transaction);
    const confirmationHash = blockHash(header);
    const overtaken = new Set<Txid>();
    for (const tracked of spent) {
      const { status } = tracked;
      if (status.kind === "pending-threshold-confirmations" && status.confirmationHash === confirmationHash)
        continue;
      if (status.kind === "pending-first-confirmation" && status.spendingTxid !== spendingTxid)
        overtaken.add(status.spendingTxid);
      this.#set({
        ...tracked,
        status: {
          kind: "pending-threshold-confirmations",
          spendingTxid,
          confirmationHeight: blockHeight(height),
          confirmationHash,
        },
      });
    }
    this.#startAgain(overtaken);
    this.#forgetUnused();
  }

  /** What else these transactions would have spent has to be spent by others. */
  #startAgain(overtaken: ReadonlySet<Txid>): void {
    for (const tracked of this.#outputs.values()) {
      const { status } = tracked;
      if (status.kind !== "pending-first-confirmation" || !overtaken.has(status.spendingTxid)) continue;
      this.#set({ ...tracked, status: { kind: "pending-initial-broadcast" } });
    }
  }

  #goBackTo(height: number): void {
    this.#height = height;
    this.#unconfirm(({ confirmationHeight }) => confirmationHeight > height);
  }

  #unconfirm(
    isGone: (
      status: Extract<TrackedSpendableOutput["status"], { kind: "pending-threshold-confirmations" }>,
    ) => boolean,
  ): void {
    for (const tracked of this.#outputs.values()) {
      const { status } = tracked;
      if (status.kind !== "pending-threshold-confirmations" || !isGone(status)) continue;
      const { spendingTxid, confirmationHeight } = status;
      const isOurs = this.#sweeps.has(spendingTxid);
      this.#set({
        ...tracked,
        status: isOurs
          ? { kind: "pending-first-confirmation", spendingTxid, broadcastHeight: confirmationHeight }
          : { kind: "pending-initial-broadcast" },
      });
    }
  }

  #prune(): void {
    let isPruned = false;
    for (const [key, { descriptor, status }] of this.#outputs) {
      if (status.kind !== "pending-threshold-confirmations") continue;
      if (this.#height < status.confirmationHeight + pruneDelay - 1) continue;
      this.#outputs.delete(key);
      this.#unsavedOutputs.set(key, descriptor.outPoint);
      isPruned = true;
    }
    if (isPruned) this.#forgetUnused();
  }

  #set(tracked: TrackedSpendableOutput): void {
    const { outPoint } = tracked.descriptor;
    const key = outPointKey(outPoint);
    this.#outputs.set(key, tracked);
    this.#unsavedOutputs.set(key, outPoint);
  }

  /** Transactions that no output names any more. */
  #forgetUnused(): void {
    const used = new Set<Txid>();
    for (const { status } of this.#outputs.values()) {
      if (status.kind !== "pending-initial-broadcast") used.add(status.spendingTxid);
    }
    for (const id of [...this.#sweeps.keys()]) {
      if (used.has(id)) continue;
      this.#sweeps.delete(id);
      this.#waiting.delete(id);
      this.#unsavedSweeps.add(id);
    }
  }

  #broadcast({ transaction }: SweepTransaction): void {
    this.#environment.broadcaster.broadcastTransactions([transaction], "sweep");
  }

  #estimate(): FeeratePerKw {
    return maxOf(this.#environment.feeEstimator.feerate("output-spending-fee"), relayFeerate);
  }

  #log(level: LogRecord["level"], text: string): void {
    this.#environment.logger.log({ level, module: "output-sweeper", text });
  }
}
