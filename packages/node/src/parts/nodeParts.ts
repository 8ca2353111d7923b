import type { BackgroundProcessor } from "@fulmen/background";
import type { Network } from "@fulmen/bitcoin/network";
import type { ChainSource, FeeEstimates } from "@fulmen/chain-sync";
import type { BroadcasterInterface, EntropySource, KVStore } from "@fulmen/lightning/chain";
import type { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import type { Logger } from "@fulmen/lightning/handlers";
import type { ChainMonitor, ChannelManager, OutputSweeper, PeerStorage } from "@fulmen/lightning/manager";
import type { PeerManager } from "@fulmen/lightning/peer";
import type { DefaultRouter, ProbabilisticScorer } from "@fulmen/lightning/routing";
import type { KeysManager } from "@fulmen/lightning/sign";
import type { Reconnector, TcpTransport } from "@fulmen/net";
import type { Wallet } from "@fulmen/wallet";
import type { NodeOptions } from "../api/options.ts";
import type { Journal } from "../journal/index.ts";

/** A chain source by itself: asked for feerates, and given broadcasts. */
export interface SingleSource extends Pick<ChainSource, "name" | "feerates" | "broadcast"> {
  /** Why it did not answer last; absent when it did, or was not asked. */
  readonly problem?: string | undefined;
}

/** What the store holds of a node, alive. */
export interface StoredParts {
  readonly store: KVStore;
  readonly journal: Journal;
  readonly manager: ChannelManager;
  readonly chainMonitor: ChainMonitor;
  readonly wallet: Wallet;
  readonly sweeper: OutputSweeper;
  readonly graph: NetworkGraph;
  readonly scorer: ProbabilisticScorer;
  readonly router: DefaultRouter;
}

/** All that a running node is made of. */
export interface NodeParts extends StoredParts {
  readonly options: NodeOptions;
  readonly network: Network;
  readonly keys: KeysManager;
  readonly logger: Logger;
  readonly entropy: EntropySource;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Where blocks come from. */
  readonly source: ChainSource;
  /** All that there are, the preferred one first. */
  readonly sources: readonly SingleSource[];
  readonly fees: FeeEstimates;
  readonly broadcaster: BroadcasterInterface;
  readonly peerStorage: PeerStorage;
  readonly gossip: P2PGossipSync;
  readonly peerManager: PeerManager;
  readonly background: BackgroundProcessor;
  readonly transport: TcpTransport;
  readonly reconnector: Reconnector;
}
