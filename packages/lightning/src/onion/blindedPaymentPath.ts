import { decode, encode } from "../codec/codec.ts";
import { DecodeError } from "../codec/decodeError.ts";
import { bytes32 } from "../codec/primitives.ts";
import { tlvs } from "../codec/tlv.ts";
import { type Bytes32, fromHex, noBytes, type Point } from "../util/bytes.ts";
import type { BlockHeight, NodeId, ShortChannelId } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, maxOf, minOf, msat, zeroMsat } from "../util/units.ts";
import { type EncryptedData, type PaymentRelay, padEncryptedData } from "./blindedData.ts";
import { type BlindedPayInfo, type BlindedPaymentPath, blindHops, type HopToBlind } from "./blindedPath.ts";

/**
 * A node that a path to us goes through.
 *
 * @ldk lightning::blinded_path::payment::PaymentForwardNode
 */
export interface PaymentForwardNode {
  readonly nodeId: NodeId;
  /** Its channel to the next node, by any name that it knows. */
  readonly shortChannelId: ShortChannelId;
  /** What it asks for passing a payment on. */
  readonly relay: PaymentRelay;
  /** Bounds of an HTLC on that channel. */
  readonly htlcMinimum: Msat;
  readonly htlcMaximum: Msat;
}

/** What `createBlindedPaymentPath` makes a path of. */
export interface BlindedPaymentPathPlan {
  /** From the introduction node to our peer; when there are none, we are the introduction node ourselves. */
  readonly forwardNodes: readonly PaymentForwardNode[];
  readonly payee: NodeId;
  /** The secret of `NodeSigner.receiveAuthKey`, by which we know the path for ours. */
  readonly receiveAuthKey: Uint8Array;
  /** What comes back to us with a payment; nobody else can read or write it. */
  readonly pathId: Uint8Array;
  /** The height after which no payment shall come any more. */
  readonly maxCltvExpiry: BlockHeight;
  readonly minFinalCltvExpiryDelta: number;
  /** Bounds of what reaches us by one HTLC. */
  readonly htlcMinimum: Msat;
  readonly htlcMaximum: Msat;
  /** Hops behind ours that lead nowhere, so that the path's length says little; 0..`maxDummyHops`. */
  readonly dummyHops: number;
  /** A fresh private key. */
  readonly sessionKey: Uint8Array;
}

/** Why no path can be made. */
export type BlindedPathRefusal =
  /** The nodes together ask for more than the fields of `blinded_payinfo` hold. */
  | { readonly kind: "terms-out-of-range"; readonly text: string }
  /** No amount satisfies all nodes. */
  | { readonly kind: "no-amount-fits"; readonly text: string };

/** Each takes up some 130 of an onion's 1,300 bytes. @ldk lightning::blinded_path::payment::MAX_DUMMY_HOPS_COUNT */
export const maxDummyHops = 10;

/**
 * A path to us that hides who we are: BOLT 4, "Route Blinding". All hops' data have one length, constraints are the
 * same for all but for the expiry, and the last hops are authenticated by `receiveAuthKey`: a path that somebody else
 * made is not taken for ours, so that nobody can try whether a node is the recipient.
 *
 * @ldk lightning::blinded_path::payment::BlindedPaymentPath::new
 */
export function createBlindedPaymentPath(
  plan: BlindedPaymentPathPlan,
): Result<BlindedPaymentPath, BlindedPathRefusal> {
  const { forwardNodes, payee, dummyHops, receiveAuthKey, sessionKey } = plan;
  invariant(dummyHops >= 0 && dummyHops <= maxDummyHops, "dummy hops");
  const payinfo = aggregatePayInfo(forwardNodes, plan);
  if (!payinfo.ok) return payinfo;
  const padded = padEncryptedData(hopData(plan, payinfo.value.htlcMinimum), paddingStep);
  const us = fromHex(payee) as Point;
  const hops = padded.map((data, index): HopToBlind => {
    const node = forwardNodes[index];
    if (node !== undefined) return { nodeId: fromHex(node.nodeId) as Point, data };
    return { nodeId: us, data, additionalData: receiveAuthKey };
  });
  return ok({
    introductionNode: { kind: "node-id", nodeId: forwardNodes[0]?.nodeId ?? payee },
    ...blindHops(sessionKey, hops),
    payinfo: payinfo.value,
  });
}

/** All bitcoins: more than this overflows for payers whose amounts have a sign. */
const maxMoney = msat(21_000_000n * 100_000_000_000n);

