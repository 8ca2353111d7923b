import type { OutPoint } from "@fulmen/bitcoin/primitives";
import type { ChannelConfigUpdate } from "@fulmen/lightning/channel";
import type {
  ChannelId,
  FeeratePerKw,
  Msat,
  NodeId,
  PaymentHash,
  Sat,
  ShortChannelId,
} from "@fulmen/lightning/util";

/** Where a channel is in its life. */
export type ChannelPhase = "opening" | "open" | "closing" | "closed";

/** A payment that a channel is carrying. */
export interface ChannelHtlc {
  readonly direction: "incoming" | "outgoing";
  readonly amount: Msat;
  readonly paymentHash: PaymentHash;
  /** The height from which its sender can take it back. */
  readonly expiryHeight: number;
  /** What it waits for, and what happens if that does not come. */
  readonly explanation: string;
}

/** One line of the story of a close. */
export interface CloseStep {
  /** What is at stake: the channel itself, our balance, one payment, or the peer's balance after a fraud. */
  readonly subject: "closing" | "balance" | "htlc" | "penalty";
  readonly amount?: Sat;
  /** The tag of `TimelineState`. */
  readonly state: string;
  /** The height at which this step ends, when that is known. */
  readonly height?: number;
  /** Blocks until then. */
  readonly blocksLeft?: number;
  readonly text: string;
}

/** A channel as its user sees it. */
export interface ChannelView {
  readonly channelId: ChannelId;
  readonly peer: NodeId;
  readonly phase: ChannelPhase;
  /** The protocol's state: see `ChannelState` of the core. */
  readonly state: string;
  readonly isUsable: boolean;
  readonly isConnected: boolean;
  readonly isOutbound: boolean;
  readonly isAnnounced: boolean;
  readonly capacity: Sat;
  /** Our balance, without what `htlcs` carry to the peer. */
  readonly local: Msat;
  readonly remote: Msat;
  /** The largest single HTLC that we may send now. */
  readonly spendable: Msat;
  /** What the peer could send us now at the most. */
  readonly receivable: Msat;
  /** None once the channel is closed: what becomes of them is in `closing`. */
  readonly htlcs: readonly ChannelHtlc[];
  readonly format: string;
  readonly funding: OutPoint;
  readonly shortChannelId?: ShortChannelId;
  /** Confirmations of the funding, and how many are asked for, while it opens. */
  readonly confirmations?: { readonly have: number; readonly need: number };
  /** Why and how it is closing; empty while it is open. */
  readonly closing: readonly CloseStep[];
  /** One sentence about the state. */
  readonly explanation: string;
}

export interface OpenChannelRequest {
  /** `nodeid@host:port`; or the id alone of a peer that is connected, or whose address is known. */
  readonly peer: string;
  readonly amount: Sat;
  /** A present to the peer. Default 0. */
  readonly push?: Msat;
  /** Tell the network of it, so that others may pay through it. Default: what the config says. */
  readonly announce?: boolean;
  /** What the funding transaction pays. Default: the estimate for some hours. */
  readonly feerate?: FeeratePerKw;
  /** Resolve only when the channel can carry payments, after its confirmations. Default false. */
  readonly untilUsable?: boolean;
}

/** A channel whose funding transaction is signed by both sides. */
export interface OpenedChannel {
  readonly channelId: ChannelId;
  readonly funding: OutPoint;
}

export interface CloseChannelOptions {
  /** Where our share goes. Default: the wallet. */
  readonly address?: string;
  readonly feerate?: FeeratePerKw;
}

/** Changes of what a channel asks for forwarding. */
export type ChannelConfigChange = ChannelConfigUpdate;

/** A node that we are connected to, or keep connecting to. */
export interface PeerView {
  readonly nodeId: NodeId;
  readonly isConnected: boolean;
  /** Where we look for it; of one that is not kept and came to us, where it came from: no place to connect to. */
  readonly address?: string;
  readonly isInbound?: boolean;
  readonly channels: number;
  /** Whether the node connects again by itself. */
  readonly isKept: boolean;
}
