import type { KVStore, KvWrite, Lease } from "@fulmen/lightning/chain";
import type { P2PGossipSync } from "@fulmen/lightning/gossip";
import type { Logger } from "@fulmen/lightning/handlers";
import type { ChainMonitor, ChannelManager, OutputSweeper } from "@fulmen/lightning/manager";
import type { PeerConnections, PeerManager } from "@fulmen/lightning/peer";
import type { Prober } from "@fulmen/lightning/routing";
import type { BumpTransactionHandler } from "./bumpTransactionHandler.ts";
import type { Clock } from "./clock.ts";
import type { EventHandler } from "./eventPump.ts";
import type { SignatureVerifier } from "./gossipVerifier.ts";
import type { NetworkKnowledgeOptions, TaughtScorer } from "./networkKnowledge.ts";

/** The state of a node that runs, or ran. */
export type NodeStatus =
  | { readonly kind: "running" }
  /**
   * The store does not take what it is given. Nothing that rests on it leaves the node, and no peer is connected;
   * the chain is still watched. The store is tried again and again: `attempt` from 1, the next one in `retryIn`
   * milliseconds; 0 while it has not answered the last one.
   */
  | {
      readonly kind: "frozen";
      readonly error: unknown;
      readonly attempt: number;
      readonly retryIn: number;
    }
  /** `stop` was called. */
  | { readonly kind: "stopped" }
  /** The store is lost, or a bug was found: the node must be started anew, from its store. `text` says why. */
  | { readonly kind: "failed"; readonly error: unknown; readonly text: string };

export interface BackgroundProcessorOptions {
  readonly manager: Pick<
    ChannelManager,
    | "takeBatch"
    | "batchCommitted"
    | "processMonitorEvents"
    | "pendingEvents"
    | "acknowledgeEvents"
    | "acknowledgeEvent"
    | "timerTickOccurred"
    | "channelsToArchive"
    | "archiveChannel"
    | "deferHtlcForwards"
    | "needsPendingHtlcProcessing"
    | "processPendingHtlcForwards"
  >;
  readonly peerManager: PeerConnections & Pick<PeerManager, "tick" | "disconnectAll">;
  readonly store: KVStore;
  /**
   * The lease by which this process is the node, where others could be: asked before peers are written to and before
   * each event. When it is lost the node stops at once. Default: the store, when it has one. The transport (`mayWrite`)
   * and the broadcaster (`fencedBroadcaster`) are to be given it, too.
   */
  readonly lease?: Pick<Lease, "holdsLease" | "onLost">;
  /** What `handleEvents` would be given at once; absent, when that or `events` follows. */
  readonly handleEvent?: EventHandler;
  readonly logger: Logger;
  /** Writes what waits for the peers to their sockets: `TcpTransport.flush`. */
  readonly flush: () => void;
  /** `ChainMonitor`, unless the `Watch` keeps its records elsewhere. */
  readonly chainMonitor?: Pick<
    ChainMonitor,
    "takeWrites" | "committed" | "rebroadcast" | "archive" | "takeBumpEvents" | "unsettledClaims"
  >;
  /**
   * Pays for commitments and HTLC transactions that do not pay for themselves. Without it, channels with anchors are
   * safe only while what they pay suffices.
   */
  readonly bumpTransactionHandler?: Pick<BumpTransactionHandler, "handle" | "retain">;
  /** The wallet, when its rows are to be in the node's store: they are committed with the next batch. */
  readonly wallet?: { takeWrites(): readonly KvWrite[] };
  /**
   * Gets the outputs of `spendable-outputs` before the user gets that event, and has stored them when it is
   * acknowledged; from the `ChainMonitor`, where that was given it. It is for `pollChain` to tell it of blocks.
   */
  readonly sweeper?: Pick<
    OutputSweeper,
    "trackSpendableOutputs" | "takeWrites" | "committed" | "rebroadcast"
  >;
  /**
   * Tells the chain's news to the monitor and then to the manager; called again and again, never twice at once. A
   * rejection is logged.
   */
  readonly pollChain?: () => Promise<void> | void;
  /** Milliseconds between two polls. Default 1 s. */
  readonly pollInterval?: number;
  /** Keeps the graph: gets what failed payments say of it, too. */
  readonly gossip?: Pick<
    P2PGossipSync,
    "tick" | "handleNetworkUpdate" | "takeSignatureBatch" | "signaturesChecked"
  >;
  /** Stored every hour and at the end, when it has changed: `loadNetworkGraph` reads it. */
  readonly networkGraph?: NetworkKnowledgeOptions["graph"];
  /**
   * Learns from the events of payments and probes; stored as the graph is, when it has `write`: `loadScores` reads it.
   */
  readonly scorer?: TaughtScorer;
  /** Sends probes, from which `scorer` learns; asked every second whether one is due. */
  readonly prober?: Pick<Prober, "tick">;
  /** Verifies the signatures of `gossip`, where that was made with `verification: "queued"`. */
  readonly signatureVerifier?: SignatureVerifier;
  /**
   * For how long HTLCs that came in wait before they are passed on, kept or failed, in milliseconds: drawn anew for
   * those of one moment. Default `randomForwardDelay`; `none` decides at once, which is for tests and measurements.
   */
  readonly forwardDelay?: (() => number) | "none";
  /** Told of each change. */
  readonly onStatus?: (status: NodeStatus) => void;
  readonly clock?: Clock;
}
