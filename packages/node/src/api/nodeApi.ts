import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { Bytes32, ChannelId, FeeratePerKw, NodeId, PaymentHash, Txid } from "@fulmen/lightning/util";
import type { Balances } from "./balances.ts";
import type {
  ChannelConfigChange,
  ChannelView,
  CloseChannelOptions,
  OpenChannelRequest,
  OpenedChannel,
  PeerView,
} from "./channels.ts";
import type { EventQuery, StoredNodeEvent } from "./events.ts";
import type { GraphQuery, GraphView } from "./graph.ts";
import type { LedgerAccount, LedgerEntry, LedgerQuery } from "./ledger.ts";
import type { NodeNetwork } from "./options.ts";
import type { PaymentInstructions } from "./paymentInstructions.ts";
import type {
  OnchainSendRequest,
  OnchainTransaction,
  Payment,
  PaymentQuery,
  PayOptions,
  RawSendRequest,
  ReceiveOptions,
  ReceiveRequest,
  RouteExplanation,
  SpendingOptions,
} from "./payments.ts";

/** Something that the user should know of. */
export interface NodeWarning {
  readonly code: string;
  readonly text: string;
  readonly remedy: string;
}

export type NodePhase =
  | "stopped"
  /** Reading its records, or on its way to the tip. */
  | "starting"
  | "running"
  /** The store fails; the chain is still watched. */
  | "frozen"
  /** It has to be started anew, from its store: see `NodeStatusView.failure`. */
  | "failed";

/** What connected peers keep of the static channel backup. */
export interface PeerBackupState {
  /** Those that were given a copy. */
  readonly peers: number;
  /** How many channels are in one of these, and how many there are. */
  readonly channels: number;
  readonly of: number;
}

/** The state of a node, running or not. */
export interface NodeStatusView {
  readonly phase: NodePhase;
  readonly nodeId: NodeId;
  readonly network: NodeNetwork;
  readonly alias: string;
  readonly chain: {
    readonly source: string;
    /** Of the last block that the node has dealt with. */
    readonly height: number;
    readonly blockHash: string;
    /** When the block says it was made, in seconds since 1970; absent until a block came since the start. */
    readonly blockTime?: number;
    /** The height that it is on its way to. */
    readonly tip: number;
    readonly isSynced: boolean;
    /** When the source last answered, in seconds since 1970. */
    readonly lastAnswer?: number;
    /** Why it does not answer now. */
    readonly problem?: string;
    /** The others, of which one takes its place when it fails, and why one did not answer last. */
    readonly further?: readonly { readonly source: string; readonly problem?: string }[];
  };
  /** Where peers can connect: `host:port`. */
  readonly listening?: string;
  /** `nodeid@host:port`, for those who want to open a channel. */
  readonly uri?: string;
  readonly peers: number;
  readonly channels: {
    readonly open: number;
    readonly usable: number;
    /** Those that are to end, and that no transaction in a block has ended yet. */
    readonly closing: number;
  };
  readonly graph: { readonly nodes: number; readonly channels: number };
  /** The static channel backup, once it was made. In seconds since 1970. */
  readonly backup?: {
    /** When the newest was made: at the start, or when a channel came or went last. */
    readonly madeAt: number;
    /** When all files and places had it that are to keep it; absent while one has not, or where there is none. */
    readonly takenAt?: number;
    /** Absent where peers are not asked to keep it. */
    readonly atPeers?: PeerBackupState;
  };
  /** Seconds since 1970. */
  readonly startedAt?: number;
  /** Why it is frozen, or has failed. */
  readonly failure?: string;
  readonly warnings: readonly NodeWarning[];
}

/** The wallet. */
export interface OnchainApi {
  /** A new address; after 20 that nobody has paid the first of them again, so that the seed alone finds all. */
  address(): Promise<string>;
  send(request: OnchainSendRequest): Promise<OnchainTransaction>;
  /** The newest first. */
  history(): readonly OnchainTransaction[];
  /**
   * Makes an unconfirmed transaction pay more: one of ours is replaced, otherwise a child pays for it. Gives the one
   * that was broadcast. Either leaves the anchor reserve alone.
   */
  bump(txid: Txid, feerate: FeeratePerKw, options?: SpendingOptions): Promise<OnchainTransaction>;
  /** The reserved part included: for coin control in programs. */
  transaction(txid: Txid): Transaction | undefined;
}

