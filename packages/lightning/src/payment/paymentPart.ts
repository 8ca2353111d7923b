import { crypto } from "@fulmen/bitcoin/crypto";
import type { HtlcToSend, SentBlindedTail } from "../channel/disposition.ts";
import {
  type BlindedOnionTail,
  type BuiltPaymentOnion,
  buildPaymentOnion,
  encodeHopPayload,
  onionPayloadSize,
  type PaymentHop,
  type PaymentOnionPlan,
  paymentPayloads,
  paymentPayloadsLength,
  type RecipientFields,
} from "../onion/index.ts";
import { type BlindedTail, feesOf, finalValueOf, type Path, type Payee } from "../routing/route.ts";
import { type Bytes32, equalBytes, fromHex, toHex } from "../util/bytes.ts";
import { blockHeight, type NodeId, type PaymentId, type ShortChannelId } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, msat, plus, times } from "../util/units.ts";
import type { LocalSource } from "./inFlightParts.ts";
import type { PaymentTerms } from "./outboundPayment.ts";

/** One part of a payment as it goes to the first channel of its path. */
export interface PaymentPart {
  /** Names our channel to the first hop. */
  readonly shortChannelId: ShortChannelId;
  readonly htlc: HtlcToSend & { readonly source: LocalSource };
}

/**
 * There is no such onion: the path is too long or the recipient's fields are, or a node's id is no point. Ids of gossip
 * are points, since they were verified by; those of a snapshot are what its server says.
 */
export interface PartRefusal {
  readonly kind: "onion-too-large" | "not-a-point";
  readonly text: string;
}

/** What all parts of an attempt have in common, and what is this one's own. */
export interface PartPlan {
  readonly paymentId: PaymentId;
  readonly path: Path;
  /** Of the best block. */
  readonly height: number;
  /** 32 fresh random bytes. */
  readonly sessionKey: Uint8Array;
}

/** The HTLC that starts a payment, or a part of it, along a path. */
export function partOf(
  terms: PaymentTerms,
  { paymentId, path, height, sessionKey }: PartPlan,
): Result<PaymentPart, PartRefusal> {
  const { paymentHash } = terms;
  const hops = paymentHops(path, height);
  const first = present(hops[0], "a hop");
  const tail = path.blindedTail;
  const onion = builtOnion({
    hops,
    ...(tail && { blindedTail: onionTail(tail, height) }),
    recipient: recipientFields(terms, tail !== undefined),
    paymentHash,
    sessionKey,
  });
  if (!onion.ok) return onion;
  return ok({
    shortChannelId: first.shortChannelId,
    htlc: {
      amount: first.amount,
      paymentHash,
      cltvExpiry: first.cltvExpiry,
      onion: onion.value.packet,
      payloads: onion.value.payloads,
      source: {
        kind: "local",
        paymentId,
        sessionKey,
        sharedSecrets: onion.value.sharedSecrets,
        path: path.hops.map(({ nodeId, shortChannelId }) => ({ nodeId, shortChannelId })),
        amount: finalValueOf(path),
        ...(tail && { blindedTail: sentTail(tail, terms.routeParameters.paymentParameters.payee) }),
      },
    },
  });
}

/** Points are looked at only when the onion could not be built: nearly all of them are what they should be. */
function builtOnion(plan: PaymentOnionPlan): Result<BuiltPaymentOnion, PartRefusal> {
  try {
    const onion = buildPaymentOnion(plan);
    if (onion.ok) return onion;
    return err({ kind: "onion-too-large", text: `no onion holds a path of ${plan.hops.length} hops` });
  } catch (error) {
    const ids = [
      ...plan.hops.map(({ nodeId }) => nodeId),
      ...(plan.blindedTail?.blindedHops ?? []).map(({ blindedNodeId }) => toHex(blindedNodeId)),
    ];
    const stranger = ids.find((id) => !crypto().isPoint(fromHex(id)));
    if (stranger === undefined) throw error;
    return err({ kind: "not-a-point", text: `no node can be ${stranger}` });
  }
}

/** What leaves us for this part. */
export function htlcAmountOf(path: Path): Msat {
  return plus(finalValueOf(path), feesOf(path));
}

