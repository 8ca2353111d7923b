import type { Txid } from "@fulmen/bitcoin/primitives";
import { toHex, txidFromInternal } from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";
import type { LdkEvent, NetworkUpdateFact, OutPointFact } from "./ldkProtocol.ts";
import { present, someOf } from "./ldkValues.ts";

/** An event of LDK's as plain data; kinds that no test asks about keep their name only. */
export function eventFact(event: ldk.Event): LdkEvent {
  return (
    channelEvent(event) ?? paymentEvent(event) ?? chainEvent(event) ?? { type: "other", name: nameOf(event) }
  );
}

/** Hex of a channel id. */
export function channelIdHex(id: ldk.ChannelId): string {
  return toHex(id.get_a());
}

/** An outpoint with its txid in display order. */
export function outPointFact(outPoint: ldk.OutPoint): OutPointFact {
  const txid: Txid = txidFromInternal(outPoint.get_txid());
  return { txid, index: outPoint.get_index() };
}

function channelEvent(event: ldk.Event): LdkEvent | undefined {
  if (event instanceof ldk.Event_OpenChannelRequest) {
    return {
      type: "open-channel-request",
      temporaryChannelId: channelIdHex(event.temporary_channel_id),
      counterparty: toHex(event.counterparty_node_id),
      fundingSats: event.funding_satoshis,
      channelType: toHex(event.channel_type.write()),
      announced: Boolean(event.is_announced),
    };
  }
  if (event instanceof ldk.Event_FundingGenerationReady) {
    return {
      type: "funding-generation-ready",
      temporaryChannelId: channelIdHex(event.temporary_channel_id),
      counterparty: toHex(event.counterparty_node_id),
      sats: event.channel_value_satoshis,
      outputScript: toHex(event.output_script),
    };
  }
  if (event instanceof ldk.Event_ChannelPending) {
    return {
      type: "channel-pending",
      channelId: channelIdHex(event.channel_id),
      counterparty: toHex(event.counterparty_node_id),
      funding: outPointFact(event.funding_txo),
    };
  }
  if (event instanceof ldk.Event_ChannelReady) {
    return {
      type: "channel-ready",
      channelId: channelIdHex(event.channel_id),
      counterparty: toHex(event.counterparty_node_id),
      channelType: toHex(event.channel_type.write()),
    };
  }
  if (event instanceof ldk.Event_ChannelClosed) {
    return {
      type: "channel-closed",
      channelId: channelIdHex(event.channel_id),
      reason: nameOf(event.reason),
      text: event.reason.to_str(),
      localBalanceMsat: someOf(event.last_local_balance_msat, ldk.Option_u64Z_Some),
    };
  }
  return undefined;
}

function paymentEvent(event: ldk.Event): LdkEvent | undefined {
  if (event instanceof ldk.Event_PaymentClaimable) {
    return {
      type: "payment-claimable",
      paymentHash: toHex(event.payment_hash),
      amountMsat: event.amount_msat,
      preimage: preimageHex(event.purpose),
      // The bindings take a number of 64 bits for one with a sign.
      customTlvs: event.onion_fields
        .custom_tlvs()
        .map((tlv) => [BigInt.asUintN(64, tlv.get_a()), toHex(tlv.get_b())]),
      claimDeadline: someOf(event.claim_deadline, ldk.Option_u32Z_Some),
    };
  }
  if (event instanceof ldk.Event_PaymentClaimed) {
    return {
      type: "payment-claimed",
      paymentHash: toHex(event.payment_hash),
      amountMsat: event.amount_msat,
      parts: event.htlcs.length,
    };
  }
  if (event instanceof ldk.Event_PaymentSent) {
    return {
      type: "payment-sent",
      paymentHash: toHex(event.payment_hash),
      paymentId: optionalHex(event.payment_id),
      preimage: toHex(event.payment_preimage),
      feeMsat: someOf(event.fee_paid_msat, ldk.Option_u64Z_Some),
    };
  }
  if (event instanceof ldk.Event_PaymentFailed) {
    const reason = someOf(event.reason, ldk.Option_PaymentFailureReasonZ_Some);
    return {
      type: "payment-failed",
      paymentHash: optionalHex(event.payment_hash),
      paymentId: toHex(event.payment_id),
      reason: reason === undefined ? undefined : enumName(ldk.PaymentFailureReason[reason]),
    };
  }
  if (event instanceof ldk.Event_PaymentPathFailed) {
    return {
      type: "payment-path-failed",
      paymentHash: toHex(event.payment_hash),
      permanently: Boolean(event.payment_failed_permanently),
      failure: nameOf(event.failure),
      shortChannelId: someOf(event.short_channel_id, ldk.Option_u64Z_Some),
      networkUpdate: networkUpdateFact(event.failure),
    };
  }
  if (event instanceof ldk.Event_PaymentForwarded) {
    return {
      type: "payment-forwarded",
      previousChannelId: optionalChannelId(event.prev_channel_id),
      nextChannelId: optionalChannelId(event.next_channel_id),
      feeMsat: someOf(event.total_fee_earned_msat, ldk.Option_u64Z_Some),
      amountMsat: someOf(event.outbound_amount_forwarded_msat, ldk.Option_u64Z_Some),
      claimedOnChain: Boolean(event.claim_from_onchain_tx),
    };
  }
  if (event instanceof ldk.Event_HTLCHandlingFailed) {
    return {
      type: "htlc-handling-failed",
      previousChannelId: channelIdHex(event.prev_channel_id),
      destination: nameOf(event.failed_next_destination),
    };
  }
  return undefined;
}

