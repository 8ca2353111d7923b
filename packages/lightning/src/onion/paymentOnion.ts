import type { TlvRecord } from "../codec/tlv.ts";
import { type Bytes32, fromHex, type Point } from "../util/bytes.ts";
import type { BlockHeight, NodeId, PaymentHash, ShortChannelId } from "../util/ids.ts";
import { InvariantError, invariant, present } from "../util/invariant.ts";
import { ok, type Result } from "../util/result.ts";
import type { Msat } from "../util/units.ts";
import type { BlindedHop } from "./blindedPath.ts";
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
  /** The recipient of this onion is a trampoline node, which finds in this one what becomes of the payment. */
  readonly trampolinePacket?: Uint8Array;
  /** For that packet, when the trampoline node is within a blinded path, not at its beginning. */
  readonly trampolinePathKey?: Point;
}

/**
 * The blinded end of a payment's way. Its nodes reckon amounts and expiries by themselves, from what the recipient told
 * them.
 */
export interface BlindedOnionTail {
  /** `first_path_key`, for the introduction node. */
  readonly pathKey: Point;
  /** All hops of the blinded path, its introduction node first. */
  readonly blindedHops: readonly BlindedHop[];
  /** What shall reach the recipient by this part. */
  readonly finalAmount: Msat;
  /** The best height, and what was added to it for privacy: not the recipient's delta. */
  readonly finalCltvExpiry: BlockHeight;
}

/** What `buildPaymentOnion` makes an onion of. */
export interface PaymentOnionPlan {
  /** From the sender's channel to the recipient, or to the introduction node of its blinded path; at least one. */
  readonly hops: readonly PaymentHop[];
  readonly blindedTail?: BlindedOnionTail;
  readonly recipient: RecipientFields;
  readonly paymentHash: PaymentHash;
  /** A fresh private key. */
  readonly sessionKey: Uint8Array;
}

/** An onion, and what each node of its way is told by it, in their order. */
export interface BuiltPaymentOnion extends BuiltOnion {
  readonly payloads: readonly Uint8Array[];
}

/**
 * The onion of one payment part: every node on the way is told the channel, amount and expiry of the step behind it.
 *
 * @ldk lightning::ln::onion_utils::create_payment_onion
 */
export function buildPaymentOnion(plan: PaymentOnionPlan): Result<BuiltPaymentOnion, OnionTooLarge> {
  const payloads = paymentPayloads(plan.hops, plan.recipient, plan.blindedTail).map(encodeHopPayload);
  // The introduction node is asked by its own name, all nodes behind it by their blinded ones.
  const blinded = plan.blindedTail?.blindedHops.slice(1) ?? [];
  const keys = [
    ...plan.hops.map(({ nodeId }) => fromHex(nodeId) as Point),
    ...blinded.map(({ blindedNodeId }) => blindedNodeId),
  ];
  const built = onionOf({ nodeIds: keys, payloads }, plan);
  return built.ok ? ok({ ...built.value, payloads }) : built;
}

/**
 * The onion that tells the nodes `payloads`, one each: the same bytes whenever it is made of the same, so that they
 * need not be kept.
 */
export function onionOf(
  { nodeIds, payloads }: { readonly nodeIds: readonly Point[]; readonly payloads: readonly Uint8Array[] },
  { sessionKey, paymentHash }: Pick<PaymentOnionPlan, "sessionKey" | "paymentHash">,
): Result<BuiltOnion, OnionTooLarge> {
  return buildOnion({
    hops: nodeIds.map((nodeId, index) => ({ nodeId, payload: present(payloads[index], "payload") })),
    sessionKey,
    associatedData: fromHex(paymentHash),
  });
}

/** What each node of `hops` is told, and each of the blinded tail behind its introduction node, in their order. */
export function paymentPayloads(
  hops: readonly PaymentHop[],
  recipient: RecipientFields,
  blindedTail?: BlindedOnionTail,
): readonly HopPayload[] {
  if (hops.length === 0) throw new InvariantError("a payment without hops");
  const forwards = hops.slice(1).map(forwardPayload);
  if (blindedTail !== undefined) return [...forwards, ...blindedPayloads(blindedTail, recipient)];
  return [...forwards, finalPayload(present(hops.at(-1), "a hop"), recipient)];
}

function forwardPayload({ amount, cltvExpiry, shortChannelId }: PaymentHop): HopPayload {
  return { kind: "forward", amountToForward: amount, outgoingCltv: cltvExpiry, shortChannelId };
}

/** BOLT 4, "payload format", the writer: a node inside a blinded route is told nothing else. */
function blindedPayloads(
  { pathKey, blindedHops, finalAmount, finalCltvExpiry }: BlindedOnionTail,
  { totalAmount, paymentSecret, paymentMetadata, keysendPreimage, customTlvs = [] }: RecipientFields,
): readonly HopPayload[] {
  invariant(blindedHops.length > 0, "a blinded path without hops");
  const others = [paymentSecret, paymentMetadata, keysendPreimage].some((field) => field !== undefined);
  invariant(!others && customTlvs.length === 0, "a blinded recipient is told but the amounts and the expiry");
  return blindedHops.map(({ encryptedPayload }, index) => {
    const common = {
      encryptedRecipientData: encryptedPayload,
      ...(index === 0 && { currentPathKey: pathKey }),
    };
    if (index < blindedHops.length - 1) return { kind: "blinded-forward", ...common };
    const amounts = { amount: finalAmount, outgoingCltv: finalCltvExpiry, totalAmount };
    return { kind: "blinded-final", ...common, ...amounts };
  });
}

function finalPayload({ amount, cltvExpiry }: PaymentHop, recipient: RecipientFields): HopPayload {
  const { paymentSecret, totalAmount, paymentMetadata, keysendPreimage, customTlvs = [] } = recipient;
  const { trampolinePacket, trampolinePathKey } = recipient;
  if (trampolinePacket !== undefined) {
    const others = [paymentMetadata, keysendPreimage].some((field) => field !== undefined);
    invariant(!others && customTlvs.length === 0, "what the recipient is told belongs into the inner onion");
    return {
      kind: "trampoline-entry",
      amount,
      outgoingCltv: cltvExpiry,
      ...(paymentSecret && { paymentData: { paymentSecret, totalAmount } }),
      ...(trampolinePathKey && { currentPathKey: trampolinePathKey }),
      trampolinePacket,
    };
  }
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
