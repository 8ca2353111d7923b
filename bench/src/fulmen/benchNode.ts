import { randomBytes } from "node:crypto";
import { networks } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { KvWrite } from "@fulmen/lightning/chain";
import { defaultUserConfig } from "@fulmen/lightning/channel";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import type { Event } from "@fulmen/lightning/handlers";
import { ChainMonitor, type ChannelManager, noRecords, restoreManager } from "@fulmen/lightning/manager";
import { PeerManager } from "@fulmen/lightning/peer";
import { DefaultRouter } from "@fulmen/lightning/routing";
import { KeysManager } from "@fulmen/lightning/sign";
import { blockHeight, feeratePerKw } from "@fulmen/lightning/util";

const network = networks.regtest;

/** One of our nodes without sockets or timers. `commit` stands for the store. */
export class BenchNode {
  readonly keys: KeysManager;
  readonly manager: ChannelManager;
  readonly monitor: ChainMonitor;
  readonly peers: PeerManager;
  readonly broadcast: Transaction[] = [];

  constructor(seed: number, height: number) {
    const keys = new KeysManager(new Uint8Array(32).fill(seed));
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
      { bestHeight: height, monitors: [] },
    );
    const graph = new NetworkGraph({ chainHash: network.genesisHash });
    const { channelHandshakeConfig } = defaultUserConfig;
    const manager = restoreManager(
      {
        network,
        config: {
          ...defaultUserConfig,
          channelHandshakeConfig: { ...channelHandshakeConfig, minimumDepth: 1 },
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
      noRecords,
      {
        tip: { hash: network.genesisHash, height: blockHeight(0), ancestors: [] },
        now: Math.floor(Date.now() / 1000),
      },
    );
    if (!manager.ok) throw new Error(manager.error.text);
    this.keys = keys;
    this.monitor = monitor;
    this.manager = manager.value;
    this.peers = new PeerManager({
      nodeSigner: keys,
      handlers: { channel: this.manager },
      chainHash: network.genesisHash,
      logger,
    });
  }

  /** Commits what has happened, and lets its effects out. Whether anything had. */
  commit(store: ((writes: readonly KvWrite[]) => void) | undefined): boolean {
    const batch = this.manager.takeBatch();
    if (batch === undefined) return false;
    store?.(batch.writes);
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
