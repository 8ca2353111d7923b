import { crypto } from "@fulmen/bitcoin/crypto";
import type { NetworkName } from "@fulmen/bitcoin/network";
import { type Invoice, invoiceExpiresAt } from "../invoice/index.ts";
import type { PaymentTerms } from "../payment/outboundPayment.ts";
import { defaultMaxFee } from "../routing/route.ts";
import type { Bytes32 } from "../util/bytes.ts";
import { type NodeId, paymentHashOf } from "../util/ids.ts";
import type { Msat } from "../util/units.ts";
import { ApiError } from "./apiError.ts";
import { minFinalCltvExpiryDelta } from "./claimables.ts";

/** How an invoice is paid. @ldk lightning::ln::channelmanager::OptionalBolt11PaymentParams */
export interface PayInvoiceOptions {
  /** For an invoice that names no amount; or more than it asks, at most twice that. */
  readonly amount?: Msat;
  /** All fees together. Default: 1 % of the amount and 50 sat. */
  readonly maxFee?: Msat;
  /** How often a failed part is tried again. Default 3. */
  readonly retries?: number;
}

/** What paying `invoice` means; throws `ApiError` that says what to do when it cannot be paid. */
export function termsOfInvoice(
  invoice: Invoice,
  us: { readonly nodeId: NodeId; readonly network: NetworkName },
  options: PayInvoiceOptions,
): PaymentTerms {
  if (invoice.network !== us.network) {
    throw new ApiError(
      "wrong-network",
      `the invoice is for ${invoice.network}, this node is on ${us.network}`,
    );
  }
  if (invoice.payee === us.nodeId) {
    throw new ApiError("own-invoice", "the invoice is this node's own: there is nothing to pay");
  }
  const unknown = invoice.features.unknownRequiredBits();
  if (unknown.length > 0) {
    const text = `the invoice requires features this node does not know: bits ${unknown.join(", ")}`;
    throw new ApiError("invalid-invoice", text);
  }
  const amount = amountOf(invoice, options.amount);
  const { metadata } = invoice;
  return {
    paymentHash: invoice.paymentHash,
    payee: invoice.payee,
    amount,
    paymentSecret: invoice.paymentSecret,
    ...(metadata && { paymentMetadata: metadata }),
    finalCltvExpiryDelta: invoice.minFinalCltvExpiryDelta,
    routeHints: invoice.routeHints.map((hint) =>
      hint.map(({ feeBase, ...hop }) => ({ ...hop, feeBaseMsat: Number(feeBase) })),
    ),
    maxFee: options.maxFee ?? defaultMaxFee(amount),
    expiresAt: invoiceExpiresAt(invoice),
  };
}

/** A payment that nobody asked for: the preimage travels in the onion (bLIP 3). */
export function keysendTerms(
  to: { readonly payee: NodeId; readonly amount: Msat; readonly maxFee: Msat | undefined },
  preimage: Bytes32,
): PaymentTerms {
  return {
    paymentHash: paymentHashOf(crypto().sha256(preimage)),
    payee: to.payee,
    amount: to.amount,
    preimage,
    finalCltvExpiryDelta: minFinalCltvExpiryDelta,
    routeHints: [],
    maxFee: to.maxFee ?? defaultMaxFee(to.amount),
  };
}

function amountOf(invoice: Invoice, chosen: Msat | undefined): Msat {
  if (invoice.amount === undefined) {
    if (chosen !== undefined && chosen > 0n) return chosen;
    throw new ApiError("invalid-amount", "the invoice names no amount: give one");
  }
  if (chosen === undefined) return invoice.amount;
  if (chosen >= invoice.amount && chosen <= invoice.amount * 2n) return chosen;
  const text = `the invoice asks for ${invoice.amount} msat: pay that, or up to twice as much, not ${chosen} msat`;
  throw new ApiError("invalid-amount", text);
}
