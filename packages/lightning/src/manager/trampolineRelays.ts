import { cltvFarFarAway, isTooLateToOffer, minCltvExpiryDelta } from "../channel/deadlines.ts";
import type { Disposition, HtlcRef, Resolution } from "../channel/disposition.ts";
import { findHtlc } from "../commitment/dance.ts";
import type { Htlc } from "../commitment/htlc.ts";
import type { Event } from "../handlers/event.ts";
import type { UpdateRef } from "../onchain/channelMonitorUpdate.ts";
import { htlcFailBackBuffer, latencyGracePeriod } from "../onchain/deadlines.ts";
import { unknownDetails } from "../payment/claimablePart.ts";
import { reasonOf } from "../payment/forwardPolicy.ts";
import {
  decodeTrampolinePayload,
  type TrampolineOrder,
  type TrampolinePayload,
} from "../payment/incomingOnion.ts";
import { newPayment, type PaymentTerms } from "../payment/outboundPayment.ts";
import type { FailedRelay, NoWay, OutboundPayments } from "../payment/outboundPayments.ts";
import { attributionSecret, failBehindTrampoline, failHere } from "../payment/wayBack.ts";
import { type Payee, paymentParameters } from "../routing/route.ts";
import { type Bytes32, equalBytes, noBytes, toHex } from "../util/bytes.ts";
import { type ChannelId, type NodeId, type PaymentHash, type PaymentId, paymentIdOf } from "../util/ids.ts";
import { InvariantError, present } from "../util/invariant.ts";
import { type Msat, minusOrZero, msat, sum } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import { Features } from "../wire/features.ts";
import { ApiError } from "./apiError.ts";
import type { Channels } from "./channels.ts";
import { claimParts } from "./claimParts.ts";
import type { ManagerEnvironment } from "./environment.ts";
import { htlcLocator } from "./htlcLocator.ts";
import { type IncomingHtlcs, type ReadHtlc, refKey, setDisposition } from "./incomingHtlcs.ts";
import { checkedTerms } from "./paymentTerms.ts";

/** What is kept of one part. */
type RelayedTerms = Extract<Disposition, { readonly kind: "trampoline" }>;

/** One HTLC of a payment that is to be relayed. */
export interface RelayedPart {
  readonly ref: HtlcRef;
  readonly htlc: Pick<Htlc, "paymentHash" | "amount" | "cltvExpiry">;
  readonly terms: RelayedTerms;
}

interface Relay {
  readonly paymentHash: PaymentHash;
  readonly parts: RelayedPart[];
  /** Ticks since the first part, until all are there. */
  ticks: number;
  /** The payment of ours that passes it on, once it has begun. */
  paymentId?: PaymentId;
}

/** A part that can be claimed. Of one that was given up, only that is known. */
type ClaimedPart = Pick<RelayedPart, "ref" | "htlc"> & Partial<RelayedPart>;

/** Most HTLCs of one payment: each is told of all others when they are claimed. */
const maxParts = 256;
/** Ticks after which the parts of an incomplete payment are failed. @ldk MPP_TIMEOUT_TICKS */
const mppTimeoutTicks = 3;
/**
 * Payments of one peer that fail between two ticks: to look for a way takes us milliseconds, and asking for one costs
 * nothing.
 */
const mostFailures = 60;
/** How often what is relayed is tried again. */
const retries = 3;

const multiPartFeatures = Features.of({ var_onion_optin: "required", basic_mpp: "optional" });

/**
 * Payments that we relay as a trampoline node (BOLT 4, "Trampoline Payments"): the parts that came in, which are facts
 * of their HTLCs, and for each set of them one payment of ours, whose record names them. Until all parts are there
 * nothing goes out; then the payment's record is written in the batch of the last part. The first preimage claims all
 * parts; only when the payment has failed and nothing of it is under way do they fail.
 */
export class TrampolineRelays {
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #incoming: IncomingHtlcs;
  readonly #payments: OutboundPayments;
  /** By hash and the outer onion's secret, as long as parts are missing. */
  readonly #gathering = new Map<string, Relay>();
  readonly #byPayment = new Map<PaymentId, Relay>();
  /** Payments that failed since the last tick, by the peer that brought them. */
  readonly #failures = new Map<NodeId, number>();
  /** Whose part an HTLC is; keys by `refKey`. */
  readonly #relayOf = new Map<string, Relay>();

