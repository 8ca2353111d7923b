import type { Network } from "@fulmen/bitcoin/network";
import { networks } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type {
  Confirm,
  ConfirmationTarget,
  FeeEstimator,
  Filter,
  Listen,
  TransactionType,
} from "@fulmen/lightning/chain";
import type { UserConfig } from "@fulmen/lightning/channel";
import type { NetworkGraph } from "@fulmen/lightning/gossip";
import type { Event, LogRecord, MessageSendEvent } from "@fulmen/lightning/handlers";
import type { Batch, ChainMonitor, ChannelManager, OutputSweeper } from "@fulmen/lightning/manager";
import type { AnchorReserveSource } from "@fulmen/lightning/onchain";
import type { PeerManager } from "@fulmen/lightning/peer";
import { openNodeRecord } from "@fulmen/lightning/storage";
import { type FeeratePerKw, feeratePerKw, type NodeId, type UnixSeconds } from "@fulmen/lightning/util";
import { ChainBroadcaster, type TestChain } from "../chain/index.ts";
import { TestWallet } from "../wallet/testWallet.ts";
import type { SyncCoinSelectionSource } from "./bumper.ts";
import { EnforcingKeys } from "./enforcingKeys.ts";
import type { SignerState } from "./enforcingSigner.ts";
import { LateWatch } from "./lateWatch.ts";
import { type Lasting, type Memory, memoryOf, unwrap } from "./memory.ts";
import { SeededEntropy } from "./seededEntropy.ts";
import { SyncStore } from "./syncStore.ts";
import { testConfig } from "./testConfig.ts";

/** A place at which a node can die. */
export type CrashPoint =
  /** A batch was taken and is not committed. */
  | { readonly kind: "before-commit"; readonly sequence: number }
  /** A batch is committed; nothing of what waited for it has happened. */
  | { readonly kind: "after-commit"; readonly sequence: number }
  /** One more effect has happened: a broadcast, or a message that is on its way to the peer. */
  | { readonly kind: "after-effect"; readonly effect: string }
  /** The user has handled an event; that this is so is not committed. */
  | { readonly kind: "after-event"; readonly event: Event["kind"] };

export interface TestNodeOptions {
  /** All keys and random values come from it: nodes of the same seed and the same inputs are the same. 1..2^32-1. */
  readonly seed: number;
  readonly chain: TestChain;
  readonly network?: Network;
  readonly config?: UserConfig;
  /** What its wallet must keep for channels, if the node shall look after that. */
  readonly anchorReserve?: Pick<AnchorReserveSource, "terms" | "fundsChannels">;
  /** Seconds since 1970 at which the node begins. */
  readonly now: () => number;
  /** Gives coins to what has to be confirmed; the node's own `wallet` when not given. */
  readonly coins?: SyncCoinSelectionSource;
  /** What the user does about an event; may be called again with the same one after a crash. */
  readonly onEvent?: (node: TestNode, event: Event) => void;
  /** Called at every point at which the node can die; throw there, and `restart`, to let it die. */
  readonly onCrashPoint?: (node: TestNode, point: CrashPoint) => void;
  /**
   * Commit only when nothing else can happen in the network, as with a slow disk: what comes in meanwhile gathers in
   * the manager and becomes the next batch. Default false: a batch is committed before anything new comes in.
   */
  readonly hasSlowStore?: boolean;
  /**
   * The node hears of the chain from a source that looks for what is registered here: whoever has that tells
   * `listeners`, and `syncChain` does nothing.
   */
  readonly filter?: Filter;
  /** Keep the monitors apart from the manager, in a store of their own: see `TestNode.lateWatch`. Default false. */
  readonly hasLateWatch?: boolean;
}

/** Something that waits to leave the node. */
type Leaving =
  | {
      readonly kind: "broadcast";
      readonly transactions: readonly Transaction[];
      readonly type: TransactionType;
    }
  | { readonly kind: "message"; readonly event: MessageSendEvent };

/**
 * What goes wrong with a commit: `fails` loses the batch, `loses-answer` stores it, and the node does not learn that it
 * did. In both cases the node freezes until `thaw`.
 */
export type StoreFault = "fails" | "loses-answer";

interface TakenBatch {
  readonly batch: Batch | undefined;
  readonly writes: Batch["writes"];
  /** Of the monitors. */
  readonly commit: number;
  readonly signers: ReadonlyMap<string, SignerState>;
  /** The store has it, and did not say so. */
  stored: boolean;
}

