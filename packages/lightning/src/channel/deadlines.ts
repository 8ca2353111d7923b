// Every number of blocks by which a channel must have acted, and why it is what it is. Heights are block heights; "at"
// a height means: once the best block has it.

/** Within so many blocks a transaction with a sensible fee confirms. @ldk lightning::chain::channelmonitor::MAX_BLOCKS_FOR_CONF */
const maxBlocksForConfirmation = 18;

/**
 * An incoming HTLC whose preimage is known is claimed on chain this many blocks before its expiry: our commitment must
 * confirm, and then the claim.
 *
 * @ldk lightning::chain::channelmonitor::CLTV_CLAIM_BUFFER
 */
export const cltvClaimBuffer = 2 * maxBlocksForConfirmation;

/** What a peer may be late with its part of the commit dance. @ldk lightning::chain::channelmonitor::LATENCY_GRACE_PERIOD_BLOCKS */
export const latencyGracePeriodBlocks = 3;

/**
 * An incoming HTLC of ours that nobody claimed is failed back this many blocks before its expiry, so that the peer
 * does not close the channel for it.
 *
 * @ldk lightning::chain::channelmonitor::HTLC_FAIL_BACK_BUFFER
 */
export const htlcFailBackBuffer = cltvClaimBuffer + latencyGracePeriodBlocks;

/**
 * Between what we accept and what we offer when we forward: enough to close, to learn a preimage from the chain and to
 * use it upstream. @ldk lightning::ln::channelmanager::MIN_CLTV_EXPIRY_DELTA
 */
export const minCltvExpiryDelta = 48;

/** An expiry farther away than that is refused: funds would be locked for too long. @ldk lightning::ln::channelmanager::CLTV_FAR_FAR_AWAY */
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
  return cltvExpiry <= height + latencyGracePeriodBlocks;
}
