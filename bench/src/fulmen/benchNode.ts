import { randomBytes } from "node:crypto";
import { networks } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import {
  ChainMonitor,
  type ChannelManager,
  DefaultRouter,
  defaultUserConfig,
  type Event,
  KeysManager,
  type KVStore,
  type ManagerRecords,
  NetworkGraph,
  noRecords,
  P2PGossipSync,
  PeerManager,
  restoreManager,
} from "@fulmen/lightning";
import type { RestoredMonitor } from "@fulmen/lightning/storage";
import { blockHeight, feeratePerKw, type UnixSeconds } from "@fulmen/lightning/util";

const network = networks.regtest;

export interface BenchNodeOptions {
  /** Fills the seed. */
  readonly seedByte: number;
  /** Of the best block, for a new node. */
  readonly height: number;
  readonly store?: KVStore;
  /** What the node starts from; without, it is new. */
  readonly records?: { readonly manager: ManagerRecords; readonly monitors: readonly RestoredMonitor[] };
}

/** One of our nodes, as a program would build it, without sockets and timers. */
export class BenchNode {
  readonly keys: KeysManager;
  readonly manager: ChannelManager;
  readonly monitor: ChainMonitor;
  readonly peers: PeerManager;
  readonly broadcast: Transaction[] = [];
  readonly #store: KVStore | undefined;

  constructor({ seedByte, height, store, records }: BenchNodeOptions) {
    this.#store = store;
    const now = Math.floor(Date.now() / 1000) as UnixSeconds;
    const keys = new KeysManager(new Uint8Array(32).fill(seedByte));
    const broadcaster = {
      broadcastTransactions: (transactions: readonly Transaction[]): void => {
        this.broadcast.push(...transactions);
      },
    };
    const logger = {
      log: ({ level, text }: { readonly level: string; readonly text: string }): void => {
        if (level === "error" || level === "warn") throw new Error(text);
      },
    };
    const feeEstimator = { feerate: () => feeratePerKw(253) };
    const monitor = new ChainMonitor(
      { signerProvider: keys, broadcaster, feeEstimator, logger },
      { bestHeight: height, monitors: records?.monitors ?? [] },
    );
    const graph = new NetworkGraph({ chainHash: network.genesisHash });
    const { channelHandshakeConfig } = defaultUserConfig;
    const manager = restoreManager(
      {
        network,
        config: {
          ...defaultUserConfig,
          channelHandshakeConfig: {
            ...channelHandshakeConfig,
            minimumDepth: 1,
            ourMaxAcceptedHtlcs: 483,
          },
          acceptForwardsToPrivChannels: true,
        },
        nodeSigner: keys,
        signerProvider: keys,
        entropy: { randomBytes: (length) => new Uint8Array(randomBytes(length)) },
        feeEstimator,
        broadcaster,
        watch: monitor,
        router: new DefaultRouter(graph),
        logger,
      },
      records?.manager ?? noRecords,
      {
        tip: { hash: network.genesisHash, height: blockHeight(0), ancestors: [] },
        now,
      },
    );
    if (!manager.ok) throw new Error(manager.error.text);
    this.keys = keys;
    this.monitor = monitor;
    this.manager = manager.value;
    this.peers = new PeerManager({
      nodeSigner: keys,
      handlers: { channel: this.manager, routing: new P2PGossipSync({ graph, now }) },
      chainHash: network.genesisHash,
      logger,
    });
  }

  /** Commits what has happened, and lets its effects out. Whether anything had. Without a store, nothing is written. */
  async commit(): Promise<boolean> {
    const batch = this.manager.takeBatch();
    if (batch === undefined) return false;
    if (this.#store !== undefined) {
      await this.#store.commit([...batch.writes, ...this.monitor.takeWrites(batch.sequence)]);
      this.monitor.committed(batch.sequence);
    }
    this.manager.batchCommitted(batch.sequence);
    this.peers.processEvents();
    return true;
  }

  takeEvents(handle: (event: Event) => void): number {
    const events = this.manager.pendingEvents(1_000);
    for (const { event } of events) handle(event);
    const last = events.at(-1);
    if (last !== undefined) this.manager.acknowledgeEvents(last.index);
    return events.length;
  }
}