/**
 * A whole node without sockets, timers or chance: `step` does one thing at a time, and whoever calls it decides what
 * happens between two steps. Its store and its keys outlive it; everything else is gone with `restart`.
 *
 * What closed channels leave it ends at its wallet's script, where `chain.coins` finds it, or at the two scripts of its
 * keys, which nothing sweeps.
 */
export class TestNode {
  readonly nodeId: NodeId;
  readonly store = new SyncStore();
  readonly keys: EnforcingKeys;
  readonly entropy: SeededEntropy;
  readonly broadcaster: ChainBroadcaster;
  /** Gives coins to what has to be confirmed. It has none until somebody pays to its script. */
  readonly wallet: TestWallet;
  readonly log: LogRecord[] = [];
  /** Every event that the user was told of, by its index: one that is told again is the same one. */
  readonly events = new Map<number, Event>();
  /** All that was handed to the broadcaster, in all lives. */
  readonly broadcasts: { readonly transaction: Transaction; readonly type: TransactionType }[] = [];
  /** While set, the batch that is taken is not committed, and no other one is taken. */
  holdsCommits = false;
  /** While set, a late watch completes updates only when it is asked to. */
  holdsUpdates = false;
  /** Keeps the monitors, if the node `hasLateWatch`. */
  readonly lateWatch: LateWatch | undefined;
  /** Happens to the next commit. */
  storeFault: StoreFault | undefined;
  /** The feerates that the node is told. */
  feerate: FeeEstimator["feerate"] = testFeerate;
  onEvent: NonNullable<TestNodeOptions["onEvent"]>;
  onCrashPoint: NonNullable<TestNodeOptions["onCrashPoint"]>;
  readonly #options: TestNodeOptions;
  #memory: Memory;
  /** At most one batch is under way, as with a `BatchCommitter`. */
  #taken: TakenBatch | undefined;
  #leaving: Leaving[] = [];
  #commits = 0;
  #isFrozen = false;
  #durableSigners: ReadonlyMap<string, SignerState> = new Map();

  constructor(options: TestNodeOptions) {
    this.#options = options;
    this.keys = new EnforcingKeys(seedOf(options.seed));
    this.nodeId = this.keys.nodeId;
    this.entropy = new SeededEntropy(options.seed);
    this.broadcaster = new ChainBroadcaster(options.chain);
    this.wallet = new TestWallet(options.chain, walletSeed + options.seed);
    this.onEvent = options.onEvent ?? (() => {});
    this.onCrashPoint = options.onCrashPoint ?? (() => {});
    const { network = networks.regtest, hasLateWatch = false } = options;
    this.lateWatch = hasLateWatch ? this.#newLateWatch() : undefined;
    this.store.commitNow(
      unwrap(openNodeRecord({ stored: undefined, storeIsEmpty: true, nodeId: this.nodeId, network })),
    );
    this.#memory = this.#start();
  }

  get manager(): ChannelManager {
    return this.#memory.manager;
  }

  get chainMonitor(): ChainMonitor {
    const monitors = this.lateWatch?.monitors ?? this.#memory.chainMonitor;
    if (monitors === undefined) throw new Error("a node without monitors");
    return monitors;
  }

  get sweeper(): OutputSweeper {
    return this.#memory.sweeper;
  }

  get peers(): PeerManager {
    return this.#memory.peers;
  }

  get graph(): NetworkGraph {
    return this.#memory.graph;
  }

  /** Who hears of the chain, in this order; others after a restart. */
  get listeners(): readonly (Listen & Confirm)[] {
    return [this.chainMonitor, this.sweeper, this.manager];
  }

  /** Events in their order. */
  get eventList(): readonly Event[] {
    return [...this.events].sort(([a], [b]) => a - b).map(([, event]) => event);
  }

  /** Whether a batch was taken and is not committed. */
  get isCommitting(): boolean {
    return this.#taken !== undefined;
  }

  /**
   * Whether the store failed: the node takes no batch before `thaw`. A host disconnects its peers then; here that is
   * for whoever made the connections.
   */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** The store works again: what it has not got is committed anew. */
  thaw(): void {
    this.#isFrozen = false;
  }