function recipientFields(terms: PaymentTerms, isBlinded: boolean): RecipientFields {
  const { recipientOnion, preimage, routeParameters } = terms;
  const { paymentSecret, paymentMetadata, customTlvs, declaredTotalMppValue } = recipientOnion;
  const totalAmount = declaredTotalMppValue ?? routeParameters.finalValue;
  const { packet: trampolinePacket, pathKey: trampolinePathKey } = terms.trampoline ?? {};
  // The blinded path itself holds the recipient's secret.
  if (isBlinded) return { totalAmount };
  return {
    totalAmount,
    ...(paymentSecret && { paymentSecret: paymentSecret as Bytes32 }),
    ...(paymentMetadata && { paymentMetadata }),
    ...(preimage && { keysendPreimage: preimage as Bytes32 }),
    ...(trampolinePacket && { trampolinePacket }),
    ...(trampolinePathKey && { trampolinePathKey }),
    ...(customTlvs && { customTlvs }),
  };
}

function onionTail(tail: BlindedTail, height: number): BlindedOnionTail {
  const { pathKey, hops, finalValue, excessFinalCltvExpiryDelta } = tail;
  const finalCltvExpiry = blockHeight(height + 1 + excessFinalCltvExpiryDelta);
  return { pathKey, blindedHops: hops, finalAmount: finalValue, finalCltvExpiry };
}

function sentTail({ hops, pathKey }: BlindedTail, payee: Payee): SentBlindedTail {
  const nodeIds = hops.slice(1).map(({ blindedNodeId }) => blindedNodeId);
  const paths = payee.kind === "blinded" ? payee.paths : [];
  const index = paths.findIndex((path) => equalBytes(path.pathKey, pathKey));
  return { nodeIds, ...(index >= 0 && { index }) };
}

/**
 * Amounts and expiries of the HTLCs along a path, from the payee backwards: BOLT 7, "HTLC Fees" and "Recommendations
 * for Routing".
 */
function paymentHops({ hops: steps, blindedTail }: Path, height: number): readonly PaymentHop[] {
  const hops: PaymentHop[] = [];
  let amount = blindedTail?.finalValue ?? msat(0n);
  // One block more than asked for: the next may be mined before the payment arrives.
  let expiry = height + 1 + (blindedTail?.excessFinalCltvExpiryDelta ?? 0);
  for (const hop of steps.toReversed()) {
    amount = plus(amount, hop.fee);
    expiry += hop.cltvExpiryDelta;
    hops.push({
      nodeId: hop.nodeId,
      shortChannelId: hop.shortChannelId,
      amount,
      cltvExpiry: blockHeight(expiry),
    });
  }
  return hops.reverse();
}

/** More than is planned may be paid, so as to meet channels' minimums. @ldk OVERPAY_ESTIMATE_MULTIPLIER */
const overpayEstimate = 3;
/**
 * What a node takes up that passes the payment on: amount, expiry and channel, as long as they get, with type and
 * length.
 */
const forwardingSize = onionPayloadSize(2 + 8 + (2 + 4) + (2 + 8));

/**
 * Most hops, a blinded tail apart, for which an onion has room beside what the recipient is told; 0 when there is not
 * even room for that.
 *
 * @ldk lightning::ln::onion_utils::set_max_path_length
 */
export function maxPathLengthFor(
  terms: PaymentTerms,
  tail: Pick<BlindedTail, "hops" | "pathKey"> | undefined,
): number {
  const { finalValue } = terms.routeParameters;
  const final = {
    nodeId: "" as NodeId,
    shortChannelId: 0n as ShortChannelId,
    amount: times(finalValue, overpayEstimate),
    // As long as it gets.
    cltvExpiry: blockHeight(499_999_999),
  };
  const blindedTail = tail && {
    pathKey: tail.pathKey,
    blindedHops: tail.hops,
    finalAmount: final.amount,
    finalCltvExpiry: final.cltvExpiry,
  };
  const recipient = recipientFields(terms, tail !== undefined);
  const atTheEnd = sizeOf(paymentPayloads([final], recipient, blindedTail));
  if (atTheEnd > paymentPayloadsLength) return 0;
  return 1 + Math.floor((paymentPayloadsLength - atTheEnd) / forwardingSize);
}

function sizeOf(payloads: ReturnType<typeof paymentPayloads>): number {
  return payloads.reduce((total, payload) => total + onionPayloadSize(encodeHopPayload(payload).length), 0);
}
