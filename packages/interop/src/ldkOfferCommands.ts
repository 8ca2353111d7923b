import { toHex } from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";
import type { LdkNode } from "./ldkNode.ts";
import type { LdkHandlers } from "./ldkProtocol.ts";
import { assertOk, okOf } from "./ldkValues.ts";

/** BOLT 12. LDK makes blinded paths only for a node that its graph knows: announce a channel and the node first. */
export function offerHandlers({ parts: { manager, entropy } }: LdkNode) {
  return {
    offer: () => {
      const builder = okOf(
        manager.create_offer_builder(ldk.Option_u64Z.constructor_none()),
        ldk.Result_OfferWithDerivedMetadataBuilderBolt12SemanticErrorZ_OK,
        "create_offer_builder",
      );
      // The bindings' setters act on a copy of the builder, so an offer has neither amount nor description.
      const offer = okOf(builder.build(), ldk.Result_OfferBolt12SemanticErrorZ_OK, "build the offer");
      return { offer: offer.to_str(), paths: offer.paths().length };
    },
    payOffer: ({ offer, amountMsat, payerNote }) => {
      const parsed = okOf(
        ldk.Offer.constructor_from_str(offer),
        ldk.Result_OfferBolt12ParseErrorZ_OK,
        "parse the offer",
      );
      const paymentId = entropy.get_secure_random_bytes();
      const asked = manager.pay_for_offer(
        parsed,
        ldk.Option_u64Z.constructor_none(),
        amountMsat === undefined
          ? ldk.Option_u64Z.constructor_none()
          : ldk.Option_u64Z.constructor_some(amountMsat),
        payerNote === undefined
          ? ldk.Option_StrZ.constructor_none()
          : ldk.Option_StrZ.constructor_some(payerNote),
        paymentId,
        ldk.Retry.constructor_attempts(3),
        ldk.Option_u64Z.constructor_none(),
      );
      assertOk(asked, ldk.Result_NoneBolt12SemanticErrorZ_OK, "pay_for_offer");
      return { paymentId: toHex(paymentId) };
    },
    refund: ({ amountMsat, absoluteExpiry }) => {
      const paymentId = entropy.get_secure_random_bytes();
      const builder = okOf(
        manager.create_refund_builder(
          amountMsat,
          absoluteExpiry,
          paymentId,
          ldk.Retry.constructor_attempts(3),
          ldk.Option_u64Z.constructor_none(),
        ),
        ldk.Result_RefundMaybeWithDerivedMetadataBuilderBolt12SemanticErrorZ_OK,
        "create_refund_builder",
      );
      const refund = okOf(builder.build(), ldk.Result_RefundBolt12SemanticErrorZ_OK, "build the refund");
      return { refund: refund.to_str(), paymentId: toHex(paymentId) };
    },
    requestRefund: ({ refund }) => {
      const parsed = okOf(
        ldk.Refund.constructor_from_str(refund),
        ldk.Result_RefundBolt12ParseErrorZ_OK,
        "parse the refund",
      );
      const invoice = okOf(
        manager.request_refund_payment(parsed),
        ldk.Result_Bolt12InvoiceBolt12SemanticErrorZ_OK,
        "request_refund_payment",
      );
      return { paymentHash: toHex(invoice.payment_hash()) };
    },
  } satisfies Partial<LdkHandlers>;
}
