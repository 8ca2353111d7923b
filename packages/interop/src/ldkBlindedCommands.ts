import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { type TlvRecord, Writer, writeTlvRecords } from "@fulmen/lightning/codec";
import * as ldk from "lightningdevkit";
import type { LdkNode } from "./ldkNode.ts";
import type { BlindedForwardFact, BlindedPathFact, LdkHandlers } from "./ldkProtocol.ts";
import { assertOk, okOf } from "./ldkValues.ts";

const htlcMaximum = 1_000_000_000n;

/** Blinded paths to LDK and to others, without an invoice around them. */
export function blindedHandlers(node: LdkNode) {
  const { manager, keys, entropy } = node.parts;
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
        introductionNode: forwards[0]?.nodeId ?? node.nodeId,
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
    payBlinded: ({ paymentHash, amountMsat, paths, inParts = false }) => {
      const parameters = okOf(
        ldk.PaymentParameters.constructor_read(writtenParameters(paths, { inParts }), 0),
        ldk.Result_PaymentParametersDecodeErrorZ_OK,
        "payment parameters",
      );
      const hash = fromHex(paymentHash);
      const sent = manager.send_payment(
        hash,
        // The paths carry the secret.
        ldk.RecipientOnionFields.constructor_spontaneous_empty(),
        hash,
        ldk.RouteParameters.constructor_from_payment_params_and_value(parameters, amountMsat),
        ldk.Retry.constructor_attempts(3),
      );
      assertOk(sent, ldk.Result_NoneRetryableSendFailureZ_OK, "send_payment");
      return {};
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

/** `basic_mpp`, optional; before it the length. */
const multiPart = fromHex("0003020000");

/** LDK's `PaymentParameters` as it stores them: the bindings make no blinded path out of its parts. */
function writtenParameters(
  paths: readonly BlindedPathFact[],
  { inParts }: { readonly inParts: boolean },
): Uint8Array {
  const value = (write: (writer: Writer) => void): Uint8Array => {
    const writer = new Writer();
    write(writer);
    return writer.finish();
  };
  const none = new Uint8Array();
  const records: readonly TlvRecord[] = [
    { type: 1n, value: value((writer) => writer.u32(1_008)) },
    ...(inParts ? [{ type: 2n, value: multiPart }] : []),
    { type: 3n, value: Uint8Array.of(inParts ? 10 : 1) },
    { type: 4n, value: none },
    { type: 5n, value: Uint8Array.of(2) },
    { type: 7n, value: none },
    { type: 8n, value: value((writer) => writePaths(writer, paths)) },
    { type: 11n, value: none },
    { type: 13n, value: Uint8Array.of(19) },
  ];
  const stream = value((writer) => writeTlvRecords(writer, records));
  return value((writer) => writer.bigSize(stream.length).bytes(stream));
}

function writePaths(writer: Writer, paths: readonly BlindedPathFact[]): void {
  for (const path of paths) {
    writer.u32(path.baseMsat).u32(path.proportionalMillionths).u16(path.cltvExpiryDelta);
    writer.u64(path.htlcMinimumMsat).u64(path.htlcMaximumMsat).u16(0);
    writer.bytes(fromHex(path.introductionNode)).bytes(fromHex(path.pathKey)).u8(path.hops.length);
    for (const { blindedNodeId, encryptedPayload } of path.hops) {
      const payload = fromHex(encryptedPayload);
      writer.bytes(fromHex(blindedNodeId)).u16(payload.length).bytes(payload);
    }
  }
}
