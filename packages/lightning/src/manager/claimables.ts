import { crypto } from "@fulmen/bitcoin/crypto";
import type { HtlcRef } from "../channel/disposition.ts";
import type { Event, PaymentPurpose } from "../handlers/event.ts";
import { htlcFailBackBuffer } from "../onchain/deadlines.ts";
import type { FinalPayload } from "../onion/index.ts";
import { type InboundPaymentKeys, verifyInboundPayment } from "../payment/inboundPayment.ts";
import { type Bytes32, equalBytes, toHex } from "../util/bytes.ts";
import {
  type BlockHeight,
  type ChannelId,
  type PaymentHash,
  paymentHashOf,
  type UnixSeconds,
} from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { type Msat, sum } from "../util/units.ts";
import type { FailureMessage } from "../wire/failureCodes.ts";
import type { Channels } from "./channels.ts";
import { type IncomingHtlcs, type ReadHtlc, refKey, setDisposition } from "./incomingHtlcs.ts";

/** One HTLC of a payment to us. */
export interface ClaimablePart {
  readonly ref: HtlcRef;
  readonly amount: Msat;
  readonly cltvExpiry: number;
  readonly sharedSecret: Uint8Array;
  /** Absent from a spontaneous payment of one part. */
  readonly paymentSecret?: Uint8Array | undefined;
  readonly totalAmount: Msat;
  readonly preimage: Bytes32 | undefined;
  readonly spontaneous: boolean;
}

/** A payment to us whose parts are collected. */
interface Claimable {
  readonly parts: ClaimablePart[];
  /** Whether `payment-claimable` was told. */
  complete: boolean;
  /** Ticks since the first part came without the rest. */
  ticks: number;
}

