import type { TlvRecord } from "../codec/tlv.ts";
import { type Bytes32, fromHex, type Point } from "../util/bytes.ts";
import type { BlockHeight, NodeId, PaymentHash, ShortChannelId } from "../util/ids.ts";
import { InvariantError, present } from "../util/invariant.ts";
import type { Result } from "../util/result.ts";
import type { Msat } from "../util/units.ts";
import { encodeHopPayload, type HopPayload } from "./hopPayload.ts";
import { type BuiltOnion, buildOnion, type OnionTooLarge } from "./sphinx.ts";

/** One step of a payment's way. */
export interface PaymentHop {
  /** The node that this step leads to. */
  readonly nodeId: NodeId;
  /** The channel to that node; of the first step it is the sender's own. */
  readonly shortChannelId: ShortChannelId;
  /** What the HTLC on that channel carries: the recipient's amount and the fees of all nodes behind. */
  readonly amount: Msat;
  /** The expiry of the HTLC on that channel. */
  readonly cltvExpiry: BlockHeight;
}

/** What the recipient is told besides amount and expiry. */
export interface RecipientFields {
  /** The invoice's secret; absent for a spontaneous payment of one part. */
  readonly paymentSecret?: Bytes32;
  /** Sum of all parts of the payment. */
  readonly totalAmount: Msat;
  readonly paymentMetadata?: Uint8Array;
  readonly keysendPreimage?: Bytes32;
  /** Types from 65,536 on, in order. */
  readonly customTlvs?: readonly TlvRecord[];
}

/** What `buildPaymentOnion` makes an onion of. */
export interface PaymentOnionPlan {
  /** From the sender's channel to the recipient; at least one. */
  readonly hops: readonly PaymentHop[];
  readonly recipient: RecipientFields;
  readonly paymentHash: PaymentHash;
  /** A fresh private key. */
  readonly sessionKey: Uint8Array;
}

/**
 * The onion of one payment part: every node on the way is told the channel, amount and expiry of the step behind it.
 *
 * @ldk lightning::ln::onion_utils::create_payment_onion
 */
export function buildPaymentOnion(plan: PaymentOnionPlan): Result<BuiltOnion, OnionTooLarge> {
  const payloads = paymentPayloads(plan.hops, plan.recipient);
  return buildOnion({
    hops: plan.hops.map(({ nodeId }, index) => ({
      nodeId: fromHex(nodeId) as Point,
      payload: encodeHopPayload(present(payloads[index], "payload")),
    })),
    sessionKey: plan.sessionKey,
    associatedData: fromHex(plan.paymentHash),
  });
}

/** What each node of `hops` is told, in their order. */
export function paymentPayloads(
  hops: readonly PaymentHop[],
  recipient: RecipientFields,
): readonly HopPayload[] {
  if (hops.length === 0) throw new InvariantError("a payment without hops");
  return hops.map((hop, index) => {
    const next = hops[index + 1];
    return next === undefined ? finalPayload(hop, recipient) : forwardPayload(next);
  });
}

function forwardPayload({ amount, cltvExpiry, shortChannelId }: PaymentHop): HopPayload {
  return { kind: "forward", amountToForward: amount, outgoingCltv: cltvExpiry, shortChannelId };
}

function finalPayload({ amount, cltvExpiry }: PaymentHop, recipient: RecipientFields): HopPayload {
  const { paymentSecret, totalAmount, paymentMetadata, keysendPreimage, customTlvs = [] } = recipient;
  return {
    kind: "final",
    amount,
    outgoingCltv: cltvExpiry,
    ...(paymentSecret && { paymentData: { paymentSecret, totalAmount } }),
    ...(paymentMetadata && { paymentMetadata }),
    ...(keysendPreimage && { keysendPreimage }),
    customTlvs,
  };
}