/** A signature by the node's key over a text, as lnd and Core Lightning make them. */
export interface MessageSignature {
  /** zbase32 */
  readonly signature: string;
}

/** A Lightning node. All calls reject or throw with `NodeError`. */
export interface NodeApi {
  readonly nodeId: NodeId;
  readonly network: NodeNetwork;
  readonly onchain: OnchainApi;

  /** Resolves when the node is at the chain's tip and reachable. When it rejects, nothing is left running. */
  start(): Promise<void>;
  /** Commits what happened, says good-bye to the peers, and lets go of the store. Safe to call again. */
  stop(): Promise<void>;
  status(): NodeStatusView;

  /** What a text asks for; throws `invalid-destination` with what is wrong. */
  parse(text: string): PaymentInstructions;
  /**
   * Pays an invoice, an address or a URI. Resolves when the payment is settled, or on chain when it is broadcast;
   * rejects with `payment-failed` when it failed for good.
   */
  pay(text: string, options?: PayOptions): Promise<Payment>;
  receive(options?: ReceiveOptions): Promise<ReceiveRequest>;
  /** Takes a held payment. The preimage, where the node does not know it. Resolves once it is certain to be ours. */
  claim(paymentHash: PaymentHash, preimage?: Bytes32): Promise<Payment>;
  /** Sends a held payment back. */
  failHeld(paymentHash: PaymentHash): Promise<Payment>;
  /** One HTLC to a peer, whatever it may do with it; resolves when it is under way. Refused on mainnet. */
  sendRaw(request: RawSendRequest): Promise<Payment>;
  /** Stops trying. What is under way may still arrive. */
  abandon(paymentId: string): Promise<void>;
  /** The newest first. */
  payments(query?: PaymentQuery): Promise<readonly Payment[]>;
  payment(id: string): Promise<Payment | undefined>;
  /** Which way a payment would take now, and why. Nothing is sent. */
  explainRoute(text: string, options?: PayOptions): Promise<RouteExplanation>;

  /** Resolves when the funding transaction is signed and about to be broadcast. */
  openChannel(request: OpenChannelRequest): Promise<OpenedChannel>;
  /** Resolves when the closing has begun; `channel-closed` tells when it is done. */
  closeChannel(channelId: ChannelId, options?: CloseChannelOptions): Promise<void>;
  /** Publishes our commitment: slow and dear, for peers that do not answer. */
  forceCloseChannel(channelId: ChannelId): Promise<void>;
  updateChannel(channelId: ChannelId, change: ChannelConfigChange): Promise<void>;
  channels(): readonly ChannelView[];

  /** `nodeid@host:port`. Resolves when the handshake is over; the node keeps the connection from then on. */
  connect(address: string): Promise<PeerView>;
  /** And does not connect again by itself. */
  disconnect(nodeId: NodeId): Promise<void>;
  peers(): readonly PeerView[];

  /** What of the known network is near; of large ones a part. */
  graph(query?: GraphQuery): GraphView;

  balances(): Balances;
  /** Entries in their order. */
  ledger(query?: LedgerQuery): Promise<readonly LedgerEntry[]>;
  /** What each account has now, in millisatoshis. */
  ledgerAccounts(): ReadonlyMap<LedgerAccount, bigint>;
  /** All postings as CSV, one line each, from the first; piece by piece. */
  ledgerCsv(): AsyncIterable<string>;

  /** Stored events, then new ones as they come, until the node stops. As many readers at once as you like. */
  events(query?: EventQuery): AsyncIterableIterator<StoredNodeEvent>;
  /** The index of the newest event; 0 before the first. */
  readonly lastEventIndex: number;

  signMessage(text: string): MessageSignature;
  /** Who signed; throws `invalid-signature`. */
  verifyMessage(text: string, signature: string): NodeId;
}
