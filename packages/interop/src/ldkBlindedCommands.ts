import { toHex } from "@fulmen/bitcoin/primitives";
import * as ldk from "lightningdevkit";
import type { LdkNode } from "./ldkNode.ts";
import type { BlindedForwardFact, LdkHandlers } from "./ldkProtocol.ts";
import { okOf } from "./ldkValues.ts";

const htlcMaximum = 1_000_000_000n;

/** Blinded paths to LDK, without an invoice around them. */
export function blindedHandlers({ parts: { manager, keys, entropy } }: LdkNode) {
  return {
    blindedPath: ({ amountMsat, forwards, maxCltvExpiry }) => {
      const asked = okOf(
        manager.create_inbound_payment(
          ldk.Option_u64Z.constructor_some(amountMsat),
          3_600,
          ldk.Option_u16Z.constructor_none(),
        ),
        ldk.Result_C2Tuple_ThirtyTwoBytesThirtyTwoBytesZNoneZ_OK,
        "create_inbound_payment",
      );
      const payee = ldk.UnauthenticatedReceiveTlvs.constructor_new(
        asked.get_b(),
        ldk.PaymentConstraints.constructor_new(maxCltvExpiry, 1n),
        ldk.PaymentContext.constructor_bolt12_refund(ldk.Bolt12RefundContext.constructor_new()),
      );
      const signer = keys.as_NodeSigner();
      const nonce = ldk.Nonce.constructor_from_entropy_source(entropy);
      const path = okOf(
        ldk.BlindedPaymentPath.constructor_new(
          forwards.map((forward, index) =>
            forwardNode(forward, maxCltvExpiry + 1_000 * (forwards.length - index)),
          ),
          okOf(signer.get_node_id(ldk.Recipient.LDKRecipient_Node), ldk.Result_PublicKeyNoneZ_OK, "node id"),
          payee.authenticate(nonce, signer.get_inbound_payment_key()),
          htlcMaximum,
          finalCltvExpiryDelta,
          entropy,
        ),
        ldk.Result_BlindedPaymentPathNoneZ_OK,
        "a blinded path",
      );
      const payinfo = path.get_payinfo();
      return {
        paymentHash: toHex(asked.get_a()),
        pathKey: toHex(path.blinding_point()),
        hops: path.blinded_hops().map((hop) => ({
          blindedNodeId: toHex(hop.get_blinded_node_id()),
          encryptedPayload: toHex(hop.get_encrypted_payload()),
        })),
        baseMsat: payinfo.get_fee_base_msat(),
        proportionalMillionths: payinfo.get_fee_proportional_millionths(),
        cltvExpiryDelta: payinfo.get_cltv_expiry_delta(),
        htlcMinimumMsat: payinfo.get_htlc_minimum_msat(),
        htlcMaximumMsat: payinfo.get_htlc_maximum_msat(),
      };
    },
  } satisfies Partial<LdkHandlers>;
}

/** What LDK's own invoices ask for. */
const finalCltvExpiryDelta = 24;

function forwardNode(forward: BlindedForwardFact, maxCltvExpiry: number): ldk.PaymentForwardNode {
  const { nodeId, shortChannelId, baseMsat, proportionalMillionths, cltvExpiryDelta } = forward;
  return ldk.PaymentForwardNode.constructor_new(
    ldk.ForwardTlvs.constructor_new(
      shortChannelId,
      ldk.PaymentRelay.constructor_new(cltvExpiryDelta, proportionalMillionths, baseMsat),
      ldk.PaymentConstraints.constructor_new(maxCltvExpiry, 1n),
      ldk.BlindedHopFeatures.constructor_empty(),
      null,
    ),
    Uint8Array.from(Buffer.from(nodeId, "hex")),
    htlcMaximum,
  );
}
