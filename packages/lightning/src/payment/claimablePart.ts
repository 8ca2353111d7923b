import { crypto } from "@fulmen/bitcoin/crypto";
import type { BlindedRole, Disposition, HtlcRef } from "../channel/disposition.ts";
import type { TlvRecord } from "../codec/tlv.ts";
import type { LocalHtlcFailureReason, ReceivedOnionFields } from "../handlers/event.ts";
import { htlcFailBackBuffer } from "../onchain/deadlines.ts";
import type { FinalPayload } from "../onion/index.ts";
import { equalBytes, equalSecrets, fromHex } from "../util/bytes.ts";
import type { BlockHeight, PaymentHash, UnixSeconds } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import { type Msat, msat } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import { type InboundPaymentKeys, maxMoney, verifyInboundPayment } from "./inboundPayment.ts";

/** What is kept of one part of a payment to us. */
export type ClaimableTerms = Extract<Disposition, { readonly kind: "claimable" }>;

/** One HTLC of a payment to us. */
export interface ClaimablePart {
  readonly ref: HtlcRef;
  readonly amount: Msat;
  readonly cltvExpiry: number;
  readonly terms: ClaimableTerms;
}

/** An HTLC whose onion ends with us, or with the phantom behind us. */
export interface OfferedPart {
  readonly paymentHash: PaymentHash;
  /** What the HTLC brings us. */
  readonly received: Msat;
  /** What the node that the onion ends with is offered. */
  readonly amount: Msat;
  readonly cltvExpiry: number;
  readonly payload: FinalPayload;
  readonly sharedSecret: Uint8Array;
  readonly blinded?: BlindedRole | undefined;
  readonly phantomSharedSecret?: Uint8Array | undefined;
  readonly trampolineSharedSecret?: Uint8Array | undefined;
  /** What the peer may have kept of the amount. */
  readonly skimmedFee: Msat;
}

/** When the part is looked at. */
export interface Moment {
  readonly height: number;
  readonly now: UnixSeconds;
}

/** What the payer is told of a part that is not taken, and what the user is. */
export interface PartRefusal {
  readonly failure: FailureMessage;
  readonly reason: LocalHtlcFailureReason;
  /** For logs: which term was not kept. */
  readonly text: string;
}

/** Most HTLCs of one payment: each is told of all others when they are claimed. */
const maxParts = 256;

/**
 * Whether the HTLC is a part of a payment that we asked for, or of one that needs no asking; else what the payer is
 * told. That is the same, after the same work, for an unknown hash, a wrong secret, too little and too late (BOLT 4,
 * "Failure Messages"): who probes learns nothing. An HTLC that is not as its onion says says nothing of us either.
 *
 * @ldk lightning::ln::onion_payment::create_recv_pending_htlc_info
 */
export function readClaimable(
  keys: InboundPaymentKeys,
  offered: OfferedPart,
  { height, now }: Moment,
): Result<ClaimableTerms, PartRefusal> {
  const { amount, cltvExpiry, payload, sharedSecret, blinded } = offered;
  const { phantomSharedSecret, trampolineSharedSecret } = offered;
  if (cltvExpiry < payload.outgoingCltv) {
    const failure = { type: "final_incorrect_cltv_expiry", cltvExpiry } as const;
    return refused(failure, "final-incorrect-cltv-expiry", `the onion says ${payload.outgoingCltv}`);
  }
  if (amount + offered.skimmedFee < payload.amount) {
    const failure = { type: "final_incorrect_htlc_amount", incomingHtlcAmt: amount } as const;
    return refused(failure, "final-incorrect-htlc-amount", `the onion says ${payload.amount} msat`);
  }
  const asked = known(keys, offered, { height, now });
  const failure = unknownDetails(amount, height);
  if (!asked.ok) return refused(failure, asked.error.reason, asked.error.text);
  if (cltvExpiry <= height + htlcFailBackBuffer + 1) {
    return refused(failure, "payment-claim-buffer", `expires at ${cltvExpiry}, the height is ${height}`);
  }
  const { customTlvs } = payload;
  return ok({
    kind: "claimable",
    sharedSecret,
    ...asked.value,
    ...(blinded && { blinded }),
    ...(phantomSharedSecret && { phantomSharedSecret }),
    ...(trampolineSharedSecret && { trampolineSharedSecret }),
    ...(payload.amount !== offered.received && { intendedAmount: payload.amount }),
    ...(customTlvs.length > 0 && { customTlvs }),
  });
}

/** The answer to every HTLC that is not taken. */
export function unknownDetails(amount: Msat, height: number): FailureMessage {
  return { type: "incorrect_or_unknown_payment_details", htlcMsat: amount, height };
}

/**
 * Whether a further part may join those that are there: it speaks of the same payment, that is not whole without it,
 * and all of them together are no more money than there is.
 *
 * @ldk ChannelManager::check_incoming_mpp_part
 */
