import type { HtlcSignature } from "../commitment/commitments.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type { Point, Script, Signature } from "../util/bytes.ts";
import type { ChannelId, CommitmentNumber, OutPoint, PaymentHash, Txid } from "../util/ids.ts";
import type { FeeratePerKw, Msat } from "../util/units.ts";

/** The static part of an HTLC: enough to find and spend its output on any commitment that has it. */
export type MonitoredHtlc = Pick<Htlc, "direction" | "id" | "amount" | "paymentHash" | "cltvExpiry">;

/** Which HTLCs came onto a side's commitment, and which left it, since the one before. */
export interface HtlcChanges {
  readonly entered: readonly MonitoredHtlc[];
  /** Keys (`htlcKey`). */
  readonly left: readonly string[];
}

/** One commitment for one funding output. Balances are in our view: `toLocal` is ours. */
export interface CommitmentBalances {
  readonly funding: OutPoint;
  readonly txid: Txid;
  readonly toLocal: Msat;
  readonly toRemote: Msat;
}

/** Names one part of a payment that we are paid: an incoming HTLC of a channel. */
export interface IncomingHtlcRef {
  readonly channelId: ChannelId;
  readonly htlcId: bigint;
}

/** @ldk lightning::chain::channelmonitor::ChannelMonitorUpdateStep */
export type ChannelMonitorUpdateStep =
  /** The peer signed our commitment `number`; the one before it must not be broadcast from now on. */
  | {
      readonly kind: "holder-commitment";
      readonly number: CommitmentNumber;
      readonly point: Point;
      readonly feerate: FeeratePerKw;
      readonly htlcs: HtlcChanges;
      readonly commitments: readonly (CommitmentBalances & {
        readonly signature: Signature;
        readonly htlcSignatures: readonly HtlcSignature[];
      })[];
    }
  /** We are about to sign the peer's commitment `number`. */
  | {
      readonly kind: "counterparty-commitment";
      readonly number: CommitmentNumber;
      readonly point: Point;
      readonly feerate: FeeratePerKw;
      readonly htlcs: HtlcChanges;
      readonly commitments: readonly CommitmentBalances[];
    }
  /** The peer revoked its commitment `number`. */
  | { readonly kind: "commitment-secret"; readonly number: CommitmentNumber; readonly secret: Uint8Array }
  /**
   * An incoming HTLC can be claimed. `parts` lists all parts of the payment, so that any one monitor can drive the
   * claim again.
   */
  | {
      readonly kind: "payment-preimage";
      readonly paymentHash: PaymentHash;
      readonly preimage: Uint8Array;
      readonly parts: readonly IncomingHtlcRef[];
    }
  /** Where a cooperative close pays us. */
  | { readonly kind: "shutdown-script"; readonly script: Script }
  /** The channel takes no further step off chain. */
  | { readonly kind: "channel-force-closed"; readonly broadcast: boolean };

/** Names an update of a channel's monitor; 1 is in its setup. */
export interface UpdateRef {
  readonly channelId: ChannelId;
  readonly updateId: number;
}

/**
 * What a channel's monitor must know before the channel goes on. Ids rise by one per channel from 1.
 *
 * @ldk lightning::chain::channelmonitor::ChannelMonitorUpdate
 */
export interface ChannelMonitorUpdate {
  readonly channelId: ChannelId;
  readonly updateId: number;
  readonly steps: readonly ChannelMonitorUpdateStep[];
  /** Updates of other channels' monitors that must be completed before this one may be. */
  readonly after: readonly UpdateRef[];
}
