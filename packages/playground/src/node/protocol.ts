import type { FormatName } from "@fulmen/lightning/commitment";
import type { Event } from "@fulmen/lightning/handlers";
import type { ChannelDetails, PhantomRouteHints } from "@fulmen/lightning/manager";
import type { Balance } from "@fulmen/lightning/onchain";
import type { ChannelId, Msat, PaymentHash, PaymentId, Sat } from "@fulmen/lightning/util";
import type { ReceiveRequest } from "@fulmen/node";

/** With what a node process starts. */
export interface NodeSettings {
  readonly name: string;
  /** 32 bytes in hex. */
  readonly seed: string;
  /** 32 bytes in hex, of a node that is paid as one with others: see `PhantomKeysManager`. */
  readonly crossNodeSeed?: string;
  /** Where its store is, and what else it may leave behind. */
  readonly folder: string;
  /** A PostgreSQL database that has its store in place of the folder; nodes share it. */
  readonly database?: string;
  /** Where the chain is served as Bitcoin Core does. */
  readonly chainPort: number;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Nodes to be connected to, and again whenever the connection is lost. */
  readonly peers: readonly PeerLocation[];
}

export interface PeerLocation {
  readonly nodeId: string;
  readonly port: number;
}

export interface NodeInfo {
  readonly nodeId: string;
  readonly port: number;
  /** Which crypto provider runs. */
  readonly crypto: string;
  /** Channels that were in the store when it started. */
  readonly restoredChannels: number;
}

export interface NodeStatusReport {
  readonly height: number;
  readonly peers: readonly string[];
  /** Announced channels of which both directions have an update: what routes can be found over. */
  readonly routableChannels: number;
}

/** Something of a closed channel that is not in the wallet yet. */
export interface WaitingFunds {
  readonly channelId: string;
  readonly kind: Balance["kind"];
  readonly amount: Sat;
  /** The height that it waits for, where there is one. */
  readonly until?: number;
}

/** What a node process can be asked. Methods that refuse throw an error whose message says why. */
export interface NodeService {
  info(): NodeInfo;
  status(): NodeStatusReport;
  connect(peer: PeerLocation): void;
  /** Opens an announced channel, paid for by the node's wallet; gives its temporary id. */
  open(request: { readonly nodeId: string; readonly funding: Sat; readonly format: FormatName }): ChannelId;
  channels(): readonly ChannelDetails[];
  /** Of all coins, confirmed or not. */
  walletBalance(): Sat;
  /** A fresh output script of the wallet's. */
  address(): Uint8Array;
  /** All scripts that pay to the node: its wallet's, and those to which channels close. */
  scripts(): readonly Uint8Array[];
  /** What closed channels still owe the wallet. */
  waitingFunds(): readonly WaitingFunds[];
  /** Outputs of closed channels that are on their way to the wallet. */
  sweepsUnderWay(): number;
  /** With `hold`, the payment is not claimed before `claim` is called. */
  invoice(request: {
    readonly amount: Msat;
    readonly description: string;
    readonly hold: boolean;
  }): Promise<ReceiveRequest>;
  /** How payers reach the node as the phantom. */
  phantomRouteHints(): PhantomRouteHints;
  pay(invoice: string): Promise<PaymentId>;
  /** Why the last route was chosen, hop by hop, in lines; empty when none was found yet. */
  whyRoute(): string;
  claim(paymentHash: PaymentHash): Promise<void>;
  /** Claims a payment whose preimage the node does not have. Whether there was one. */
  claimWith(preimage: Uint8Array): boolean;
  close(channelId: string): Promise<void>;
  /** Publishes the latest commitment that this node knows. */
  forceClose(channelId: string): Promise<void>;
  /** Serves the node's dashboard; gives its address, which is `former` again where there was one before a restart. */
  serveDashboard(former?: string): Promise<string>;
}

/** What a node process tells without being asked. */
export type NodeNotice =
  /** `index` rises; the same event may come again after a restart. */
  | { readonly kind: "event"; readonly index: number; readonly event: Event }
  | { readonly kind: "log"; readonly level: string; readonly text: string }
  /** The node cannot go on. */
  | { readonly kind: "failed"; readonly text: string };