  constructor(
    environment: ManagerEnvironment,
    channels: Channels,
    parts: { readonly incoming: IncomingHtlcs; readonly payments: OutboundPayments },
  ) {
    this.#environment = environment;
    this.#channels = channels;
    this.#incoming = parts.incoming;
    this.#payments = parts.payments;
  }

  /** An HTLC whose trampoline onion goes on from here. */
  relay(
    read: ReadHtlc,
    { way, entry, payloadBytes, packet, nextPathKey }: TrampolineOrder,
    now: number,
  ): void {
    const { ref, htlc } = read;
    const { amount, cltvExpiry, paymentHash } = htlc;
    const height = this.#channels.context.bestHeight;
    const terms: RelayedTerms = {
      kind: "trampoline",
      ...way,
      ...(entry.paymentData && { paymentSecret: entry.paymentData.paymentSecret }),
      totalAmount: entry.paymentData?.totalAmount ?? entry.amount,
      intendedAmount: entry.amount,
      payload: payloadBytes,
      ...(packet && { packet }),
      ...(nextPathKey && { nextPathKey }),
    };
    const key = keyOf(paymentHash, terms);
    const gathering = this.#gathering.get(key);
    const failure: FailureMessage | undefined =
      cltvExpiry < entry.outgoingCltv
        ? { type: "final_incorrect_cltv_expiry", cltvExpiry }
        : amount < entry.amount
          ? { type: "final_incorrect_htlc_amount", incomingHtlcAmt: amount }
          : cltvExpiry > height + cltvFarFarAway + 1
            ? { type: "expiry_too_far" }
            : cltvExpiry <= height + htlcFailBackBuffer + 1
              ? this.#insufficient()
              : gathering !== undefined && !mayJoin(gathering.parts, terms)
                ? unknownDetails(amount, height)
                : (this.#failures.get(this.#peerOf(ref)) ?? 0) >= mostFailures
                  ? { type: "temporary_trampoline_failure" }
                  : undefined;
    if (failure !== undefined) {
      this.#failHtlc({ ref, htlc, terms }, failHere(way, failure, this.#incoming.holdTime(ref)), failure);
      return;
    }
    setDisposition(this.#channels, ref, terms);
    const relay = this.restore({ ref, htlc, terms });
    if (isComplete(relay)) this.#begin(relay, now);
  }

  /** Takes in a part that was stored. */
  restore(part: RelayedPart): Relay {
    const key = keyOf(part.htlc.paymentHash, part.terms);
    const relay = this.#gathering.get(key) ?? { paymentHash: part.htlc.paymentHash, parts: [], ticks: 0 };
    this.#gathering.set(key, relay);
    relay.parts.push(part);
    this.#relayOf.set(refKey(part.ref), relay);
    return relay;
  }

  /** After all parts and payments are restored: which payment is which set's, and what of it is still to be done. */
  restored(now: number): void {
    for (const { paymentId, terms, status } of this.#payments.relayed()) {
      const parts = present(terms.relay, "a relayed payment's terms").incoming.flatMap((ref) => {
        const part = this.#relayOf.get(refKey(ref))?.parts.find((one) => refKey(one.ref) === refKey(ref));
        return part ?? [];
      });
      if (parts.length === 0) continue;
      for (const part of parts) this.#forgetPart(part.ref);
      const relay: Relay = { paymentHash: terms.paymentHash, parts: [...parts], ticks: 0, paymentId };
      for (const part of parts) this.#relayOf.set(refKey(part.ref), relay);
      this.#byPayment.set(paymentId, relay);
      if (status.kind === "fulfilled") this.#claim(paymentId, relay.parts, status.preimage as Bytes32);
      if (status.kind === "failed") this.failed({ paymentId, beyond: undefined });
    }
    for (const relay of [...this.#gathering.values()]) if (isComplete(relay)) this.#begin(relay, now);
  }

  /**
   * The first part of the payment was paid: all that came in is claimed at once, and what removes the HTLCs downstream
   * waits for that. Gives the event for the user.
   */
  fulfilled(paymentId: PaymentId, preimage: Bytes32, claimFromOnchainTx: boolean): Event | undefined {
    const parts = this.#byPayment.get(paymentId)?.parts ?? this.#givenUp(paymentId);
    if (parts.length === 0) return undefined;
    const outgoing = this.#outgoingOf(paymentId);
    const upstream = this.#claim(paymentId, parts, preimage);
    for (const { ref } of outgoing) {
      if (upstream === undefined) break;
      this.#channels.command(ref.channelId, { kind: "set-upstream", htlcId: ref.htlcId, upstream });
    }
    const amountIn = sum(parts.map(({ htlc }) => htlc.amount));
    const amountOut = sum(outgoing.map(({ amount }) => amount));
    return {
      kind: "payment-forwarded",
      prevHtlcs: parts.map(({ ref, htlc }) => htlcLocator(this.#channels, ref, htlc.amount)),
      nextHtlcs: outgoing.map(({ ref, amount }) => htlcLocator(this.#channels, ref, amount)),
      totalFeeEarned: minusOrZero(amountIn, amountOut),
      claimFromOnchainTx,
      outboundAmountForwarded: amountOut,
    };
  }

  /** The payment has failed, and nothing of it is under way. */
  failed({ paymentId, beyond, noWay }: FailedRelay): void {
    const relay = this.#byPayment.get(paymentId);
    const [first] = relay?.parts ?? [];
    if (relay === undefined || first === undefined) return;
    const peer = this.#peerOf(first.ref);
    this.#failures.set(peer, (this.#failures.get(peer) ?? 0) + 1);
    this.#failAll(relay, this.#answerTo(relay, noWay), beyond);
  }

  #answerTo({ parts }: Relay, noWay: NoWay | undefined): FailureMessage {
    if (noWay === undefined) return { type: "temporary_trampoline_failure" };
    if (noWay.kind === "unknown-next") return { type: "unknown_next_trampoline" };
    const { outgoingCltv } = payloadOf(present(parts[0], "a part").terms);
    return this.#insufficient(noWay.fee, Math.max(0, noWay.firstExpiry - outgoingCltv));
  }

  /**
   * What is about to expire upstream fails there: at once when nothing of it is under way, and as late as a forward
   * when the chain downstream has settled nothing (see `Forwarding.failBackInTime`).
   */
  newBlock(height: number, isOnChain: (channelId: ChannelId) => boolean): void {
    for (const relay of new Set(this.#relayOf.values())) {
      const expiry = Math.min(...relay.parts.map(({ htlc }) => htlc.cltvExpiry));
      const failure = { type: "temporary_trampoline_failure" } as const;
      if (height < expiry - htlcFailBackBuffer) continue;
      const { paymentId } = relay;
      if (paymentId === undefined) {
        this.#failAll(relay, failure);
        continue;
      }
      // With none of its parts under way it fails, and with it what came in.
      this.#payments.abandon(paymentId, "payment-expired");
      if (height < expiry - latencyGracePeriod) continue;
      if (this.#outgoingOf(paymentId).every(({ ref }) => isOnChain(ref.channelId))) {
        this.#failAll(relay, failure);
      }
    }
  }

  /** Fails payments whose other parts do not come. */
  tick(): void {
    this.#failures.clear();
    for (const relay of [...this.#gathering.values()]) {
      relay.ticks += 1;
      if (relay.ticks >= mppTimeoutTicks) this.#failAll(relay, { type: "mpp_timeout" });
    }
  }

  /** The HTLC is gone with its channel. */
  forget(ref: HtlcRef): void {
    this.#forgetPart(ref);
  }

  /** All parts are there: the payment is passed on, or fails for want of a fee or of blocks. */
  #begin(relay: Relay, now: number): void {
    const terms = this.#termsOf(relay);
    if (terms === undefined) {
      this.#failAll(relay, this.#insufficient());
      return;
    }
    const paymentId = paymentIdOf(this.#environment.entropy.randomBytes(32));
    const plan = { retry: { kind: "attempts", count: retries }, now } as const;
    const begun = this.#payments.begin(newPayment(paymentId, terms, plan), now);
    if (!begun.ok) throw new InvariantError(begun.error.text);
    relay.paymentId = paymentId;
    this.#gathering.delete(keyOf(relay.paymentHash, present(relay.parts[0], "a part").terms));
    this.#byPayment.set(paymentId, relay);
  }

  /** The payment that passes it on; `undefined` when what came in leaves too little money or too few blocks for it. */
  #termsOf({ parts, paymentHash }: Relay): PaymentTerms | undefined {
    const { terms: first } = present(parts[0], "a part");
    const payload = payloadOf(first);
    const { amountToForward, outgoingCltv } = payload;
    const { feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta } =
      this.#environment.config.trampolineRelay;
    const ours = (amountToForward * BigInt(feeProportionalMillionths)) / 1_000_000n + BigInt(feeBaseMsat);
    // Not `plus`: payers may say what they like.
    const needed = amountToForward + ours;
    const brought = sum(parts.map(({ htlc }) => htlc.amount));
    const expiry = Math.min(...parts.map(({ htlc }) => htlc.cltvExpiry));
    const latestExpiry = expiry - Math.max(cltvExpiryDelta, minCltvExpiryDelta);
    const height = this.#channels.context.bestHeight;
    // Of blinded paths it is where their recipient begins to count: what they add to it is in their payinfo.
    const isOffered = payload.kind === "trampoline-forward";
    const isLate = outgoingCltv > latestExpiry || (isOffered && isTooLateToOffer(outgoingCltv, height));
    if (amountToForward === 0n || brought < needed || isLate) return undefined;
    const { packet, nextPathKey: pathKey } = first;
    const terms: PaymentTerms = {
      paymentHash,
      recipientOnion: packet ? { paymentSecret: this.#environment.entropy.randomBytes(32) } : {},
      ...(packet && { trampoline: { packet, ...(pathKey && { pathKey }) } }),
      relay: {
        incoming: parts.map(({ ref }) => ref),
        latestExpiry,
        ...(packet && { outgoingCltv }),
      },
      routeParameters: {
        paymentParameters: paymentParameters(payeeOf(payload)),
        finalValue: amountToForward,
        maxFee: msat(brought - needed),
      },
    };
    try {
      return checkedTerms(terms);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#log("info", error.message);
      return undefined;
    }
  }

  /** What we ask for ourselves, and what our way to the next node takes beside that. */
  #insufficient(fee: Msat = msat(0n), blocks = 0): FailureMessage {
    const { feeBaseMsat, feeProportionalMillionths, cltvExpiryDelta } =
      this.#environment.config.trampolineRelay;
    return {
      type: "trampoline_fee_or_expiry_insufficient",
      feeBaseMsat: Math.min(feeBaseMsat + Number(fee), 0xffff_ffff),
      feeProportionalMillionths: Math.min(feeProportionalMillionths, 0xffff_ffff),
      cltvExpiryDelta: Math.min(Math.max(cltvExpiryDelta, minCltvExpiryDelta) + blocks, 0xffff),
    };
  }

  /** Each update comes after the one before, so that whatever waits for the last waits for all. */
  #claim(paymentId: PaymentId, parts: readonly ClaimedPart[], preimage: Bytes32): UpdateRef | undefined {
    const relay = this.#byPayment.get(paymentId);
    if (relay !== undefined) this.#remove(relay);
    const toClaim = parts.map(({ ref, terms }) => ({
      ref,
      resolution: {
        kind: "fulfill" as const,
        preimage,
        ...(terms && attributionSecret(terms)),
        holdTime: this.#incoming.holdTime(ref),
      },
    }));
    const { logger } = this.#environment;
    return claimParts({ channels: this.#channels, logger }, toClaim, { inTurn: true });
  }

  /** What failed upstream in time, though parts of it were under way: on the chain it may still be had. */
  #givenUp(paymentId: PaymentId): readonly ClaimedPart[] {
    return (this.#payments.get(paymentId)?.terms.relay?.incoming ?? []).flatMap((ref) => {
      const channel = this.#channels.funded(ref.channelId);
      const htlc = channel && findHtlc(channel.commitments, "incoming", ref.htlcId);
      return htlc === undefined ? [] : [{ ref, htlc }];
    });
  }

  #failAll(relay: Relay, failure: FailureMessage, beyond?: Uint8Array): void {
    this.#remove(relay);
    for (const part of relay.parts) {
      const holdTime = this.#incoming.holdTime(part.ref);
      const resolution =
        beyond === undefined
          ? failHere(part.terms, failure, holdTime)
          : failBehindTrampoline(part.terms, beyond, holdTime);
      this.#failHtlc(part, resolution, beyond === undefined ? failure : undefined);
    }
  }

  /** `failure`: ours; the reason is that of somebody behind us otherwise. */
  #failHtlc({ ref, terms }: RelayedPart, resolution: Resolution, failure: FailureMessage | undefined): void {
    this.#incoming.tellFailed(
      ref,
      { kind: "trampoline-forward" },
      failure === undefined ? { kind: "downstream" } : { kind: "local", reason: reasonOf(failure) },
    );
    this.#incoming.failBack({ ...terms, ref }, resolution);
  }

  #remove(relay: Relay): void {
    for (const { ref } of relay.parts) this.#relayOf.delete(refKey(ref));
    if (relay.paymentId !== undefined) this.#byPayment.delete(relay.paymentId);
    const [first] = relay.parts;
    const key = first && keyOf(relay.paymentHash, first.terms);
    if (key !== undefined && this.#gathering.get(key) === relay) this.#gathering.delete(key);
  }

  #forgetPart(ref: HtlcRef): void {
    const relay = this.#relayOf.get(refKey(ref));
    if (relay === undefined) return;
    this.#relayOf.delete(refKey(ref));
    const index = relay.parts.findIndex((part) => refKey(part.ref) === refKey(ref));
    const [part] = relay.parts.splice(index, 1);
    if (relay.parts.length > 0 || part === undefined) return;
    // The payment itself ends as it may: there is nobody left to be told.
    if (relay.paymentId !== undefined) this.#byPayment.delete(relay.paymentId);
    const key = keyOf(relay.paymentHash, part.terms);
    if (this.#gathering.get(key) === relay) this.#gathering.delete(key);
  }

  /** The HTLCs of the payment that are under way. */
  #outgoingOf(paymentId: PaymentId): readonly { readonly ref: HtlcRef; readonly amount: Msat }[] {
    const found: { ref: HtlcRef; amount: Msat }[] = [];
    for (const [channelId] of this.#channels.all()) {
      const channel = this.#channels.funded(channelId);
      for (const { id, source } of channel?.outgoing ?? []) {
        if (source.kind !== "local" || source.paymentId !== paymentId) continue;
        const htlc = channel && findHtlc(channel.commitments, "outgoing", id);
        if (htlc === undefined || (htlc.removal !== undefined && htlc.removal.kind !== "fulfill")) continue;
        found.push({ ref: { channelId, htlcId: id }, amount: htlc.amount });
      }
    }
    return found;
  }

  #peerOf({ channelId }: HtlcRef): NodeId {
    return present(this.#channels.get(channelId), "the channel of an HTLC").counterparty;
  }

  #log(level: "info" | "error", text: string): void {
    this.#environment.logger.log({ level, module: "forwarding", text });
  }
}

function keyOf(paymentHash: PaymentHash, { paymentSecret }: RelayedTerms): string {
  return `${paymentHash}/${paymentSecret === undefined ? "" : toHex(paymentSecret)}`;
}

/** Not `sum`: payers may say what they like. */
function intendedSum(parts: readonly RelayedPart[]): bigint {
  return parts.reduce((total, { terms }) => total + terms.intendedAmount, 0n);
}

function isComplete({ parts, paymentId }: Relay): boolean {
  const [first] = parts;
  return paymentId === undefined && first !== undefined && intendedSum(parts) >= first.terms.totalAmount;
}

/** Whether a further part may join those that are there: it says the same, and they are not whole without it. */
function mayJoin(parts: readonly RelayedPart[], terms: RelayedTerms): boolean {
  const first = parts[0]?.terms;
  if (first === undefined) return true;
  return (
    parts.length < maxParts &&
    intendedSum(parts) < first.totalAmount &&
    first.paymentSecret !== undefined &&
    first.totalAmount === terms.totalAmount &&
    equalBytes(first.payload, terms.payload) &&
    equalBytes(first.nextPathKey ?? noBytes, terms.nextPathKey ?? noBytes) &&
    (first.packet === undefined) === (terms.packet === undefined)
  );
}

/** What was read when the part came. */
function payloadOf({ payload, packet }: RelayedTerms): TrampolinePayload {
  const decoded = decodeTrampolinePayload(payload, packet);
  const value = decoded.ok ? decoded.value : undefined;
  if (value?.kind === "trampoline-forward" || value?.kind === "trampoline-to-blinded-paths") return value;
  throw new InvariantError("a stored trampoline payload that cannot be read");
}

function payeeOf(payload: TrampolinePayload): Payee {
  if (payload.kind === "trampoline-to-blinded-paths") {
    const { blindedPaths: paths, recipientFeatures: features } = payload;
    return { kind: "blinded", paths, ...(features && { features }) };
  }
  const features = multiPartFeatures.toBytes();
  return { kind: "clear", nodeId: payload.nextNodeId, routeHints: [], features, finalCltvExpiryDelta: 0 };
}
