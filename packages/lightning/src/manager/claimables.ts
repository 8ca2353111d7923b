import { crypto } from "@fulmen/bitcoin/crypto";
import type { HtlcRef } from "../channel/disposition.ts";
import type { Event, PaymentPurpose, ReceivedOnionFields } from "../handlers/event.ts";
import { htlcFailBackBuffer } from "../onchain/deadlines.ts";
import { type FinalPayload, failureOfPayload } from "../onion/index.ts";
import {
  type ClaimablePart,
  isComplete,
  mandatoryTlv,
  mayJoin,
  onionFieldsOf,
  readClaimable,
  skimmedFee,
  unknownDetails,
} from "../payment/claimablePart.ts";
import { expandInboundPaymentKey, type InboundPaymentKeys } from "../payment/inboundPayment.ts";
import { inboundPaymentId, inboundPaymentIdKey } from "../payment/inboundPaymentId.ts";
import { attributionSecret, phantomAttribution } from "../payment/wayBack.ts";
import type { Bytes32 } from "../util/bytes.ts";
import {
  type ChannelId,
  type NodeId,
  type PaymentHash,
  type PaymentId,
  paymentHashOf,
  type UnixSeconds,
} from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import type { Secret } from "../util/secret.ts";
import { type Msat, sum, zeroMsat } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import type { Channels } from "./channels.ts";
import { claimParts } from "./claimParts.ts";
import type { ManagerEnvironment } from "./environment.ts";
import { type IncomingHtlcs, type ReadHtlc, refKey, setDisposition } from "./incomingHtlcs.ts";

/** A payment to us whose parts are collected. */
interface Claimable {
  readonly parts: ClaimablePart[];
  /** Whether `payment-claimable` was told. */
  complete: boolean;
  /** Ticks since the first part came without the rest. */
  ticks: number;
}

/** A payment that can be claimed or failed. @ldk lightning::events::Event::PaymentClaimable */
export interface ClaimablePayment {
  readonly paymentHash: PaymentHash;
  /** Another one if the same invoice is paid again. */
  readonly paymentId: PaymentId;
  /** Us, or the phantom node. */
  readonly receiverNodeId: NodeId;
  /** What claiming brings. */
  readonly amount: Msat;
  /** What peers kept of the payment: none but where `acceptUnderpayingHtlcs` is set. */
  readonly counterpartySkimmedFee: Msat;
  readonly purpose: PaymentPurpose;
  readonly onionFields: ReceivedOnionFields;
  /** Height from which the payment is failed rather than claimed. */
  readonly claimDeadline: number;
  readonly viaChannelIds: readonly ChannelId[];
}

/** What the payer is told of a payment that we fail. @ldk lightning::ln::channelmanager::FailureCode */
export type FailureCode =
  | { readonly kind: "temporary-node-failure" }
  | { readonly kind: "required-node-feature-missing" }
  | { readonly kind: "incorrect-or-unknown-payment-details" }
  /** The record that is not understood, and where it begins; 0 where that is not known. */
  | { readonly kind: "invalid-onion-payload"; readonly tlvType: bigint; readonly offset: number };

/** Ticks after which the parts of an incomplete payment are failed. @ldk MPP_TIMEOUT_TICKS */
const mppTimeoutTicks = 3;

/** Blocks before the expiry of our own HTLCs that we ask for at least. @ldk MIN_FINAL_CLTV_EXPIRY_DELTA */
export const minFinalCltvExpiryDelta = 42;

/**
 * Payments to us. What is here is rebuilt from the dispositions of incoming HTLCs; an event is a mere notice.
 * BOLT 4, "Basic Multi-Part Payments".
 */
export class Claimables {
  readonly #byHash = new Map<PaymentHash, Claimable>();
  /** Whose part an HTLC is; keys by `refKey`. */
  readonly #hashOf = new Map<string, PaymentHash>();
  readonly #environment: ManagerEnvironment;
  readonly #channels: Channels;
  readonly #incoming: IncomingHtlcs;
  readonly #keys: InboundPaymentKeys;
  readonly #paymentIdKey: Secret;
  #events: Event[] = [];

  constructor(environment: ManagerEnvironment, channels: Channels, incoming: IncomingHtlcs) {
    this.#environment = environment;
    this.#channels = channels;
    this.#incoming = incoming;
    const key = environment.nodeSigner.inboundPaymentKey();
    this.#keys = expandInboundPaymentKey(key);
    this.#paymentIdKey = inboundPaymentIdKey(key);
  }