export function mayJoin(parts: readonly ClaimablePart[], part: ClaimablePart): boolean {
  const [first] = parts;
  const before = intendedSum(parts);
  if (before + intendedAmount(part) >= maxMoney) return false;
  if (first === undefined) return true;
  if (parts.length >= maxParts || before >= first.terms.totalAmount) return false;
  const [a, b] = [first.terms, part.terms];
  return (
    a.spontaneous === b.spontaneous &&
    a.totalAmount === b.totalAmount &&
    // Without a secret a spontaneous payment has one part.
    a.paymentSecret !== undefined &&
    b.paymentSecret !== undefined &&
    equalSecrets(a.paymentSecret, b.paymentSecret) &&
    equalOptional(a.paymentMetadata, b.paymentMetadata) &&
    equalTlvs(evenTlvs(a), evenTlvs(b))
  );
}

/** Whether the payer has sent all that it promised. A peer that passed on more than it should does not count. */
export function isComplete(parts: readonly ClaimablePart[]): boolean {
  return intendedSum(parts) >= present(parts[0], "a part").terms.totalAmount;
}

/** What the peer kept of a part. */
export function skimmedFee(part: ClaimablePart): Msat {
  const intended = intendedAmount(part);
  return msat(intended > part.amount ? intended - part.amount : 0n);
}

/** The first record of an even type that a payment holds: its payer asks that it is understood (BOLT 1). */
export function mandatoryTlv(parts: readonly ClaimablePart[]): TlvRecord | undefined {
  return evenTlvs(present(parts[0], "a part").terms)[0];
}

/** What all parts say alike. */
export function onionFieldsOf(parts: readonly ClaimablePart[]): ReceivedOnionFields {
  const { terms } = present(parts[0], "a part");
  const { paymentSecret, paymentMetadata, totalAmount, customTlvs = [] } = terms;
  const common = customTlvs.filter((record) =>
    parts.every((part) => part.terms.customTlvs?.some((other) => equalTlvs([record], [other]))),
  );
  return {
    ...(paymentSecret && { paymentSecret }),
    ...(paymentMetadata && { paymentMetadata }),
    customTlvs: common,
    totalAmount,
  };
}

type KnownPayment = Pick<
  ClaimableTerms,
  "paymentSecret" | "paymentMetadata" | "totalAmount" | "preimage" | "spontaneous"
>;

function refused(
  failure: FailureMessage,
  reason: LocalHtlcFailureReason,
  text: string,
): Result<never, PartRefusal> {
  return err({ failure, reason, text });
}

/** What is known of the payment: we asked for it, or its payer sends the preimage along. */
function known(
  keys: InboundPaymentKeys,
  offered: OfferedPart,
  at: Moment,
): Result<KnownPayment, Pick<PartRefusal, "reason" | "text">> {
  const { paymentHash, payload } = offered;
  const { paymentData, paymentMetadata, keysendPreimage } = payload;
  if (keysendPreimage !== undefined) {
    if (!equalSecrets(crypto().sha256(keysendPreimage), fromHex(paymentHash))) {
      return err({ reason: "invalid-keysend-preimage", text: "the preimage of another hash" });
    }
    return ok({
      totalAmount: paymentData?.totalAmount ?? payload.amount,
      spontaneous: true,
      preimage: keysendPreimage,
      ...(paymentData && { paymentSecret: paymentData.paymentSecret }),
      ...(paymentMetadata && { paymentMetadata }),
    });
  }
  const { paymentSecret = noSecret, totalAmount = payload.amount } = paymentData ?? {};
  const verified = verifyInboundPayment(keys, {
    paymentHash,
    paymentSecret,
    totalAmount,
    ...(paymentMetadata && { paymentMetadata }),
    cltvExpiry: offered.cltvExpiry as BlockHeight,
    height: at.height as BlockHeight,
    now: at.now,
  });
  if (paymentData === undefined) return err({ reason: "payment-secret-required", text: "no secret" });
  if (!verified.ok) return err({ reason: "incorrect-payment-details", text: verified.error.kind });
  const { preimage, paymentMetadata: clear } = verified.value;
  return ok({
    totalAmount,
    spontaneous: false,
    paymentSecret: paymentData.paymentSecret,
    ...(preimage && { preimage }),
    ...(clear && { paymentMetadata: clear }),
  });
}

/** Fits no payment. */
const noSecret = new Uint8Array(0);

function intendedAmount({ amount, terms }: ClaimablePart): Msat {
  return terms.intendedAmount ?? amount;
}

/** Not `sum`: payers may say what they like. */
function intendedSum(parts: readonly ClaimablePart[]): bigint {
  let total = 0n;
  for (const part of parts) total += intendedAmount(part);
  return total;
}

function evenTlvs({ customTlvs = [] }: ClaimableTerms): readonly TlvRecord[] {
  return customTlvs.filter(({ type }) => type % 2n === 0n);
}

function equalTlvs(a: readonly TlvRecord[], b: readonly TlvRecord[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ type, value }, index) => {
    const other = b[index];
    return other !== undefined && type === other.type && equalBytes(value, other.value);
  });
}

function equalOptional(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