  /**
   * The one thing that is next. `false` when there is nothing to do until something comes in. With `patiently`, a slow
   * store does not commit yet.
   */
  step({ patiently = false } = {}): boolean {
    this.#checkSigners();
    const { hasSlowStore = false } = this.#options;
    const mayCommit = !(patiently && hasSlowStore) && !this.holdsCommits && !this.#isFrozen;
    const mayTake = this.#taken === undefined && !this.#isFrozen;
    return (
      this.#leave() ||
      (mayTake && this.#take()) ||
      (mayCommit && this.#commit()) ||
      this.#bump() ||
      (!this.holdsUpdates && (this.lateWatch?.complete() ?? false)) ||
      this.#tellEvent()
    );
  }

  /** Steps until nothing is left to do. */
  pump(): void {
    let steps = 0;
    while (this.step()) if (++steps > maxSteps) throw new Error("the node does not come to rest");
  }

  /** Signers that are late (`keys.answersLate`) answer what they were asked. Whether there was anything. */
  answerSigners(): boolean {
    const requests = this.manager.listSigningRequests();
    for (const { channelId, channelKeysId, request } of requests) {
      const answer = this.keys.deriveChannelSigner(channelKeysId).answer(request);
      if (answer !== undefined) this.manager.signerAnswered(channelId, request, answer);
    }
    return requests.length > 0;
  }

  /** Tells the node what the chain has done since it last looked. Whether there was anything. */
  syncChain(): boolean {
    if (this.#options.filter !== undefined) return false;
    const { manager, chainMonitor, sweeper } = this.#memory;
    this.lateWatch?.syncChain();
    const { forkPoint, disconnected, connected } = this.#options.chain.blocksSince(manager.bestBlock);
    if (disconnected.length > 0) {
      const { hash, height } = forkPoint;
      chainMonitor?.blocksDisconnected({ hash, height });
      sweeper.blocksDisconnected({ hash, height });
      manager.blocksDisconnected({ hash, height });
    }
    for (const { block, height } of connected) {
      const transactions = block.transactions.map((transaction, index) => ({ index, transaction }));
      chainMonitor?.blockConnected(block.header, transactions, height);
      sweeper.blockConnected(block.header, transactions, height);
      manager.blockConnected(block.header, transactions, height);
    }
    return disconnected.length + connected.length > 0;
  }

  /** What timers would do. */
  tick(): void {
    const { manager, gossip } = this.#memory;
    const now = this.#options.now();
    manager.timerTickOccurred(now);
    gossip.tick(now as UnixSeconds);
    this.#memory.bumper.retain(this.chainMonitor.unsettledClaims());
    this.chainMonitor.rebroadcast();
    this.sweeper.rebroadcast();
  }

  /** Dies, and starts from what its store has. Connections are for whoever made them to cut. */
  restart(): void {
    this.#taken = undefined;
    this.#leaving = [];
    this.#isFrozen = false;
    this.storeFault = undefined;
    this.keys.memory.restore(this.#durableSigners);
    this.lateWatch?.managerDied();
    this.#memory = this.#start();
    this.syncChain();
    this.chainMonitor.rebroadcast();
    this.sweeper.rebroadcast();
  }

  /** Lets out one thing that the node wants to leave, whether it should want so or not. */
  #leave(): boolean {
    this.#gather();
    const next = this.#leaving.shift();
    if (next === undefined) return false;
    if (next.kind === "broadcast") {
      this.#broadcast(next.transactions, next.type);
    } else {
      this.#memory.handOver(next.event);
      this.#memory.peers.processEvents();
    }
    this.onCrashPoint(this, { kind: "after-effect", effect: nameOf(next) });
    return true;
  }

  /** Takes the messages that may leave. Whether there were any. */
  #gather(): boolean {
    const messages = this.#memory.manager.takeMessageSendEvents();
    for (const event of messages) this.#leaving.push({ kind: "message", event });
    return messages.length > 0;
  }

  #take(): boolean {
    const { manager, chainMonitor, sweeper } = this.#memory;
    manager.processMonitorEvents();
    const batch = manager.takeBatch();
    this.#commits++;
    const others = [...(chainMonitor?.takeWrites(this.#commits) ?? []), ...sweeper.takeWrites(this.#commits)];
    if (batch === undefined && others.length === 0) return this.#gather();
    this.#taken = {
      batch,
      writes: [...(batch?.writes ?? []), ...others],
      commit: this.#commits,
      signers: this.keys.memory.snapshot(),
      stored: false,
    };
    return true;
  }

  #commit(): boolean {
    const taken = this.#taken;
    if (taken === undefined) return false;
    const { batch, commit } = taken;
    if (taken.writes.length > 0 && !taken.stored && !this.#store(taken)) return false;
    this.#taken = undefined;
    const { manager, chainMonitor, sweeper } = this.#memory;
    if (batch !== undefined) manager.batchCommitted(batch.sequence);
    chainMonitor?.committed(commit);
    sweeper.committed(commit);
    return true;
  }

  /** Whether the node knows that the batch is durable. */
  #store(taken: TakenBatch): boolean {
    const sequence = taken.batch?.sequence ?? 0;
    const fault = this.storeFault;
    this.storeFault = undefined;
    this.#isFrozen = fault !== undefined;
    this.onCrashPoint(this, { kind: "before-commit", sequence });
    if (fault === "fails") return false;
    this.store.commitNow(taken.writes);
    taken.stored = true;
    this.#durableSigners = taken.signers;
    this.onCrashPoint(this, { kind: "after-commit", sequence });
    return fault === undefined;
  }

  #bump(): boolean {
    const { bumper } = this.#memory;
    const events = this.chainMonitor.takeBumpEvents();
    for (const event of events) {
      for (const { transactions, type } of bumper.answer(event)) {
        this.#leaving.push({ kind: "broadcast", transactions, type });
      }
    }
    return events.length > 0;
  }

  #tellEvent(): boolean {
    const { manager, sweeper } = this.#memory;
    const [next] = manager.pendingEvents(1);
    if (next === undefined) return false;
    this.events.set(next.index, next.event);
    if (next.event.kind === "spendable-outputs") {
      const { channelId, counterparty, outputs } = next.event;
      sweeper.trackSpendableOutputs(outputs, { channelId, counterparty });
    }
    this.onEvent(this, next.event);
    manager.acknowledgeEvents(next.index);
    this.onCrashPoint(this, { kind: "after-event", event: next.event.kind });
    return true;
  }

