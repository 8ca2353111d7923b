import type { Bytes32 } from "../util/bytes.ts";
import type { CommitmentNumber, HtlcId, PaymentHash } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import type { HtlcState } from "./htlcState.ts";

export type HtlcDirection = "incoming" | "outgoing";

/** The commitment numbers at which an HTLC was first part of a commitment and at which it was first absent again. */
export interface HtlcInterval {
  readonly entered?: CommitmentNumber;
  readonly left?: CommitmentNumber;
}

/** How an HTLC ends, as the receiver of it said; `attribution` as it is in the message, of 920 bytes. */
export type HtlcRemoval =
  | { readonly kind: "fulfill"; readonly preimage: Bytes32; readonly attribution?: Uint8Array }
  | { readonly kind: "fail"; readonly reason: Uint8Array; readonly attribution?: Uint8Array }
  | { readonly kind: "fail-malformed"; readonly sha256OfOnion: Bytes32; readonly failureCode: number };

/**
 * One HTLC of a channel, from its `update_add_htlc` until its removal is irrevocable. Rows are immutable: a change is
 * a new row, so that what must be written again is found by comparing references.
 */
export interface Htlc {
  readonly direction: HtlcDirection;
  /** Counted by the side that offers it: an incoming and an outgoing HTLC may share an id. */
  readonly id: HtlcId;
  readonly amount: Msat;
  readonly paymentHash: PaymentHash;
  /** Absolute block height. */
  readonly cltvExpiry: number;
  readonly state: HtlcState;
  /** In which of our commitments it is. */
  readonly local: HtlcInterval;
  /** In which of the peer's commitments it is. */
  readonly remote: HtlcInterval;
  /** Present from the removing update on. */
  readonly removal?: HtlcRemoval;
}

/** Text that names an HTLC within its channel: `i7`, `o12`. */
export function htlcKey(htlc: { readonly direction: HtlcDirection; readonly id: HtlcId }): string {
  return `${htlc.direction === "incoming" ? "i" : "o"}${htlc.id}`;
}
