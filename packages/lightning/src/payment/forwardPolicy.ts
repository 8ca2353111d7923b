import type { ChannelConfig } from "../channel/config.ts";
import { cltvFarFarAway, minCltvExpiryDelta } from "../channel/deadlines.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type { HtlcHandlingFailureType, LocalHtlcFailureReason } from "../handlers/event.ts";
import { htlcFailBackBuffer, latencyGracePeriod } from "../onchain/deadlines.ts";
import { type Msat, minus, plus } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import type { ForwardOrder } from "./incomingOnion.ts";

/** An HTLC that came in, or that is to go out. */
export type HtlcTerms = Pick<Htlc, "amount" | "cltvExpiry">;

/** What an outgoing channel asks for. */
export interface ForwardPolicy {
  /** The present config and, for a while, the one before it: an HTLC need only satisfy one of them. */
  readonly configs: readonly ChannelConfig[];
  /** The next peer's. */
  readonly htlcMinimum: Msat;
  /** Whether the amount that goes on follows from a blinded path. */
  readonly isBlinded: boolean;
}

/**
 * Whether an HTLC pays what a channel asks for, and leaves us the time that we need (BOLT 4, "Forwarding"; BOLT 7,
 * "HTLC Fees").
 *
 * @ldk lightning::ln::channel::FundedChannel::htlc_satisfies_config
 */
export function checkForward(
  incoming: HtlcTerms,
  outgoing: HtlcTerms,
  { configs, htlcMinimum, height, isBlinded }: ForwardPolicy & { readonly height: number },
): LocalHtlcFailureReason | undefined {
  if (outgoing.amount < htlcMinimum) return "amount-below-minimum";
  // Within a blinded path what we pass on is rounded up at our expense (BOLT 4, "payload format").
  const leeway = isBlinded ? 1n : 0n;
  const refusals = configs.map((config) => checkConfig(incoming, outgoing, { config, leeway }));
  if (!refusals.includes(undefined)) return refusals[0];
  return checkExpiries(incoming, outgoing, height);
}

/**
 * Whether an HTLC for a channel that we do not know, or do not have yet, loses us no money; whether it earns any is the
 * user's to see.
 */
export function checkUnknownForward(
  incoming: HtlcTerms,
  outgoing: HtlcTerms,
  height: number,
): LocalHtlcFailureReason | undefined {
  if (incoming.amount < outgoing.amount) return "fee-insufficient";
  if (incoming.cltvExpiry < outgoing.cltvExpiry + minCltvExpiryDelta) return "incorrect-cltv-expiry";
  return checkExpiries(incoming, outgoing, height);
}

/** What an HTLC of `amount` that leaves by the channel has to bring besides (BOLT 7, "HTLC Fees"). */
function forwardingFee(config: ChannelConfig, amount: Msat): Msat {
  const proportional = (amount * BigInt(config.forwardingFeeProportionalMillionths)) / 1_000_000n;
  return plus(config.forwardingFeeBase, proportional as Msat);
}

function checkConfig(
  incoming: HtlcTerms,
  outgoing: HtlcTerms,
  { config, leeway }: { readonly config: ChannelConfig; readonly leeway: bigint },
): LocalHtlcFailureReason | undefined {
  const fee = forwardingFee(config, outgoing.amount);
  if (incoming.amount < outgoing.amount || minus(incoming.amount, outgoing.amount) + leeway < fee) {
    return "fee-insufficient";
  }
  return incoming.cltvExpiry < outgoing.cltvExpiry + config.cltvExpiryDelta
    ? "incorrect-cltv-expiry"
    : undefined;
}

/** The HTLC would be in the next block at the earliest. @ldk lightning::ln::onion_payment::check_incoming_htlc_cltv */
function checkExpiries(
  incoming: HtlcTerms,
  outgoing: HtlcTerms,
  height: number,
): LocalHtlcFailureReason | undefined {
  const next = height + 1;
  if (incoming.cltvExpiry <= next + htlcFailBackBuffer) return "cltv-expiry-too-soon";
  if (incoming.cltvExpiry > next + cltvFarFarAway) return "cltv-expiry-too-far";
  return outgoing.cltvExpiry <= next + latencyGracePeriod ? "outgoing-cltv-too-soon" : undefined;
}

