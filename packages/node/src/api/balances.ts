import type { ChannelId, Msat, PaymentHash, Sat } from "@fulmen/lightning/util";

/** Why money is not at hand yet. */
export type PendingReason =
  /** A payment to the wallet that no block has yet, from somebody else. */
  | "unconfirmed"
  /** Mined less than 100 blocks ago. */
  | "immature"
  /** The node opened a channel; the funding waits for its confirmations. */
  | "channel-opening"
  /** A channel was closed in agreement; the transaction is not final yet. */
  | "cooperative-close"
  /** We published our commitment: our share is delayed, so that the peer could prove a fraud. */
  | "our-force-close"
  /** The peer published its commitment. */
  | "their-force-close"
  /** A payment on its way when the channel closed: it comes back unless the payee shows the preimage. */
  | "htlc-timeout"
  /** A payment to us when the channel closed: its claim waits for a block. */
  | "htlc-claim"
  /** The peer published a commitment that it had revoked: all of it is ours. */
  | "penalty"
  /** Final, and on its way to the wallet. */
  | "sweep";

/** Money that is ours and not at hand. */
export interface PendingBalance {
  readonly reason: PendingReason;
  readonly amount: Msat;
  readonly channelId?: ChannelId;
  readonly paymentHash?: PaymentHash;
  /** The height at which it is at hand, or can be taken; absent when that is not known. */
  readonly height?: number;
  /** A sentence for the user. */
  readonly explanation: string;
}

/** An amount with a sentence that says what it is. */
export interface Explained<T> {
  readonly amount: T;
  readonly explanation: string;
}

/** All that a node has. Every millisatoshi is counted once: `total` is the sum of the parts that say so. */
export interface Balances {
  readonly onchain: {
    /** All coins of the wallet, whatever state they are in. Part of `total`. */
    readonly total: Sat;
    /** What can be sent now, before fees. */
    readonly spendable: Explained<Sat>;
    /** Kept so that channels can be closed whatever fees are. */
    readonly reserved: Explained<Sat>;
    /** Held by transactions that are being made, or pay for a close. */
    readonly locked: Explained<Sat>;
    /** Of `total`, what waits. */
    readonly pending: readonly PendingBalance[];
  };
  readonly lightning: {
    /** Our side of all open channels, payments under way included. Part of `total`. */
    readonly total: Msat;
    /** What can be paid now at the most, in several parts. */
    readonly spendable: Explained<Msat>;
    /** What others can pay us now at the most, in several parts. */
    readonly receivable: Explained<Msat>;
    /** Of `total`: what is on its way to others, and ours until they have it. */
    readonly sending: Explained<Msat>;
    /** Not part of `total`: what is on its way to us, and not claimed. */
    readonly receiving: Explained<Msat>;
    /** Of `total`: our share that can never be spent while channels are open, as the peers ask for it. */
    readonly reserve: Explained<Msat>;
  };
  /** What closed channels still owe us. All parts of `total`. */
  readonly closing: readonly PendingBalance[];
  /**
   * What the node would have if all ended as it stands. The sum of the ledger's asset accounts once nothing is under
   * way.
   */
  readonly total: Msat;
}
