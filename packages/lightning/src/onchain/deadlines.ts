import { formatOf } from "../commitment/formats/formatOf.ts";
import type { PaymentHash } from "../util/ids.ts";
import { msatToSat } from "../util/units.ts";
import type { ChannelMonitor } from "./channelMonitor.ts";
import { preimageOf } from "./channelMonitor.ts";
import type { MonitoredHtlc } from "./channelMonitorUpdate.ts";
import { isOn } from "./htlcTable.ts";

// How many blocks things may take. All of these bound when a channel must go on chain and until when HTLCs may be
// waited for; a node that takes less of them than its peers assume loses money to none but its own slowness.

/** Blocks until a transaction at an urgent feerate is confirmed, as a pessimist has it. */
const maxBlocksForConfirmation = 18;

/**
 * Blocks before its expiry at which an incoming HTLC must be claimed on chain: one wait for the commitment and one
 * for the HTLC-success transaction, since from the expiry on the peer can take it back.
 *
 * @ldk lightning::chain::channelmonitor::CLTV_CLAIM_BUFFER
 */
export const cltvClaimBuffer = 2 * maxBlocksForConfirmation;

/**
 * Blocks after the expiry of an HTLC that we offered in which the peer may still settle it off chain: its view of the
 * chain lags behind ours, and messages take time.
 *
 * @ldk lightning::chain::channelmonitor::LATENCY_GRACE_PERIOD_BLOCKS
 */
export const latencyGracePeriod = 3;

/**
 * Blocks before its expiry at which an incoming HTLC that we cannot claim must be failed off chain: later, the peer
 * could think that we are about to claim it and close.
 *
 * @ldk lightning::chain::channelmonitor::HTLC_FAIL_BACK_BUFFER
 */
export const htlcFailBackBuffer = cltvClaimBuffer + latencyGracePeriod;

/**
 * Confirmations, the first one included, after which a transaction counts as final: nothing that cannot be taken back
 * is done before.
 *
 * @ldk lightning::chain::channelmonitor::ANTI_REORG_DELAY
 */
export const antiReorgDelay = 6;

/**
 * Blocks for which a channel is still kept after nothing was left of it: about four weeks.
 *
 * @ldk lightning::chain::channelmonitor::ARCHIVAL_DELAY_BLOCKS
 */
export const archivalDelay = 4032;

/**
 * An output that the peer can spend within that many blocks is not claimed together with others: it could be pinned.
 */
export const counterpartyClaimableSoon = 12;

/**
 * Blocks after the expiry of an HTLC that we offered until the one that came in for it can be taken back, when it was
 * forwarded with the least delta that we allow: by then the timeout must be confirmed.
 *
 * @ldk lightning::ln::channelmanager::MIN_CLTV_EXPIRY_DELTA
 */
export const timeoutMargin = 48;

/** Whether something confirmed at `height` is final for one who knows the chain up to `tip`. */
export function isFinal(height: number, tip: number): boolean {
  return tip >= height + antiReorgDelay - 1;
}

/**
 * Whether our commitment must be published now, so that no HTLC is lost: one that we offered is overdue, or one that
 * we can claim is about to expire. Every commitment that may still be broadcast counts. One that we offered counts when it
 * is trimmed, too: what came in for it waits for its end, and its sender would close. A trimmed one that came in brings
 * nothing on chain: it waits for the peer, whom LDK would close.
 *
 * @ldk lightning::chain::channelmonitor::ChannelMonitorImpl::should_broadcast_holder_commitment_txn
 */
export function shouldForceClose(monitor: ChannelMonitor, height: number): boolean {
  return height >= forceCloseHeight(monitor);
}

/** The height from which on `shouldForceClose` says so: infinity for a channel on which no HTLC waits for anything. */
export function forceCloseHeight(monitor: ChannelMonitor): number {
  return firstDue(monitor)?.height ?? Number.POSITIVE_INFINITY;
}

/** The HTLC for whose sake the channel must be closed first, and when. */
export function firstDue(
  monitor: ChannelMonitor,
): { readonly height: number; readonly paymentHash: PaymentHash } | undefined {
  let first: { readonly height: number; readonly paymentHash: PaymentHash } | undefined;
  const claimable = new Set(monitor.preimages.map(({ paymentHash }) => paymentHash));
  for (const { htlc } of monitor.rows) {
    const { direction, cltvExpiry, paymentHash } = htlc;
    if (direction === "incoming" && !(claimable.has(paymentHash) && mayHaveOutput(monitor, htlc))) continue;
    const height = direction === "outgoing" ? cltvExpiry + latencyGracePeriod : cltvExpiry - cltvClaimBuffer;
    if (first === undefined || height < first.height) first = { height, paymentHash };
  }
  return first;
}

/** Whether an incoming HTLC has an output on our commitment, or on one that the peer may broadcast. */
function mayHaveOutput({ setup, holder, counterparty }: ChannelMonitor, { amount }: MonitoredHtlc): boolean {
  const { format, local, remote } = setup.params;
  const { trimThreshold } = formatOf(format);
  const thresholds = [
    trimThreshold("success", holder.feerate, local.dustLimit),
    ...counterparty.map(({ feerate }) => trimThreshold("timeout", feerate, remote.dustLimit)),
  ];
  return thresholds.some((threshold) => msatToSat(amount) >= threshold);
}

/**
 * By when our commitment should be confirmed, so that the HTLC transactions on it still have time; `undefined` when no
 * HTLC on it is worth anything to us.
 */
export function commitmentDeadline(monitor: ChannelMonitor): number | undefined {
  let first: number | undefined;
  for (const { htlc, local } of monitor.rows) {
    if (!isOn(local, monitor.holder.number)) continue;
    const { direction, cltvExpiry, paymentHash } = htlc;
    if (direction === "incoming" && preimageOf(monitor, paymentHash) === undefined) continue;
    const deadline = direction === "incoming" ? cltvExpiry : cltvExpiry + timeoutMargin;
    first = Math.min(first ?? Number.POSITIVE_INFINITY, deadline - maxBlocksForConfirmation);
  }
  return first;
}