  /** Its broadcasts go out at once: they rest on its own store. */
  #newLateWatch(): LateWatch {
    const { chain } = this.#options;
    return new LateWatch(
      {
        signerProvider: this.keys,
        broadcaster: {
          broadcastTransactions: (transactions, type) => this.#broadcast(transactions, type),
        },
        feeEstimator: { feerate: (target) => this.feerate(target) },
        logger: { log: (record) => void this.log.push(record) },
      },
      chain,
    );
  }

  #broadcast(transactions: readonly Transaction[], type: TransactionType): void {
    for (const transaction of transactions) this.broadcasts.push({ transaction, type });
    this.broadcaster.broadcastTransactions(transactions, type);
  }

  #start(): Memory {
    const { chain, network = networks.regtest, config = testConfig, filter, anchorReserve } = this.#options;
    const { store, keys, entropy, wallet, lateWatch } = this;
    const lasting: Lasting = {
      network,
      config,
      store,
      keys,
      entropy,
      wallet,
      lateWatch,
      filter,
      coins: this.#options.coins ?? wallet,
      anchorReserve: anchorReserve && this.#reserve(anchorReserve),
      logger: { log: (record) => void this.log.push(record) },
      feeEstimator: { feerate: (target) => this.feerate(target) },
      broadcaster: {
        broadcastTransactions: (transactions, type) => {
          this.#leaving.push({ kind: "broadcast", transactions, type });
        },
      },
    };
    return memoryOf(lasting, { tip: chain.locator(), now: this.#options.now() });
  }

  #reserve(reserve: Pick<AnchorReserveSource, "terms" | "fundsChannels">): AnchorReserveSource {
    return {
      ...reserve,
      confirmedCoins: () => this.wallet.confirmedCoins(),
      monitor: (channelId) => this.chainMonitor.monitor(channelId),
    };
  }

  #checkSigners(): void {
    const [violation] = this.keys.memory.violations;
    if (violation !== undefined) throw new Error(`a signer was asked to ${violation}`);
  }
}

/** Keys of nodes' wallets are others than a faucet's. */
const walletSeed = 0x7000_0000;

/** More steps than any test needs. */
const maxSteps = 100_000;

/** What test nodes are told of feerates unless a test says otherwise. */
function testFeerate(target: ConfirmationTarget): FeeratePerKw {
  return feeratePerKw(target === "maximum-fee-estimate" ? 2_500 : 253);
}

function seedOf(seed: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, seed);
  return bytes;
}

function nameOf(leaving: Leaving): string {
  if (leaving.kind === "broadcast") return `broadcast ${leaving.type}`;
  const { event } = leaving;
  return event.kind === "handle-error" ? event.action.kind : `${event.kind} ${event.message.type}`;
}
