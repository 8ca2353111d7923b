import { crypto } from "@fulmen/bitcoin/crypto";
import { type NetworkName, networks } from "@fulmen/bitcoin/network";
import {
  type Invoice,
  type InvoiceRefusal,
  invoiceExpiresAt,
  maxInvoiceLength,
  parseInvoice,
} from "../invoice/index.ts";
import type { BlindedPaymentPath } from "../onion/index.ts";
import type { PaymentTerms, Retry } from "../payment/outboundPayment.ts";
import { maxPathLengthFor } from "../payment/paymentPart.ts";
import { checkedRecipientFields, type RecipientOnionFields } from "../payment/recipientOnion.ts";
import {
  defaultMaxFee,
  type PaymentParameters,
  paymentParameters,
  type RouteParameters,
} from "../routing/route.ts";
import type { Bytes32 } from "../util/bytes.ts";
import { type NodeId, type PaymentHash, type PaymentId, paymentHashOf } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import { Features } from "../wire/index.ts";
import { ApiError } from "./apiError.ts";
import { minFinalCltvExpiryDelta } from "./claimables.ts";
import type { TrampolineStep } from "./trampolineTerms.ts";

/** What may be asked of every payment. */
export interface PaymentOptions {
  /** All fees together, of all attempts. Default: 1 % of the amount and 50 sat. */
  readonly maxFee?: Msat;
  /** How long failed parts are tried again. Default: three times. */
  readonly retry?: Retry;
  /** Told to the recipient; types from 65,536 on. */
  readonly customTlvs?: RecipientOnionFields["customTlvs"];
  /** Limits of the ways, and how they are found. */
  readonly routing?: Partial<
    Pick<
      PaymentParameters,
      | "maxTotalCltvExpiryDelta"
      | "maxPathCount"
      | "maxChannelSaturationPowerOfHalf"
      | "solver"
      | "previouslyFailedChannels"
    >
  >;
}

/** How an invoice is paid. @ldk lightning::ln::channelmanager::OptionalBolt11PaymentParams */
export interface PayInvoiceOptions extends PaymentOptions {
  /** For an invoice that names no amount; or more than it asks, at most twice that. */
  readonly amount?: Msat;
  /**
   * What all payers together bring, when others pay the rest of the invoice: then `amount` may be less than it asks.
   */
  readonly declaredTotalMppValue?: Msat;
  /**
   * Nodes that find the way to the payee for us, in their order: then no more is to be known than a way to the first.
   * For an invoice that says that its payee can be paid so. What they are given is part of `maxFee`.
   */
  readonly trampolines?: readonly TrampolineStep[];
}

/** A payment to a node that made no invoice. @ldk ChannelManager::send_spontaneous_payment */
export interface SpontaneousPayment extends PaymentOptions {
  readonly payee: NodeId;
  readonly amount: Msat;
  /** Default: a random one. */
  readonly preimage?: Bytes32;
  /** Lets the payment go in several parts, which the recipient has to support; 32 bytes, of the payer's choice. */
  readonly paymentSecret?: Bytes32;
  readonly paymentMetadata?: Uint8Array;
  readonly paymentId?: PaymentId;
}

/** A payment of which the user knows all. @ldk ChannelManager::send_payment */
export interface PaymentRequest {
  readonly paymentHash: PaymentHash;
  readonly recipientOnion: RecipientOnionFields;
  readonly paymentId: PaymentId;
  readonly routeParameters: RouteParameters;
  /** Default: three more attempts. */
  readonly retry?: Retry;
  /**
   * As for invoices. To blinded paths, the last of them is told these, and its payee need know nothing of trampolines.
   */
  readonly trampolines?: readonly TrampolineStep[];
}

/** An invoice's text, read; throws `ApiError` that says what is wrong with it. */
export function parsedInvoice(text: string): Invoice {
  const invoice = parseInvoice(text);
  if (invoice.ok) return invoice.value;
  throw new ApiError(
    invoice.error.kind === "unknown-features" ? "unknown-features" : "invalid-invoice",
    textOfRefusal(invoice.error),
  );
}