function chainEvent(event: ldk.Event): LdkEvent | undefined {
  if (event instanceof ldk.Event_SpendableOutputs) {
    return {
      type: "spendable-outputs",
      channelId: optionalChannelId(event.channel_id),
      count: event.outputs.length,
    };
  }
  if (event instanceof ldk.Event_BumpTransaction) {
    const bump = event.bump_transaction;
    if (bump instanceof ldk.BumpTransactionEvent_ChannelClose) {
      return {
        type: "bump-channel-close",
        channelId: channelIdHex(bump.channel_id),
        targetFeeratePerKw: bump.package_target_feerate_sat_per_1000_weight,
        commitmentTx: toHex(bump.commitment_tx),
      };
    }
    if (bump instanceof ldk.BumpTransactionEvent_HTLCResolution) {
      return {
        type: "bump-htlc-resolution",
        channelId: channelIdHex(bump.channel_id),
        targetFeeratePerKw: bump.target_feerate_sat_per_1000_weight,
        htlcs: bump.htlc_descriptors.length,
      };
    }
  }
  return undefined;
}

/** The preimage that LDK knows for an inbound payment: all but invoices made for a foreign hash. */
export function purposePreimage(purpose: ldk.PaymentPurpose): Uint8Array | undefined {
  if (purpose instanceof ldk.PaymentPurpose_SpontaneousPayment) return purpose.spontaneous_payment;
  return someOf(purpose.preimage(), ldk.Option_ThirtyTwoBytesZ_Some);
}

function preimageHex(purpose: ldk.PaymentPurpose): string | undefined {
  const preimage = purposePreimage(purpose);
  return preimage === undefined ? undefined : toHex(preimage);
}

function networkUpdateFact(failure: ldk.PathFailure): NetworkUpdateFact | undefined {
  if (!(failure instanceof ldk.PathFailure_OnPath)) return undefined;
  const update = someOf(failure.network_update, ldk.Option_NetworkUpdateZ_Some);
  if (update instanceof ldk.NetworkUpdate_ChannelFailure) {
    const { short_channel_id: shortChannelId, is_permanent: permanent } = update;
    return { kind: "channel", shortChannelId, permanent: Boolean(permanent) };
  }
  if (update instanceof ldk.NetworkUpdate_NodeFailure) {
    return { kind: "node", nodeId: toHex(update.node_id), permanent: Boolean(update.is_permanent) };
  }
  return undefined;
}

function optionalHex(option: ldk.Option_ThirtyTwoBytesZ): string | undefined {
  const value = someOf(option, ldk.Option_ThirtyTwoBytesZ_Some);
  return value === undefined ? undefined : toHex(value);
}

function optionalChannelId(id: ldk.ChannelId): string | undefined {
  const known = present(id);
  return known === undefined ? undefined : channelIdHex(known);
}

/** `Event_PaymentSent` as `PaymentSent`. */
function nameOf(value: object): string {
  return enumName(value.constructor.name);
}

function enumName(name: string | undefined): string {
  return (name ?? "unknown").replace(/^.*_/, "");
}