/**
 * What the nodes of a path ask for together, rounded up so that none of them gets too little: BOLT 4, "payload format",
 * the creator of `encrypted_recipient_data`.
 *
 * @ldk lightning::blinded_path::payment::compute_payinfo
 */
export function aggregatePayInfo(
  nodes: readonly PaymentForwardNode[],
  last: Pick<BlindedPaymentPathPlan, "htlcMinimum" | "htlcMaximum" | "minFinalCltvExpiryDelta">,
): Result<BlindedPayInfo, BlindedPathRefusal> {
  let base = 0n;
  let proportional = 0n;
  let delta = last.minFinalCltvExpiryDelta;
  for (const { relay } of nodes.toReversed()) {
    const millionths = BigInt(relay.feeProportionalMillionths);
    base = ceilMillionths(relay.feeBase * million + base * (million + millionths));
    proportional = ceilMillionths((proportional + millionths) * million + proportional * millionths);
    delta += relay.cltvExpiryDelta;
  }
  if (base > maxU32 || proportional > maxU32 || delta > 0xffff) {
    const text = `fees of ${base} msat and ${proportional} millionths, ${delta} blocks`;
    return err({ kind: "terms-out-of-range", text });
  }
  let htlcMinimum = last.htlcMinimum;
  let htlcMaximum: Msat | undefined;
  for (const node of nodes) {
    htlcMinimum = maxOf(htlcMinimum, node.htlcMinimum);
    const reached = htlcMaximum === undefined ? node.htlcMaximum : lessFee(htlcMaximum, node.relay);
    htlcMaximum = minOf(reached, node.htlcMaximum);
  }
  htlcMaximum = minOf(minOf(htlcMaximum ?? maxMoney, last.htlcMaximum), maxMoney);
  if (htlcMaximum < htlcMinimum) {
    const text = `at least ${htlcMinimum} msat and at most ${htlcMaximum}`;
    return err({ kind: "no-amount-fits", text });
  }
  return ok({
    feeBase: msat(base),
    feeProportionalMillionths: Number(proportional),
    cltvExpiryDelta: delta,
    htlcMinimum,
    htlcMaximum,
    features: noBytes,
  });
}

/** What we are to know of a payment when it comes along a path of ours: its `path_id`. */
export interface PaymentPathId {
  /** Of `createInboundPayment`. */
  readonly paymentSecret: Bytes32;
}

const paymentPathId = tlvs("payment_path_id", { paymentSecret: { type: 0, codec: bytes32, required: true } });

export function encodePaymentPathId(pathId: PaymentPathId): Uint8Array {
  return encode(paymentPathId, pathId);
}

/** `undefined` for what we did not write. */
export function decodePaymentPathId(pathId: Uint8Array): PaymentPathId | undefined {
  try {
    return decode(paymentPathId, pathId);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const million = 1_000_000n;
const maxU32 = 0xffff_ffffn;
/** Lengths of data are told in steps of so many bytes. */
const paddingStep = 30;

/** `encrypted_data_tlv` of each hop. */
function hopData(plan: BlindedPaymentPathPlan, htlcMinimum: Msat): readonly EncryptedData[] {
  const { forwardNodes, payee, dummyHops, pathId } = plan;
  let maxCltvExpiry = plan.maxCltvExpiry + plan.minFinalCltvExpiryDelta;
  const constraints = () => ({ paymentConstraints: { maxCltvExpiry, htlcMinimum } });
  const backwards: EncryptedData[] = [{ pathId, ...constraints() }];
  // A hop that leads to ourselves: that nothing comes behind it, nobody else can tell.
  const dummy = { nextNodeId: fromHex(payee) as Point, paymentRelay: freeRelay, ...constraints() };
  for (let i = 0; i < dummyHops; i++) backwards.push(dummy);
  for (const { relay, shortChannelId } of forwardNodes.toReversed()) {
    maxCltvExpiry += relay.cltvExpiryDelta;
    backwards.push({ shortChannelId, paymentRelay: relay, ...constraints() });
  }
  return backwards.reverse();
}

const freeRelay: PaymentRelay = { cltvExpiryDelta: 0, feeProportionalMillionths: 0, feeBase: zeroMsat };

function ceilMillionths(value: bigint): bigint {
  return (value + million - 1n) / million;
}

/** The most that a node can pass on of `amount`. */
function lessFee(amount: Msat, { feeBase, feeProportionalMillionths }: PaymentRelay): Msat {
  if (amount <= feeBase) return zeroMsat;
  return msat(((amount - feeBase) * million) / (million + BigInt(feeProportionalMillionths)));
}
