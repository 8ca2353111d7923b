import type { TlvRecord } from "../codec/tlv.ts";
import type { UpdateRef } from "../onchain/channelMonitorUpdate.ts";
import type { Bytes32, Point } from "../util/bytes.ts";
import type { ChannelId, NodeId, PaymentHash, PaymentId, ShortChannelId } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";

/** Names an HTLC of a channel. */
export interface HtlcRef {
  readonly channelId: ChannelId;
  readonly htlcId: bigint;
}

/** How an incoming HTLC ended, kept until the peer has irrevocably removed it. */
export type Resolution =
  | {
      readonly kind: "fulfill";
      readonly preimage: Bytes32;
      /** Hides the attribution data for the payer; absent when the peer gets none. */
      readonly sharedSecret?: Uint8Array;
      /** How long we held the HTLC, in units of 100 milliseconds. */
      readonly holdTime?: number;
      /** Attribution data from downstream. Not stored: without it, the payer learns hold times up to ours. */
      readonly downstream?: Uint8Array;
    }
  /** `reason` is the encrypted failure packet for the peer, `attribution` its attribution data. */
  | { readonly kind: "fail"; readonly reason: Uint8Array; readonly attribution?: Uint8Array }
  | { readonly kind: "fail-malformed"; readonly sha256OfOnion: Bytes32; readonly failureCode: number };

/**
 * Where we stand in the blinded path that an HTLC goes along, for as long as we may have to fail it: `introduction`,
 * its first node, with others behind us; `inner`, when the HTLC came with a path key. BOLT 2, "Removing an HTLC".
 */
export type BlindedRole = "introduction" | "inner";

/**
 * What was decided about an incoming HTLC. Only `undecided` is ever decided again after a restart; all others are
 * facts.
 */
export type Disposition =
  /** Irrevocably added or not yet; its onion waits to be read. */
  | {
      readonly kind: "undecided";
      readonly onion: Uint8Array;
      /** What the peer says it kept of the amount that the onion speaks of (bLIP 25). */
      readonly skimmedFee?: Msat;
      /** `path_key` of `update_add_htlc`: the peer reached us by a blinded id. */
      readonly pathKey?: Point;
    }
  /**
   * The user decides; its onion is read again then. `forwardTo` is what the user decided, kept until the outgoing HTLC
   * is signed.
   */
  | {
      readonly kind: "intercepted";
      readonly onion: Uint8Array;
      readonly skimmedFee?: Msat;
      readonly pathKey?: Point;
      readonly forwardTo?: { readonly channelId: ChannelId; readonly amount: Msat };
    }
  /** Offered onward; written in the batch that first signs the outgoing HTLC. */
  | {
      readonly kind: "forwarded";
      readonly outgoing: HtlcRef;
      readonly sharedSecret: Uint8Array;
      readonly blinded?: BlindedRole;
      /** As it came, when the outgoing HTLC's is to be found in it: see `HtlcSource.onionInside`. */
      readonly onion?: Uint8Array;
    }
  /** One part of a payment to us. */
  | {
      readonly kind: "claimable";
      readonly sharedSecret: Uint8Array;
      /** Absent from a spontaneous payment of one part. */
      readonly paymentSecret?: Uint8Array;
      readonly totalAmount: Msat;
      /** Present when the payment is spontaneous or the preimage is ours to derive. */
      readonly preimage?: Bytes32;
      readonly spontaneous: boolean;
      /** What the payer meant this part to bring, where that is not its amount. */
      readonly intendedAmount?: Msat;
      /** In clear. */
      readonly paymentMetadata?: Uint8Array;
      /** Absent when there are none. */
      readonly customTlvs?: readonly TlvRecord[];
      /** It was for the phantom node behind us: encrypts, below ours, what goes back to the payer. */
      readonly phantomSharedSecret?: Uint8Array;
      /** It came by a trampoline node: encrypts, below ours, what goes back to the payer. */
      readonly trampolineSharedSecret?: Uint8Array;
      readonly blinded?: BlindedRole;
    }
  /** One part of a payment that a trampoline onion sends onward: BOLT 4, "Trampoline Payments". */
  | {
      readonly kind: "trampoline";
      readonly sharedSecret: Uint8Array;
      readonly trampolineSharedSecret: Uint8Array;
      /** Of the outer onion. */
      readonly paymentSecret?: Uint8Array;
      /** Of the outer onion: what all parts together bring. */
      readonly totalAmount: Msat;
      /** What the payer meant this part to bring. */
      readonly intendedAmount: Msat;
      /** What the inner onion tells us; of a blinded path, what follows from it. */
      readonly payload: Uint8Array;
      /** For the next trampoline node. */
      readonly packet?: Uint8Array;
      readonly blinded?: BlindedRole;
      /** Of the blinded path that the inner onion goes along, for the next trampoline node. */
      readonly nextPathKey?: Point;
    }
  /** Written in the batch in which the preimage is known or the downstream removal is irrevocable. */
  | { readonly kind: "resolved"; readonly resolution: Resolution };