/** What paying `invoice` means; throws `ApiError` that says what to do when it cannot be paid. */
export function termsOfInvoice(
  invoice: Invoice,
  us: { readonly nodeId: NodeId; readonly network: NetworkName },
  options: PayInvoiceOptions,
): PaymentTerms {
  // The prefix is all that an invoice says of its network, and those for tests share one.
  if (networks[invoice.network].bolt11Prefix !== networks[us.network].bolt11Prefix) {
    throw new ApiError(
      "wrong-network",
      `the invoice is for ${invoice.network}, this node is on ${us.network}: ask for one of that network`,
    );
  }
  if (invoice.payee === us.nodeId) {
    throw new ApiError("own-invoice", "the invoice is this node's own: there is nothing to pay");
  }
  const unknown = invoice.features.unknownRequiredBits();
  if (unknown.length > 0) throw unknownFeatures(unknown);
  const amount = amountOf(invoice, options);
  const { metadata, paymentSecret } = invoice;
  const { customTlvs, declaredTotalMppValue } = options;
  return checkedTerms({
    paymentHash: invoice.paymentHash,
    recipientOnion: {
      paymentSecret,
      ...(metadata && { paymentMetadata: metadata }),
      ...(customTlvs && { customTlvs }),
      ...(declaredTotalMppValue !== undefined && { declaredTotalMppValue }),
    },
    routeParameters: {
      paymentParameters: paymentParameters(
        {
          kind: "clear",
          nodeId: invoice.payee,
          routeHints: invoice.routeHints.map((hint) =>
            hint.map(({ feeBase, ...hop }) => ({ ...hop, feeBaseMsat: Number(feeBase) })),
          ),
          features: invoice.features.toBytes(),
          finalCltvExpiryDelta: invoice.minFinalCltvExpiryDelta,
        },
        { expiryTime: invoiceExpiresAt(invoice), ...options.routing },
      ),
      finalValue: amount,
      maxFee: options.maxFee ?? defaultMaxFee(amount),
    },
  });
}

/** @ldk Bolt11InvoiceFeatures::for_keysend */
const multiPartFeatures = Features.of({ var_onion_optin: "required", basic_mpp: "optional" });

/** A payment that nobody asked for: the preimage travels in the onion (bLIP 3). */
export function keysendTerms(payment: SpontaneousPayment, preimage: Bytes32): PaymentTerms {
  const { payee, amount, maxFee, paymentSecret, paymentMetadata, customTlvs, routing } = payment;
  const clear = {
    kind: "clear",
    nodeId: payee,
    routeHints: [],
    finalCltvExpiryDelta: minFinalCltvExpiryDelta,
    // Who gives a secret says that the recipient puts parts together; otherwise there is one (`maxPathCount`).
    ...(paymentSecret && { features: multiPartFeatures.toBytes() }),
  } as const;
  return checkedTerms({
    paymentHash: paymentHashOf(crypto().sha256(preimage)),
    recipientOnion: {
      ...(paymentSecret && { paymentSecret }),
      ...(paymentMetadata && { paymentMetadata }),
      ...(customTlvs && { customTlvs }),
    },
    preimage,
    routeParameters: {
      paymentParameters: paymentParameters(clear, routing),
      finalValue: amount,
      maxFee: maxFee ?? defaultMaxFee(amount),
    },
  });
}

/**
 * The terms with their custom records in order, and the length of paths for which an onion has room; throws `ApiError`
 * when they cannot be kept.
 */