/** A payment that can be claimed or failed. */
export interface ClaimablePayment {
  readonly paymentHash: PaymentHash;
  readonly amount: Msat;
  readonly purpose: PaymentPurpose;
  /** Height from which the payment is failed rather than claimed. */
  readonly claimDeadline: number;
  readonly viaChannelIds: readonly ChannelId[];
}

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
  readonly #channels: Channels;
  readonly #incoming: IncomingHtlcs;
  readonly #keys: InboundPaymentKeys;
  #events: Event[] = [];

  constructor(channels: Channels, incoming: IncomingHtlcs, keys: InboundPaymentKeys) {
    this.#channels = channels;
    this.#incoming = incoming;
    this.#keys = keys;
  }

  takeEvents(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** An HTLC that ends here. */
  receive(read: ReadHtlc, payload: FinalPayload, now: UnixSeconds): void {
    const { htlc } = read;
    const height = this.#channels.context.bestHeight;
    if (htlc.amount < payload.amount) {
      this.#incoming.fail(read, { type: "final_incorrect_htlc_amount", incomingHtlcAmt: htlc.amount });
      return;
    }
    if (htlc.cltvExpiry < payload.outgoingCltv) {
      this.#incoming.fail(read, { type: "final_incorrect_cltv_expiry", cltvExpiry: htlc.cltvExpiry });
      return;
    }
    const part = this.#verify(read, payload, { now, height });
    if (part === undefined || !this.#fits(htlc.paymentHash, part)) {
      // One answer for every reason: it must not tell a prober which (BOLT 4, "Failure Messages").
      this.#incoming.fail(read, unknownDetails(htlc.amount, height));
      return;
    }
    const { sharedSecret, paymentSecret, totalAmount, preimage, spontaneous } = part;
    setDisposition(this.#channels, read.ref, {
      kind: "claimable",
      sharedSecret,
      totalAmount,
      spontaneous,
      ...(paymentSecret && { paymentSecret }),
      ...(preimage && { preimage }),
    });
    this.restore(htlc.paymentHash, part);
    this.#tellWhenComplete(htlc.paymentHash);
  }

  /** Takes in a part that was stored. */
  restore(paymentHash: PaymentHash, part: ClaimablePart): void {
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
      .map(([paymentHash, { parts }]) => described(paymentHash, parts));
  }

  /**
   * Claims a payment: every part of it in one batch, and each part's monitor told of all the others. Claiming what is
   * not claimable, or no more, changes nothing and is `false`.
   */
  claim(preimage: Bytes32): boolean {
    const paymentHash = paymentHashOf(crypto().sha256(preimage));
    const claimable = this.#byHash.get(paymentHash);
    if (claimable === undefined || !claimable.complete) return false;
    const { parts } = claimable;
    const refs = parts.map(({ ref }) => ref);
    for (const { ref, sharedSecret } of parts) {
      this.#channels.command(ref.channelId, {
        kind: "resolve-htlc",
        htlcId: ref.htlcId,
        resolution: { kind: "fulfill", preimage, sharedSecret, holdTime: this.#incoming.holdTime(ref) },
        monitor: { parts: refs, after: [] },
      });
    }
    this.#byHash.delete(paymentHash);
    const { amount, purpose } = described(paymentHash, parts);
    this.#events.push({ kind: "payment-claimed", paymentHash, amount, purpose });
    return true;
  }

  /** Fails all parts of a payment. */
  failBackwards(paymentHash: PaymentHash, failure?: FailureMessage): boolean {
    const claimable = this.#byHash.get(paymentHash);
    if (claimable === undefined) return false;
    this.#byHash.delete(paymentHash);
    const height = this.#channels.context.bestHeight;
    for (const part of claimable.parts)
      this.#incoming.fail(part, failure ?? unknownDetails(part.amount, height));
    return true;
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
      if (claimable.ticks >= mppTimeoutTicks) this.failBackwards(paymentHash, { type: "mpp_timeout" });
    }
  }

  /** The HTLC is gone with its channel: it can no more be claimed off chain. */
  forget(ref: HtlcRef): void {
    for (const [paymentHash, { parts }] of this.#byHash) {
      const index = parts.findIndex((part) => refKey(part.ref) === refKey(ref));
      if (index < 0) continue;
      parts.splice(index, 1);
      if (parts.length === 0) this.#byHash.delete(paymentHash);
    }
  }

  #verify(
    read: ReadHtlc,
    payload: FinalPayload,
    at: { readonly now: UnixSeconds; readonly height: number },
  ): ClaimablePart | undefined {
    const { ref, htlc, sharedSecret } = read;
    const { paymentData, keysendPreimage, paymentMetadata } = payload;
    const part = { ref, amount: htlc.amount, cltvExpiry: htlc.cltvExpiry, sharedSecret };
    if (htlc.cltvExpiry <= at.height + htlcFailBackBuffer + 1) return undefined;
    if (keysendPreimage !== undefined) {
      if (toHex(crypto().sha256(keysendPreimage)) !== htlc.paymentHash) return undefined;
      const totalAmount = paymentData?.totalAmount ?? htlc.amount;
      const paymentSecret = paymentData?.paymentSecret;
      return { ...part, paymentSecret, totalAmount, preimage: keysendPreimage, spontaneous: true };
    }
    if (paymentData === undefined) return undefined;
    const verified = verifyInboundPayment(this.#keys, {
      paymentHash: htlc.paymentHash,
      paymentSecret: paymentData.paymentSecret,
      totalAmount: paymentData.totalAmount,
      ...(paymentMetadata && { paymentMetadata }),
      cltvExpiry: htlc.cltvExpiry as BlockHeight,
      height: at.height as BlockHeight,
      now: at.now,
    });
    if (!verified.ok) return undefined;
    const { paymentSecret, totalAmount } = paymentData;
    return { ...part, paymentSecret, totalAmount, preimage: verified.value.preimage, spontaneous: false };
  }

  /** All parts must speak of the same payment, and none may come when it is complete. */
  #fits(paymentHash: PaymentHash, part: ClaimablePart): boolean {
    const claimable = this.#byHash.get(paymentHash);
    if (claimable === undefined) return true;
    const first = present(claimable.parts[0], "a part");
    return (
      !claimable.complete &&
      first.spontaneous === part.spontaneous &&
      first.totalAmount === part.totalAmount &&
      first.paymentSecret !== undefined &&
      part.paymentSecret !== undefined &&
      equalBytes(first.paymentSecret, part.paymentSecret)
    );
  }

  #tellWhenComplete(paymentHash: PaymentHash): void {
    const claimable = present(this.#byHash.get(paymentHash), "a payment");
    if (claimable.complete || !isComplete(claimable.parts)) return;
    claimable.complete = true;
    this.#events.push({ kind: "payment-claimable", ...described(paymentHash, claimable.parts) });
  }
}

function isComplete(parts: readonly ClaimablePart[]): boolean {
  const { totalAmount } = present(parts[0], "a part");
  return sum(parts.map(({ amount }) => amount)) >= totalAmount;
}

function described(paymentHash: PaymentHash, parts: readonly ClaimablePart[]): ClaimablePayment {
  const { preimage, paymentSecret, spontaneous } = present(parts[0], "a part");
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
    amount: sum(parts.map(({ amount }) => amount)),
    purpose,
    claimDeadline: Math.min(...parts.map(({ cltvExpiry }) => cltvExpiry)) - htlcFailBackBuffer,
    viaChannelIds: [...new Set(parts.map(({ ref }) => ref.channelId))],
  };
}

function unknownDetails(amount: Msat, height: number): FailureMessage {
  return { type: "incorrect_or_unknown_payment_details", htlcMsat: amount, height };
}