/** An incoming HTLC and what becomes of it. The row of `Commitments.htlcs` with the same id has its state. */
export interface IncomingHtlc {
  readonly id: bigint;
  readonly disposition: Disposition;
}

/** One hop of a path of ours. */
export interface PathHop {
  readonly nodeId: NodeId;
  readonly shortChannelId: ShortChannelId;
}

/** What is kept of the blinded part of a path of ours. */
export interface SentBlindedTail {
  /** Which of the payee's blinded paths it is; absent when it is none of them. */
  readonly index?: number;
  /** The nodes behind the introduction node, by their blinded ids. */
  readonly nodeIds: readonly Point[];
}

/** Why an HTLC was offered. */
export type HtlcSource =
  | {
      readonly kind: "local";
      readonly paymentId: PaymentId;
      /** Session key of the onion: reads the failure. */
      readonly sessionKey: Uint8Array;
      /** One for each node of the path. Not stored: they follow from the session key, for work on the curve. */
      readonly sharedSecrets?: readonly Uint8Array[];
      readonly path: readonly PathHop[];
      /** What reaches the recipient by this part. */
      readonly amount: Msat;
      /** Present when the path ends in a blinded one, whose introduction node is the last of `path`. */
      readonly blindedTail?: SentBlindedTail;
    }
  | {
      readonly kind: "forwarded";
      readonly incoming: HtlcRef;
      /** Wraps the failure on its way back. */
      readonly sharedSecret: Uint8Array;
      readonly incomingAmount: Msat;
      readonly blinded?: BlindedRole;
      /** What we keep beyond the fee that the payer meant us to have: the next peer is told (bLIP 25). */
      readonly skimmedFee?: Msat;
      /** Our onion is the one below the first layer of the incoming HTLC's, which is kept for it. */
      readonly onionInside?: true;
    };

/** An outgoing HTLC, who asked for it, and the onion as long as it may have to be sent again. */
export interface OutgoingHtlc {
  readonly id: bigint;
  readonly source: HtlcSource;
  readonly onion: Uint8Array;
  /** What the onion of a payment of ours was made of: it is stored in its place. */
  readonly payloads?: readonly Uint8Array[];
  /** What goes with the onion when the next node is addressed by a blinded id. */
  readonly pathKey?: Point;
  /** The monitor update that stored the preimage upstream: the downstream removal must come after it. */
  readonly upstream?: UpdateRef;
  /** The chain settled it, one way or the other, and all that follows from that was done. */
  readonly settledOnChain?: true;
}

/** An HTLC that a channel is asked to offer. */
export interface HtlcToSend {
  readonly amount: Msat;
  readonly paymentHash: PaymentHash;
  /** Absolute block height. */
  readonly cltvExpiry: number;
  /** 1,366 bytes. */
  readonly onion: Uint8Array;
  /** What each node of the path reads in it, when it is ours. */
  readonly payloads?: readonly Uint8Array[];
  /** The next node's, when it is addressed by a blinded id. */
  readonly pathKey?: Point;
  readonly source: HtlcSource;
}
