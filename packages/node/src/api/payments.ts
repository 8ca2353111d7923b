import type {
  Bytes32,
  FeeratePerKw,
  Msat,
  NodeId,
  PaymentHash,
  PaymentId,
  Sat,
  Txid,
} from "@fulmen/lightning/util";

export type PaymentDirection = "sent" | "received";

export type PaymentStatus =
  /** Sent and not known yet how it ends; an invoice that nobody has paid yet. */
  | "pending"
  /** Of a hold invoice: it is here, and waits for `claim` or `failHeld`. */
  | "held"
  | "succeeded"
  | "failed"
  /** Of an invoice: nobody paid it in time. */
  | "expired";

/** Why a payment failed, as a tag for programs and a sentence for people. */
export interface PaymentFailure {
  readonly code: string;
  readonly text: string;
}

/** A payment as it is stored. */
export interface Payment {
  /** Of a payment over Lightning its `PaymentId` when sent and its hash when received; on chain, the txid. */
  readonly id: string;
  /** Counts up as payments begin. */
  readonly sequence: number;
  readonly kind: "bolt11" | "spontaneous" | "onchain";
  readonly direction: PaymentDirection;
  readonly status: PaymentStatus;
  /** What the payee gets; absent from an invoice that names no amount until it is paid. */
  readonly amount?: Msat;
  /** What sending it cost beyond `amount`. */
  readonly fee?: Msat;
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly settledAt?: number;
  /** Of an invoice: when it can no longer be paid, in seconds since 1970. */
  readonly expiresAt?: number;
  readonly description?: string;
  readonly paymentHash?: PaymentHash;
  /** The proof of payment. */
  readonly preimage?: Bytes32;
  readonly invoice?: string;
  readonly payee?: NodeId;
  readonly txid?: Txid;
  readonly address?: string;
  /** Whether it waits for `claim` once it is here. */
  readonly isHeld?: boolean;
  readonly failure?: PaymentFailure;
  /** Ways that were tried, the last ones, the newest first. */
  readonly attempts: readonly PaymentAttempt[];
}

/** One way on which a part of a payment was tried. */
export interface PaymentAttempt {
  readonly at: number;
  readonly path: readonly { readonly nodeId: NodeId; readonly shortChannelId: string }[];
  readonly amount?: Msat;
  readonly succeeded: boolean;
  /** BOLT 4's name of what went wrong. */
  readonly failure?: string;
  /** The channel that did not carry it. */
  readonly failedChannel?: string;
}

export interface PaymentQuery {
  /** Only those that began before the one with this `sequence`: the last one of the page before. */
  readonly after?: number;
  /** At most 1,000. Default 100. */
  readonly limit?: number;
  readonly direction?: PaymentDirection;
  readonly status?: PaymentStatus;
}

export interface PayOptions {
  /** For an invoice or an address that names no amount. */
  readonly amount?: Msat;
  /** All fees of a payment over Lightning. Default: 1 % of the amount and 50 sat. */
  readonly maxFee?: Msat;
  /** What an on-chain transaction pays. Default: the estimate for some hours. */
  readonly feerate?: FeeratePerKw;
  /** Makes it safe to ask again. Default: the payment hash. */
  readonly paymentId?: PaymentId;
  /** Resolve as soon as the payment is under way. Default false: when it is known how it ended. */
  readonly returnAtOnce?: boolean;
  /** Resolve with the status `pending` when it takes longer. Default: no limit. */
  readonly timeoutSeconds?: number;
  /** Which of the ways that a URI offers is taken. Default: Lightning where it offers it. */
  readonly prefer?: "lightning" | "onchain";
}

export interface ReceiveOptions {
  /** Default: the payer chooses. */
  readonly amount?: Msat;
  readonly description?: string;
  /** For descriptions too long for an invoice: their SHA-256, in hex. */
  readonly descriptionHash?: string;
  /** Default 3,600. */
  readonly expirySeconds?: number;
  /** The user claims or fails the payment: for swaps and for goods that may be sold out. Default false. */
  readonly hold?: boolean;
  /** Of a preimage that only the user knows, in hex: a hold invoice. */
  readonly paymentHash?: PaymentHash;
  /** What the payer gets, in place of a random one: for protocol tests, and refused on mainnet. */
  readonly preimage?: Bytes32;
}

/** A payment of one hop that names no invoice: for protocol tests. */
export interface RawSendRequest {
  /** A peer with a usable channel. */
  readonly peer: NodeId;
  readonly amount: Msat;
  readonly paymentHash: PaymentHash;
  /** 32 bytes; without it a peer that keeps to BOLT 4 sends the payment back. */
  readonly paymentSecret?: Bytes32;
  /** Blocks from the tip to the HTLC's expiry. Default 22. */
  readonly expiryDelta?: number;
}

/** How to be paid. */
export interface ReceiveRequest {
  readonly invoice: string;
  readonly paymentHash: PaymentHash;
  /** BIP 21 URI with the invoice in it, for QR codes. */
  readonly uri: string;
  readonly expiresAt: number;
}

/** What a way to the payee would be, and why it was chosen. */
export interface RouteExplanation {
  readonly found: boolean;
  readonly amount: Msat;
  readonly fee?: Msat;
  readonly paths: readonly {
    readonly amount: Msat;
    readonly fee: Msat;
    readonly hops: readonly {
      readonly nodeId: NodeId;
      readonly shortChannelId: string;
      readonly fee: Msat;
      readonly expiryDelta: number;
    }[];
  }[];
  /** For people: the choice in words, or why there is none. */
  readonly text: string;
}

/** What a transaction of the wallet may spend. */
export interface SpendingOptions {
  /** Also what is kept to close channels when fees are high: they may close too late then, and lose money. */
  readonly spendReserve?: boolean;
}

export interface OnchainSendRequest extends SpendingOptions {
  readonly address: string;
  /** `all` sends everything that is not reserved. */
  readonly amount: Sat | "all";
  readonly feerate?: FeeratePerKw;
}

/** A transaction of the wallet. */
export interface OnchainTransaction {
  readonly txid: Txid;
  /** What it gave to the wallet, below zero when it took. */
  readonly change: bigint;
  /** Known where all inputs are ours. */
  readonly fee?: Sat;
  readonly height?: number;
  readonly confirmations: number;
  readonly isReplaceable: boolean;
}