export function checkedTerms(terms: PaymentTerms): PaymentTerms {
  const { finalValue, paymentParameters: parameters } = terms.routeParameters;
  const recipientOnion = checkedRecipientFields(terms.recipientOnion);
  if (!recipientOnion.ok) throw new ApiError("invalid-recipient-fields", recipientOnion.error.text);
  if (finalValue <= 0n || finalValue > mostMsat) {
    throw new ApiError("invalid-amount", `${finalValue} msat cannot be paid: give an amount above zero`);
  }
  const { declaredTotalMppValue = finalValue, paymentSecret, customTlvs } = recipientOnion.value;
  if (declaredTotalMppValue < finalValue || declaredTotalMppValue > mostMsat) {
    const text = `a declared total of ${declaredTotalMppValue} msat for a part of ${finalValue} msat: it is to be the sum of all parts`;
    throw new ApiError("invalid-amount", text);
  }
  const checked = { ...terms, recipientOnion: recipientOnion.value };
  const { payee } = parameters;
  if (payee.kind === "blinded" && (customTlvs || terms.preimage)) {
    const text = "a recipient behind a blinded path is told nothing but the amount: leave out custom records";
    throw new ApiError("invalid-recipient-fields", text);
  }
  // Without a secret there is nothing by which the recipient could put parts together.
  const maxPathCount = payee.kind === "clear" && paymentSecret === undefined ? 1 : parameters.maxPathCount;
  const { maxPathLength, tooLong } = roomFor(checked);
  if (maxPathLength === 0) {
    const text =
      "what the recipient is to be told does not fit into an onion: send less metadata or custom records";
    throw new ApiError("onion-too-large", text);
  }
  return {
    ...checked,
    routeParameters: {
      ...terms.routeParameters,
      paymentParameters: {
        ...parameters,
        maxPathCount,
        maxPathLength: Math.min(parameters.maxPathLength, maxPathLength),
        previouslyFailedBlindedPathIndexes: [...parameters.previouslyFailedBlindedPathIndexes, ...tooLong],
      },
    },
  };
}

/** 21 million bitcoin. */
const mostMsat = 2_100_000_000_000_000_000n;

/** The room for hops beside the longest blinded tail for which there is any; the tails that do not fit at all. */
function roomFor(terms: PaymentTerms): {
  readonly maxPathLength: number;
  readonly tooLong: readonly number[];
} {
  const { payee } = terms.routeParameters.paymentParameters;
  if (payee.kind === "clear") return { maxPathLength: maxPathLengthFor(terms, undefined), tooLong: [] };
  const room = payee.paths.map(({ blindedHops, pathKey }: BlindedPaymentPath) =>
    maxPathLengthFor(terms, { hops: blindedHops, pathKey }),
  );
  return {
    maxPathLength: room.reduce(
      (least, length) => (length > 0 && (least === 0 || length < least) ? length : least),
      0,
    ),
    tooLong: room.flatMap((length, index) => (length === 0 ? [index] : [])),
  };
}

function amountOf(invoice: Invoice, { amount: chosen, declaredTotalMppValue }: PayInvoiceOptions): Msat {
  if (invoice.amount === undefined) {
    if (chosen !== undefined && chosen > 0n) return chosen;
    throw new ApiError("invalid-amount", "the invoice names no amount: give one");
  }
  if (chosen === undefined) return invoice.amount;
  const total = declaredTotalMppValue ?? chosen;
  if (chosen > 0n && total >= invoice.amount && total <= invoice.amount * 2n) return chosen;
  const text = `the invoice asks for ${invoice.amount} msat: pay that, or up to twice as much, not ${total} msat`;
  throw new ApiError("invalid-amount", text);
}

function unknownFeatures(bits: readonly number[]): ApiError {
  const text = `the invoice requires features that this node does not know (bits ${bits.join(", ")}): ask for another one, or update the node`;
  return new ApiError("unknown-features", text);
}

/** What is wrong with an invoice, and what to do about it. Nothing of its text is repeated. */
function textOfRefusal(refusal: InvoiceRefusal): string {
  switch (refusal.kind) {
    case "too-long":
      return `an invoice of ${refusal.length} characters: none has more than ${maxInvoiceLength}, ask for another one`;
    case "not-bech32":
    case "too-short":
      return "this is not a whole invoice: copy all of it, without other text";
    case "unknown-network":
      return "this is not a Lightning invoice of a known network: it should begin with lnbc, lntb, lntbs or lnbcrt";
    case "unknown-features":
      return unknownFeatures(refusal.bits).message;
    case "invalid-signature":
      return "the invoice's signature is wrong: it was changed on its way, ask for it again";
    case "invalid-amount":
    case "invalid-field":
    case "missing-field":
    case "two-descriptions":
    case "missing-feature":
      return `the invoice breaks the rules (${refusal.kind}): ask for another one`;
  }
}
