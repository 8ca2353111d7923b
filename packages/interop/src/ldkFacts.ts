import { toHex } from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";
import { channelIdHex, outPointFact } from "./ldkEvents.ts";
import type { BalanceFact, ChannelFact, PaymentFact, PeerFact } from "./ldkProtocol.ts";
import { present, someOf } from "./ldkValues.ts";

export function channelFact(details: ldk.ChannelDetails): ChannelFact {
  const funding = present(details.get_funding_txo());
  const channelType = present(details.get_channel_type());
  return {
    channelId: channelIdHex(details.get_channel_id()),
    counterparty: toHex(details.get_counterparty().get_node_id()),
    funding: funding === undefined ? undefined : outPointFact(funding),
    channelType: channelType === undefined ? undefined : toHex(channelType.write()),
    anchors: Boolean(channelType?.supports_anchors_zero_fee_htlc_tx()),
    shortChannelId: someOf(details.get_short_channel_id(), ldk.Option_u64Z_Some),
    capacitySats: details.get_channel_value_satoshis(),
    outboundCapacityMsat: details.get_outbound_capacity_msat(),
    inboundCapacityMsat: details.get_inbound_capacity_msat(),
    nextOutboundHtlcLimitMsat: details.get_next_outbound_htlc_limit_msat(),
    feeratePerKw: someOf(details.get_feerate_sat_per_1000_weight(), ldk.Option_u32Z_Some),
    confirmations: someOf(details.get_confirmations(), ldk.Option_u32Z_Some),
    outbound: Boolean(details.get_is_outbound()),
    ready: Boolean(details.get_is_channel_ready()),
    usable: Boolean(details.get_is_usable()),
    announced: Boolean(details.get_is_announced()),
    pendingInboundHtlcs: details.get_pending_inbound_htlcs().length,
    pendingOutboundHtlcs: details.get_pending_outbound_htlcs().length,
  };
}

export function peerFact(peer: ldk.PeerDetails): PeerFact {
  return {
    nodeId: toHex(peer.get_counterparty_node_id()),
    inbound: Boolean(peer.get_is_inbound_connection()),
    features: toHex(peer.get_init_features().write()),
  };
}

export function paymentFact(payment: ldk.RecentPaymentDetails): PaymentFact {
  if (payment instanceof ldk.RecentPaymentDetails_Pending) {
    return {
      state: "pending",
      paymentId: toHex(payment.payment_id),
      paymentHash: toHex(payment.payment_hash),
    };
  }
  if (payment instanceof ldk.RecentPaymentDetails_Fulfilled) {
    const hash = someOf(payment.payment_hash, ldk.Option_ThirtyTwoBytesZ_Some);
    return {
      state: "fulfilled",
      paymentId: toHex(payment.payment_id),
      paymentHash: hash === undefined ? undefined : toHex(hash),
    };
  }
  if (payment instanceof ldk.RecentPaymentDetails_Abandoned) {
    return {
      state: "abandoned",
      paymentId: toHex(payment.payment_id),
      paymentHash: toHex(payment.payment_hash),
    };
  }
  if (payment instanceof ldk.RecentPaymentDetails_AwaitingInvoice) {
    return { state: "awaiting-invoice", paymentId: toHex(payment.payment_id), paymentHash: undefined };
  }
  throw new Error(`unknown payment state ${payment.constructor.name}`);
}

export function balanceFact(balance: ldk.Balance): BalanceFact {
  return {
    kind: balance.constructor.name.replace(/^Balance_/, ""),
    sats: balance.claimable_amount_satoshis(),
  };
}