/** What the payer is told: which HTLC it is about, and what its channel asks for. */
export interface ForwardFailureDetails {
  readonly incoming: HtlcTerms;
  readonly outgoing: HtlcTerms;
  /** The channel's present terms under the name that the payer used, or nothing. */
  readonly channelUpdate: () => Uint8Array;
}

/**
 * What BOLT 4, "Failure Messages", has a forwarding node answer. Several reasons share an answer: what the payer need
 * not know, it is not told.
 *
 * @ldk lightning::ln::onion_utils::LocalHTLCFailureReason::failure_code
 */
export function forwardFailure(
  reason: LocalHtlcFailureReason,
  { incoming, outgoing, channelUpdate }: ForwardFailureDetails,
): FailureMessage {
  switch (reason) {
    case "unknown-next-peer":
    case "private-channel-forward":
      return { type: "unknown_next_peer" };
    case "channel-closed":
    case "on-chain-timeout":
      return { type: "permanent_channel_failure" };
    case "channel-disabled":
      return { type: "channel_disabled", disabledFlags: 0, channelUpdate: channelUpdate() };
    case "amount-below-minimum":
      return {
        type: "amount_below_minimum",
        htlcMsat: outgoing.amount,
        channelUpdate: channelUpdate(),
      };
    case "fee-insufficient":
      return { type: "fee_insufficient", htlcMsat: incoming.amount, channelUpdate: channelUpdate() };
    case "incorrect-cltv-expiry":
      return {
        type: "incorrect_cltv_expiry",
        cltvExpiry: outgoing.cltvExpiry,
        channelUpdate: channelUpdate(),
      };
    case "cltv-expiry-too-soon":
    case "outgoing-cltv-too-soon":
      return { type: "expiry_too_soon", channelUpdate: channelUpdate() };
    case "cltv-expiry-too-far":
      return { type: "expiry_too_far" };
    case "forward-expiry-buffer":
    case "temporary-node-failure":
      return { type: "temporary_node_failure" };
    default:
      return { type: "temporary_channel_failure", channelUpdate: channelUpdate() };
  }
}

/** What was tried with an HTLC that goes on to nobody whom we know. */
export function forwardFailureType({ next }: Pick<ForwardOrder, "next">): HtlcHandlingFailureType {
  return next.kind === "short-channel-id"
    ? { kind: "invalid-forward", requestedForwardScid: next.shortChannelId }
    : { kind: "invalid-forward" };
}

/** The reason that an answer stands for, where nothing more is known. */
export function reasonOf({ type }: FailureMessage): LocalHtlcFailureReason {
  switch (type) {
    case "unknown_next_peer":
      return "unknown-next-peer";
    case "permanent_channel_failure":
      return "channel-closed";
    case "channel_disabled":
      return "channel-disabled";
    case "amount_below_minimum":
      return "amount-below-minimum";
    case "fee_insufficient":
      return "fee-insufficient";
    case "incorrect_cltv_expiry":
      return "incorrect-cltv-expiry";
    case "expiry_too_soon":
      return "cltv-expiry-too-soon";
    case "expiry_too_far":
      return "cltv-expiry-too-far";
    case "invalid_onion_payload":
      return "invalid-onion-payload";
    case "invalid_onion_blinding":
      return "invalid-onion-blinding";
    case "incorrect_or_unknown_payment_details":
      return "incorrect-payment-details";
    case "final_incorrect_cltv_expiry":
      return "final-incorrect-cltv-expiry";
    case "final_incorrect_htlc_amount":
      return "final-incorrect-htlc-amount";
    case "required_node_feature_missing":
      return "required-node-feature";
    case "mpp_timeout":
      return "mpp-timeout";
    case "temporary_channel_failure":
    case "required_channel_feature_missing":
      return "temporary-channel-failure";
    default:
      return "temporary-node-failure";
  }
}
