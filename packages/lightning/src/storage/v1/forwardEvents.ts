import { array16 } from "../../codec/array.ts";
import type { Codec } from "../../codec/codec.ts";
import {
  bool,
  bytes,
  channelId,
  mapped,
  msat64,
  nodeId,
  paymentHash,
  shortChannelId,
  u32,
  u64,
} from "../../codec/primitives.ts";
import type {
  Event,
  HtlcHandlingFailureReason,
  HtlcHandlingFailureType,
  HtlcLocator,
  LocalHtlcFailureReason,
} from "../../handlers/event.ts";
import { fromHex } from "../../util/bytes.ts";
import { type ChannelId, type InterceptId, interceptIdOf, type PaymentHash } from "../../util/ids.ts";
import type { Msat } from "../../util/units.ts";
import {
  type CasesOf,
  type FormerCases,
  former,
  nameOf,
  needed,
  nested,
  possible,
  union,
} from "./layouts.ts";
import { text, u128 } from "./values.ts";

// What is stored of events about forwards.

const localReason: Codec<LocalHtlcFailureReason> = nameOf<LocalHtlcFailureReason>(
  "local_htlc_failure_reason",
  {
    "temporary-node-failure": 0,
    "invalid-onion-version": 1,
    "invalid-onion-hmac": 2,
    "invalid-onion-key": 3,
    "invalid-onion-payload": 4,
    "invalid-onion-blinding": 5,
    "temporary-channel-failure": 6,
    "unknown-next-peer": 7,
    "private-channel-forward": 8,
    "amount-below-minimum": 9,
    "fee-insufficient": 10,
    "incorrect-cltv-expiry": 11,
    "cltv-expiry-too-soon": 12,
    "outgoing-cltv-too-soon": 13,
    "cltv-expiry-too-far": 14,
    "forward-expiry-buffer": 15,
    "channel-disabled": 16,
    "channel-not-ready": 17,
    "channel-closed": 18,
    "peer-offline": 19,
    "on-chain-timeout": 20,
    "dust-limit-holder": 21,
    "dust-limit-counterparty": 22,
    "fee-spike-buffer": 23,
    "htlc-minimum": 24,
    "htlc-maximum": 25,
    "channel-balance-overdrawn": 26,
    "forwarding-budget": 27,
    "incorrect-payment-details": 28,
    "final-incorrect-cltv-expiry": 29,
    "final-incorrect-htlc-amount": 30,
    "mpp-timeout": 31,
    "required-node-feature": 32,
    "payment-claim-buffer": 33,
    "payment-secret-required": 34,
    "invalid-keysend-preimage": 35,
  },
);

const failureType: Codec<HtlcHandlingFailureType> = union<HtlcHandlingFailureType>("htlc_failure_type", {
  forward: [0, { nodeId: possible(0, nodeId), channelId: needed(2, channelId) }],
  "invalid-forward": [1, { requestedForwardScid: possible(0, shortChannelId) }],
  "invalid-onion": [2, {}],
  receive: [3, { paymentHash: needed(0, paymentHash) }],
  "trampoline-forward": [4, {}],
});

const failureReason: Codec<HtlcHandlingFailureReason> = union<HtlcHandlingFailureReason>(
  "htlc_failure_reason",
  { downstream: [0, {}], local: [1, { reason: needed(0, localReason) }] },
);

const htlcLocator: Codec<HtlcLocator> = nested<HtlcLocator>("htlc_locator", {
  channelId: needed(0, channelId),
  amount: needed(2, msat64),
  htlcId: possible(4, u64),
  userChannelId: possible(6, u128),
  nodeId: possible(8, nodeId),
});

const interceptId: Codec<InterceptId> = mapped("intercept_id", bytes(32), {
  decoded: interceptIdOf,
  encoded: fromHex,
});

/** Of before HTLCs were told apart. */
const formerForwarded: FormerCases<Forwarded> = [
  [
    12,
    former(
      nested<FormerForwarded>("payment-forwarded", {
        incomingChannelId: needed(0, channelId),
        outgoingChannelId: needed(2, channelId),
        incomingAmount: needed(4, msat64),
        outgoingAmount: needed(6, msat64),
        feeEarned: needed(8, msat64),
        claimedOnChain: needed(10, bool),
      }),
      (row): Forwarded => ({
        kind: "payment-forwarded",
        prevHtlcs: [{ channelId: row.incomingChannelId, amount: row.incomingAmount }],
        nextHtlcs: [{ channelId: row.outgoingChannelId, amount: row.outgoingAmount }],
        totalFeeEarned: row.feeEarned,
        claimFromOnchainTx: row.claimedOnChain,
        outboundAmountForwarded: row.outgoingAmount,
      }),
    ),
  ],
];

/** Of before reasons were told apart: it was told of one case only, without the channel by which the HTLC had left. */
const formerHandlingFailed: FormerCases<HandlingFailed> = [
  [
    13,
    former(
      nested<FormerHandlingFailed>("htlc-handling-failed", {
        incomingChannelId: needed(0, channelId),
        paymentHash: needed(2, paymentHash),
        failure: needed(4, text),
      }),
      (row): HandlingFailed => ({
        kind: "htlc-handling-failed",
        prevChannelIds: [row.incomingChannelId],
        paymentHash: row.paymentHash,
        failureType: { kind: "forward", channelId: row.incomingChannelId },
        failureReason: { kind: "local", reason: "on-chain-timeout" },
      }),
    ),
  ],
];

/** Layouts of the events about forwards, for the union of all events. */
export const forwardEvents: CasesOf<Forwarded | HandlingFailed | Intercepted> = {
  "payment-forwarded": [
    30,
    {
      prevHtlcs: needed(0, array16(htlcLocator)),
      nextHtlcs: needed(2, array16(htlcLocator)),
      totalFeeEarned: needed(4, msat64),
      skimmedFee: possible(6, msat64),
      claimFromOnchainTx: needed(8, bool),
      outboundAmountForwarded: needed(10, msat64),
    },
    formerForwarded,
  ],
  "htlc-handling-failed": [
    31,
    {
      prevChannelIds: needed(0, array16(channelId)),
      paymentHash: needed(2, paymentHash),
      failureType: needed(4, failureType),
      failureReason: possible(6, failureReason),
    },
    formerHandlingFailed,
  ],
  "htlc-intercepted": [
    32,
    {
      interceptId: needed(0, interceptId),
      requestedNextHopScid: possible(2, shortChannelId),
      paymentHash: needed(4, paymentHash),
      inboundAmount: needed(6, msat64),
      expectedOutboundAmount: needed(8, msat64),
      outgoingHtlcExpiryBlockHeight: needed(10, u32),
    },
  ],
};

type Forwarded = Extract<Event, { readonly kind: "payment-forwarded" }>;
type HandlingFailed = Extract<Event, { readonly kind: "htlc-handling-failed" }>;
type Intercepted = Extract<Event, { readonly kind: "htlc-intercepted" }>;

interface FormerForwarded {
  readonly incomingChannelId: ChannelId;
  readonly outgoingChannelId: ChannelId;
  readonly incomingAmount: Msat;
  readonly outgoingAmount: Msat;
  readonly feeEarned: Msat;
  readonly claimedOnChain: boolean;
}

interface FormerHandlingFailed {
  readonly incomingChannelId: ChannelId;
  readonly paymentHash: PaymentHash;
  readonly failure: string;
}