  takeEvents(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** An HTLC that ends here. */
  receive(read: ReadHtlc, payload: FinalPayload, now: UnixSeconds): void {
    const { ref, htlc, offered, sharedSecret, blinded, phantomSharedSecret, trampolineSharedSecret } = read;
    const { paymentHash, amount, cltvExpiry } = htlc;
    const height = this.#channels.context.bestHeight;
    const secrets = { sharedSecret, phantomSharedSecret, trampolineSharedSecret };
    const part = { paymentHash, payload, received: amount, blinded, ...secrets };
    const terms = readClaimable(
      this.#keys,
      // Between us and the phantom there is nobody who could keep anything.
      offered
        ? { ...part, ...offered, skimmedFee: zeroMsat }
        : { ...part, amount, cltvExpiry, skimmedFee: this.#mayKeep(ref) },
      { height, now },
    );
    if (!terms.ok) {
      const { failure, reason, text } = terms.error;
      this.#environment.logger.log({ level: "info", module: "payment", text: `${refKey(ref)}: ${text}` });
      this.#incoming.fail(read, failure, { failureType: { kind: "receive", paymentHash }, reason });
      return;
    }
    const claimable: ClaimablePart = { ref, amount, cltvExpiry, terms: terms.value };
    if (!mayJoin(this.#byHash.get(paymentHash)?.parts ?? [], claimable)) {
      // Not even that there are other parts is told.
      this.#incoming.fail(read, unknownDetails(amount, height));
      return;
    }
    setDisposition(this.#channels, ref, terms.value);
    this.restore(paymentHash, claimable);
    this.#tellWhenComplete(paymentHash);
  }

  /** Takes in a part that was stored. */
  restore(paymentHash: PaymentHash, part: ClaimablePart): void {
    this.#hashOf.set(refKey(part.ref), paymentHash);
    const claimable = this.#byHash.get(paymentHash);
    if (claimable === undefined) this.#byHash.set(paymentHash, { parts: [part], complete: false, ticks: 0 });
    else claimable.parts.push(part);
  }

  /** After all parts are restored: which payments are complete. Their event was stored before. */
  restored(): void {
    for (const claimable of this.#byHash.values()) claimable.complete = isComplete(claimable.parts);
  }

  list(): readonly ClaimablePayment[] {
    return [...this.#byHash]
      .filter(([, { complete }]) => complete)
      .map(([paymentHash, { parts }]) => this.#described(paymentHash, parts));
  }

  /**
   * Claims a payment: every part of it in one batch, and each part's monitor told of all the others. Claiming what is
   * not claimable, or no more, changes nothing and is `false`. So is claiming what holds a custom TLV of an even type
   * without saying that all of them are known; the payment is failed then.
   */
  claim(preimage: Bytes32, { customTlvsKnown }: { readonly customTlvsKnown: boolean }): boolean {
    const paymentHash = paymentHashOf(crypto().sha256(preimage));
    const claimable = this.#byHash.get(paymentHash);
    if (claimable === undefined || !claimable.complete) return false;
    const { parts } = claimable;
    const mandatory = mandatoryTlv(parts);
    if (mandatory !== undefined && !customTlvsKnown) {
      this.failBackwards(paymentHash, { kind: "invalid-onion-payload", tlvType: mandatory.type, offset: 0 });
      return false;
    }
    this.#events.push(this.#claimed(paymentHash, parts));
    this.#remove(paymentHash);
    const toClaim = parts.map(({ ref, terms }) => ({
      ref,
      resolution: {
        kind: "fulfill" as const,
        preimage,
        ...attributionSecret(terms),
        holdTime: this.#incoming.holdTime(ref),
        ...phantomAttribution(terms),
      },
    }));
    claimParts({ channels: this.#channels, logger: this.#environment.logger }, toClaim);
    return true;
  }

  /** Fails all parts of a payment, whether all of them have come or not. */
  failBackwards(
    paymentHash: PaymentHash,
    code: FailureCode = { kind: "incorrect-or-unknown-payment-details" },
  ): boolean {
    const height = this.#channels.context.bestHeight;
    return this.#fail(paymentHash, ({ amount }) => failureOfCode(code, amount, height));
  }

  /** Fails what is too near its expiry to be claimed safely. */
  newBlock(height: number): void {
    for (const [paymentHash, { parts }] of this.#byHash) {
      if (parts.some(({ cltvExpiry }) => height >= cltvExpiry - htlcFailBackBuffer))
        this.failBackwards(paymentHash);
    }
  }

  /** Fails payments whose other parts do not come. */
  tick(): void {
    for (const [paymentHash, claimable] of this.#byHash) {
      if (claimable.complete) continue;
      claimable.ticks += 1;
      if (claimable.ticks >= mppTimeoutTicks) this.#fail(paymentHash, () => ({ type: "mpp_timeout" }));
    }
  }

  /** The HTLC is gone with its channel: it can be claimed no more, and what is left may be too little. */
  forget(ref: HtlcRef): void {
    const key = refKey(ref);
    const paymentHash = this.#hashOf.get(key);
    if (paymentHash === undefined) return;
    this.#hashOf.delete(key);
    const claimable = present(this.#byHash.get(paymentHash), "the payment of a part");
    const index = claimable.parts.findIndex((part) => refKey(part.ref) === key);
    claimable.parts.splice(index, 1);
    if (claimable.parts.length === 0) this.#byHash.delete(paymentHash);
    else claimable.complete &&= isComplete(claimable.parts);
  }

  /** What the channel's peer may have kept of an HTLC, by its own word and our leave (bLIP 25). */
  #mayKeep({ channelId, htlcId }: HtlcRef): Msat {
    const channel = this.#channels.funded(channelId);
    const disposition = channel?.incoming.find(({ id }) => id === htlcId)?.disposition;
    if (channel === undefined || disposition?.kind !== "undecided") return zeroMsat;
    const { acceptUnderpayingHtlcs } = channel.identity.config;
    return acceptUnderpayingHtlcs ? (disposition.skimmedFee ?? zeroMsat) : zeroMsat;
  }

  #fail(paymentHash: PaymentHash, failureOf: (part: ClaimablePart) => FailureMessage): boolean {
    const claimable = this.#byHash.get(paymentHash);
    if (claimable === undefined) return false;
    this.#remove(paymentHash);
    for (const part of claimable.parts) {
      const { sharedSecret, blinded, phantomSharedSecret, trampolineSharedSecret } = part.terms;
      const way = { sharedSecret, blinded, phantomSharedSecret, trampolineSharedSecret };
      this.#incoming.fail({ ref: part.ref, ...way }, failureOf(part));
    }
    return true;
  }

  #remove(paymentHash: PaymentHash): void {
    for (const { ref } of this.#byHash.get(paymentHash)?.parts ?? []) this.#hashOf.delete(refKey(ref));
    this.#byHash.delete(paymentHash);
  }

  #tellWhenComplete(paymentHash: PaymentHash): void {
    const claimable = present(this.#byHash.get(paymentHash), "a payment");
    if (claimable.complete || !isComplete(claimable.parts)) return;
    claimable.complete = true;
    this.#events.push({ kind: "payment-claimable", ...this.#described(paymentHash, claimable.parts) });
  }

  #described(paymentHash: PaymentHash, parts: readonly ClaimablePart[]): ClaimablePayment {
    const { nodeSigner } = this.#environment;
    const { terms } = present(parts[0], "a part");
    const { preimage, paymentSecret, spontaneous, phantomSharedSecret } = terms;
    const purpose: PaymentPurpose =
      spontaneous && preimage
        ? { kind: "spontaneous", paymentPreimage: preimage }
        : {
            kind: "bolt11-invoice",
            paymentSecret: present(paymentSecret, "the secret of a payment that was asked for"),
            ...(preimage && { paymentPreimage: preimage }),
          };
    return {
      paymentHash,
      paymentId: inboundPaymentId(
        this.#paymentIdKey,
        parts.map(({ ref }) => ref),
      ),
      receiverNodeId: (phantomSharedSecret && nodeSigner.phantom?.nodeId) ?? nodeSigner.nodeId,
      amount: sum(parts.map(({ amount }) => amount)),
      counterpartySkimmedFee: sum(parts.map(skimmedFee)),
      purpose,
      onionFields: onionFieldsOf(parts),
      claimDeadline: Math.min(...parts.map(({ cltvExpiry }) => cltvExpiry)) - htlcFailBackBuffer,
      viaChannelIds: [...new Set(parts.map(({ ref }) => ref.channelId))],
    };
  }

  #claimed(paymentHash: PaymentHash, parts: readonly ClaimablePart[]): Event {
    const { paymentId, receiverNodeId, amount, purpose, onionFields } = this.#described(paymentHash, parts);
    const htlcs = parts.map((part) => ({
      channelId: part.ref.channelId,
      userChannelId: this.#channels.funded(part.ref.channelId)?.identity.userChannelId ?? 0n,
      cltvExpiry: part.cltvExpiry,
      value: part.amount,
      counterpartySkimmedFee: skimmedFee(part),
    }));
    return {
      kind: "payment-claimed",
      paymentHash,
      paymentId,
      receiverNodeId,
      amount,
      purpose,
      onionFields,
      htlcs,
      senderIntendedTotal: onionFields.totalAmount,
    };
  }
}

function failureOfCode(code: FailureCode, amount: Msat, height: number): FailureMessage {
  switch (code.kind) {
    case "temporary-node-failure":
      return { type: "temporary_node_failure" };
    case "required-node-feature-missing":
      return { type: "required_node_feature_missing" };
    case "incorrect-or-unknown-payment-details":
      return unknownDetails(amount, height);
    case "invalid-onion-payload":
      return failureOfPayload({ type: code.tlvType, offset: code.offset });
  }
}
