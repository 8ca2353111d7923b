// Every number of blocks by which a channel must have acted, and why it is what it is. Heights are block heights; "at"
// a height means: once the best block has it.
// What the chain itself demands stands in `onchain/deadlines.ts`.

import { latencyGracePeriod } from "../onchain/deadlines.ts";

/**
 * Between what we accept and what we offer when we forward: enough to close, to learn a preimage from the chain and to
 * use it upstream.
 *
 * @ldk lightning::ln::channelmanager::MIN_CLTV_EXPIRY_DELTA
 */
export const minCltvExpiryDelta = 48;

/**
 * An expiry farther away than that is refused: funds would be locked for too long.
 *
 * @ldk lightning::ln::channelmanager::CLTV_FAR_FAR_AWAY
 */
export const cltvFarFarAway = 2_016;

/** The acceptor forgets a channel whose funding has not confirmed by then (BOLT 2, "The channel_ready Message"). */
export const fundingConfirmationDeadline = 2_016;

/** An output of a coinbase cannot be spent before: a consensus rule. */
export const coinbaseMaturity = 100;

/** Confirmations before a channel may be announced (BOLT 7, "The announcement_signatures Message"). */
export const announcementDepth = 6;

/**
 * Whether an HTLC with this expiry is not to be offered any more, nor signed when it was: the peer would get it when it
 * is about to lapse, and when whoever paid us to forward it may have taken it back.
 */
export function isTooLateToOffer(cltvExpiry: number, height: number): boolean {
  return cltvExpiry <= height + latencyGracePeriod;
}
