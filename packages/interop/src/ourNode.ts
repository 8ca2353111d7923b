import { randomBytes } from "node:crypto";
import {
  BackgroundProcessor,
  BumpTransactionHandler,
  type NodeStatus,
  readStoredRecords,
  risingMilliseconds,
} from "@fulmen/background";
import { networks } from "@fulmen/bitcoin/network";
import type { ConfirmationTarget, FeeEstimator, KVStore } from "@fulmen/lightning/chain";
import { defaultUserConfig, type UserConfig } from "@fulmen/lightning/channel";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import type {
  ChannelMessageHandler,
  Event,
  LogRecord,
  RoutingMessageHandler,
} from "@fulmen/lightning/handlers";
import {
  ApiError,
  ChainMonitor,
  type ChannelManager,
  OutputSweeper,
  restoreManager,
} from "@fulmen/lightning/manager";
import { PeerManager } from "@fulmen/lightning/peer";
import { KeysManager, PhantomKeysManager } from "@fulmen/lightning/sign";
import {
  openNodeRecord,
  readChainPosition,
  readSweeper,
  restoreMonitors,
  type StorageError,
} from "@fulmen/lightning/storage";
import {
  type Bytes32,
  feeratePerKw,
  type NodeId,
  type Result,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import { TcpTransport } from "@fulmen/net";
import { MemoryStore } from "@fulmen/persist";
import { ExactRouter, TestWallet } from "@fulmen/testkit";
import type { ChainFollower, SharedChain } from "./sharedChain.ts";

export interface OurNodeOptions {
  /** For errors. */
  readonly name: string;
  /** Fills the seed. */
  readonly seedByte: number;
  /** 32 bytes: it is one of the nodes of a phantom. */
  readonly crossNodeSeed?: Uint8Array;
  readonly chain: SharedChain;
  /** What the node is restored from; a new one in memory when absent. */
  readonly store?: KVStore;
  /** What differs from `testConfig`. */
  readonly config?: Partial<UserConfig>;
  /** Stands between the connections and the manager. */
  readonly tap?: (handler: ChannelMessageHandler, peers: () => PeerManager) => ChannelMessageHandler;
  /** Stands between the connections and the gossip. */
  readonly tapGossip?: (handler: RoutingMessageHandler) => RoutingMessageHandler;
  /** `claim` when absent. */
  readonly answer?: AnswerToPayments;
  /** Satoshis per 1,000 weight that fees may come to, as far as it knows; 2,530 when absent. */
  readonly maximumFeerate?: number;
}

/** What happens to a payment that can be claimed. */
export type AnswerToPayments = "claim" | "refuse" | "hold";

type EventKind = Event["kind"];
type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;

const network = networks.regtest;
const host = "127.0.0.1";
/** Keys of nodes' wallets are others than a faucet's. */
const walletSeed = 0x7100_0000;

/** LDK's defaults, except that one confirmation is enough and that one payment may fill an announced channel. */
export const testConfig: UserConfig = {
  ...defaultUserConfig,
  channelHandshakeConfig: {
    ...defaultUserConfig.channelHandshakeConfig,
    minimumDepth: 1,
    announcedMaxInboundHtlcValueInFlightPercent: 100,
  },
  channelHandshakeLimits: {
    ...defaultUserConfig.channelHandshakeLimits,
    forceAnnouncedChannelPreference: false,
  },
};

/**
 * A node of ours as an application would run it: `BackgroundProcessor` over a store, TCP, and the blocks of a
 * `SharedChain`. It accepts channels, funds those it opens from the chain's faucet, claims payments, and sweeps what
 * closed channels left to its wallet. An error in its log fails what waits for something.
 */
export class OurNode implements ChainFollower {
  readonly name: string;
  readonly keys: KeysManager;
  readonly manager: ChannelManager;
  readonly chainMonitor: ChainMonitor;
  readonly peers: PeerManager;
  readonly graph: NetworkGraph;
  readonly transport: TcpTransport;
  readonly background: BackgroundProcessor;
  readonly store: KVStore;
  readonly sweeper: OutputSweeper;
  /**
   * Where sweeps go, and whence the coins come that commitments without fees need: pay to its script what it is to
   * have.
   */
  readonly wallet: TestWallet;
  /** All that happened, oldest first. */
  readonly events: Event[] = [];
  /** The last lines, for errors. */
  readonly log: string[] = [];
  answer: AnswerToPayments;
  /** Satoshis per 1,000 weight that claims and sweeps are told to pay; commitments stay at 253. */
  onChainFeerate = 253;
  status: NodeStatus = { kind: "stopped" };
  readonly #chain: SharedChain;
  readonly #maximumFeerate: number;

  /** Starts a node from its store, or a new one. */
  static async start(options: OurNodeOptions): Promise<OurNode> {
    const seed = new Uint8Array(32).fill(options.seedByte);
    const { crossNodeSeed } = options;
    const keys = crossNodeSeed ? new PhantomKeysManager(seed, crossNodeSeed) : new KeysManager(seed);
    const store = options.store ?? new MemoryStore();
    const records = await readStoredRecords(store);
    const { node: stored, storeIsEmpty } = records;
    const first = orThrow(openNodeRecord({ stored, storeIsEmpty, nodeId: keys.nodeId, network }));
    if (first.length > 0) await store.commit(first);
    const node = new OurNode(options, { keys, store, records });
    options.chain.follow(node);
    node.background.start();
    return node;
  }

  private constructor(
    {
      name,
      seedByte,
      chain,
      config,
      tap,
      tapGossip,
      answer = "claim",
      maximumFeerate = 2_530,
    }: OurNodeOptions,
    start: {
      readonly keys: KeysManager;
      readonly store: KVStore;
      readonly records: Awaited<ReturnType<typeof readStoredRecords>>;
    },
  ) {
    const { keys, store, records } = start;
    const now = Math.floor(Date.now() / 1_000) as UnixSeconds;
    const logger = { log: (record: LogRecord) => this.#note(record) };
    const { broadcaster } = chain;
    const feeEstimator: FeeEstimator = { feerate: (target) => feeratePerKw(this.#feerate(target)) };
    const tip = chain.chain.locator();
    const position = records.manager.chainPosition;
    const bestHeight = (position ? orThrow(readChainPosition(position)) : tip).height;
    this.name = name;
    this.keys = keys;
    this.store = store;
    this.answer = answer;
    this.#maximumFeerate = maximumFeerate;
    this.#chain = chain;
    this.chainMonitor = new ChainMonitor(
      { signerProvider: keys, broadcaster, feeEstimator, logger },
      { bestHeight, monitors: orThrow(restoreMonitors(records.monitors)) },
    );
    this.wallet = new TestWallet(chain.chain, walletSeed + seedByte);
    this.sweeper = new OutputSweeper(
      {
        outputSpender: keys,
        changeDestinationSource: { changeDestinationScript: () => this.wallet.script },
        broadcaster,
        feeEstimator,
        logger,
      },
      { bestHeight, stored: orThrow(readSweeper(records.sweeper)) },
    );
    this.graph = new NetworkGraph({ chainHash: network.genesisHash });
    const environment = {
      network,
      config: { ...testConfig, ...config },
      nodeSigner: keys,
      signerProvider: keys,
      entropy: { randomBytes: (length: number) => new Uint8Array(randomBytes(length)) },
      feeEstimator,
      broadcaster,
      watch: this.chainMonitor,
      router: new ExactRouter(this.graph),
      logger,
      clock: risingMilliseconds,
    };
    this.manager = orThrow(restoreManager(environment, records.manager, { tip, now }));
    const gossip = new P2PGossipSync({ graph: this.graph, now, flushInterval: 0 });
    const channel = tap ? tap(this.manager, () => this.peers) : this.manager;
    this.peers = new PeerManager({
      nodeSigner: keys,
      handlers: { channel, routing: tapGossip ? tapGossip(gossip) : gossip },
      chainHash: network.genesisHash,
      logger,
    });
    this.background = new BackgroundProcessor({
      manager: this.manager,
      peerManager: this.peers,
      chainMonitor: this.chainMonitor,
      sweeper: this.sweeper,
      bumpTransactionHandler: new BumpTransactionHandler({
        coins: this.wallet,
        signerProvider: keys,
        broadcaster,
        logger,
      }),
      store,
      handleEvent: (event) => this.#handle(event),
      logger,
      flush: () => this.transport.flush(),
      onStatus: (status) => {
        this.status = status;
      },
    });
    this.transport = new TcpTransport({ peers: this.background.peers, logger });
  }

  get nodeId(): NodeId {
    return this.keys.nodeId;
  }

  /** A mark for `waitFor`. */
  get eventCount(): number {
    return this.events.length;
  }

  /** Takes connections; gives the port. */
  async listen(): Promise<number> {
    return (await this.transport.listen({ host, port: 0 })).port;
  }

  /** Resolves when `init` went both ways, or the connection is over again. */
  async connect(port: number, nodeId: string): Promise<void> {
    const dialled = await this.transport.connect({ host, port, nodeId: nodeId as NodeId });
    if (!dialled.ok) throw this.#failure(`no connection: ${JSON.stringify(dialled.error)}`);
    let isOver = false;
    void dialled.value.closed.then(() => {
      isOver = true;
    });
    await this.until("connection", () => isOver || this.peers.peer(nodeId as NodeId) !== undefined);
  }

  /** Calls the manager, and lets what follows happen. */
  act<T>(call: (manager: ChannelManager) => T): T {
    const result = call(this.manager);
    this.background.wake();
    return result;
  }

  blocksChanged(): void {
    const { disconnected, forkPoint, connected } = this.#chain.chain.blocksSince(this.manager.bestBlock);
    const listeners = [this.chainMonitor, this.sweeper, this.manager];
    if (disconnected.length > 0) for (const listener of listeners) listener.blocksDisconnected(forkPoint);
    for (const { block, height } of connected) {
      const indexed = block.transactions.map((transaction, index) => ({ index, transaction }));
      for (const listener of listeners) listener.blockConnected(block.header, indexed, height);
    }
    this.background.wake();
  }

  /** The first event of `kind` from `since` on that `accepts` takes; rejects when there is none in 20 s. */
  async waitFor<K extends EventKind>(
    kind: K,
    accepts: (event: EventOf<K>) => boolean = () => true,
    since = 0,
  ): Promise<EventOf<K>> {
    const fits = (event: Event): event is EventOf<K> => isOfKind(event, kind) && accepts(event);
    return this.until(kind, () => this.events.slice(since).find(fits));
  }

  /** Looks until there is something; rejects after 20 s. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    for (const deadline = performance.now() + 20_000; ; ) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > deadline) throw this.#failure(`no ${what} within 20 s`);
      const error = this.log.find((line) => line.startsWith("error"));
      if (error !== undefined) throw this.#failure(`an error while waiting for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Ends as an application does. */
  async stop(): Promise<void> {
    await this.background.stop();
    await this.#leave();
    await this.store.close();
  }

  /** After `background` has failed: what is left of the node goes away; the store stays open. */
  async discard(): Promise<void> {
    await this.background.stop();
    await this.#leave();
  }

  async #leave(): Promise<void> {
    this.#chain.unfollow(this);
    await this.transport.close();
  }

  #handle(event: Event): void {
    try {
      this.#react(event);
    } catch (error) {
      // After a restart an event may come again whose channel is gone.
      if (!(error instanceof ApiError) || error.code !== "channel-unavailable") throw error;
    }
    this.events.push(event);
  }

  #feerate(target: ConfirmationTarget): number {
    if (target === "urgent-on-chain-sweep" || target === "output-spending-fee") return this.onChainFeerate;
    return target === "maximum-fee-estimate" ? this.#maximumFeerate : 253;
  }

  #react(event: Event): void {
    if (event.kind === "open-channel-request") {
      this.manager.acceptInboundChannel(event.temporaryChannelId);
    } else if (event.kind === "funding-generation-ready") {
      const funding = this.#chain.fund({ value: event.channelValue, script: event.outputScript });
      this.manager.fundingTransactionGenerated(event.temporaryChannelId, funding);
    } else if (event.kind === "payment-claimable") {
      const { paymentPreimage } = event.purpose;
      if (this.answer === "refuse") this.manager.failHtlcBackwards(event.paymentHash);
      if (this.answer === "claim") this.manager.claimFunds(paymentPreimage as Bytes32);
    }
  }

  #note({ level, module, text }: LogRecord): void {
    this.log.push(`${level} ${module}: ${text}`);
  }

  #failure(what: string): Error {
    const recent = this.events.slice(-12).map(({ kind }) => kind);
    return new Error(
      [`${this.name}: ${what}`, `last events: ${recent.join(", ")}`, ...this.log.slice(-20)].join("\n"),
    );
  }
}

function isOfKind<K extends EventKind>(event: Event, kind: K): event is EventOf<K> {
  return event.kind === kind;
}

function orThrow<T>(result: Result<T, StorageError>): T {
  if (result.ok) return result.value;
  throw new Error(`the store cannot be used: ${result.error.key}: ${result.error.text}`);
}
