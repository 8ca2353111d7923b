import { confirmations } from "../channel/ops/confirmations.ts";
import { type FundedChannel, fundedChannel } from "../channel/state.ts";
import {
  encodeInvoice,
  type InvoiceDescription,
  type InvoiceFields,
  type RouteHintHop,
} from "../invoice/index.ts";
import {
  createInboundPayment,
  createInboundPaymentForHash,
  expandInboundPaymentKey,
  type InboundTermsRefusal,
} from "../payment/inboundPayment.ts";
import type { PaymentHash } from "../util/ids.ts";
import type { Result } from "../util/result.ts";
import type { Msat } from "../util/units.ts";
import { isAnnounced } from "./announcer.ts";
import { ApiError } from "./apiError.ts";
import { channelDetails } from "./channelDetails.ts";
import { minFinalCltvExpiryDelta } from "./claimables.ts";
import type { ManagerCore } from "./managerCore.ts";
import { invoiceFeatures } from "./ourFeatures.ts";

/** What an invoice shall say. @ldk lightning::ln::channelmanager::Bolt11InvoiceParameters */
export interface InvoiceRequest {
  /** Left to the payer when absent. */
  readonly amount?: Msat;
  readonly description: string;
  /** Default 3,600. */
  readonly expirySeconds?: number;
  /** Of a preimage that only the user knows; default: one that the node derives. */
  readonly paymentHash?: PaymentHash;
}

/** Blocks added to what we need, as one may be found while the payment is under way. */
const cltvSafetyBlocks = 3;
/** Hints for private channels at most. */
const maxRouteHints = 3;
/** An announced channel needs hints up to that many confirmations. */
const confirmationsUntilKnown = 7;

/** A new BOLT 11 invoice of ours, and its payment hash. Nothing is stored: the secret proves later that we made it. */
export function createInvoice(
  core: ManagerCore,
  request: InvoiceRequest,
): { readonly invoice: string; readonly paymentHash: PaymentHash } {
  const { environment, now } = core;
  const { amount, expirySeconds = 3600, paymentHash: given } = request;
  const keys = expandInboundPaymentKey(environment.nodeSigner.inboundPaymentKey());
  const random = environment.entropy.randomBytes(16);
  const terms = { expirySeconds, now, random, ...(amount !== undefined && { minAmount: amount }) };
  const payment = given
    ? accepted(createInboundPaymentForHash(keys, { ...terms, paymentHash: given }))
    : accepted(createInboundPayment(keys, terms));
  const description: InvoiceDescription = { kind: "text", text: request.description };
  const fields: InvoiceFields = {
    network: environment.network.name,
    ...(amount !== undefined && { amount }),
    timestamp: now,
    paymentHash: payment.paymentHash,
    paymentSecret: payment.paymentSecret,
    description,
    expirySeconds,
    minFinalCltvExpiryDelta: minFinalCltvExpiryDelta + cltvSafetyBlocks,
    fallbackAddresses: [],
    routeHints: routeHints(core, amount),
    features: invoiceFeatures,
    otherFields: [],
  };
  const encoded = encodeInvoice(fields, (hash) => environment.nodeSigner.signInvoice(hash));
  if (!encoded.ok) throw new ApiError("invalid-invoice", "the description is too long for an invoice");
  return { invoice: encoded.value, paymentHash: payment.paymentHash };
}

/** The ways over our unannounced channels, those first that can take the amount and have most room. */
function routeHints(core: ManagerCore, amount: Msat | undefined): readonly (readonly RouteHintHop[])[] {
  const hints: { readonly room: bigint; readonly hop: RouteHintHop }[] = [];
  for (const [, { state }] of core.channels.all()) {
    const details = channelDetails(core.channels.context, state);
    const channel = fundedChannel(state);
    if (details === undefined || channel === undefined || !details.isUsable) continue;
    // Everybody finds an announced channel by himself; then no hint is needed at all.
    if (isWellKnown(core, channel)) return [];
    const name = details.inboundAlias ?? details.shortChannelId;
    const terms = core.counterpartyTerms.of(details.channelId);
    if (name === undefined || terms === undefined) continue;
    if (amount !== undefined && details.remoteBalance < amount) continue;
    hints.push({
      room: details.remoteBalance,
      hop: { nodeId: details.counterparty, shortChannelId: name, ...terms },
    });
  }
  hints.sort((a, b) => (a.room < b.room ? 1 : a.room > b.room ? -1 : 0));
  return hints.slice(0, maxRouteHints).map(({ hop }) => [hop]);
}

/** Whether payers may be expected to know the channel: LDK allows for two blocks after the announcement. */
function isWellKnown({ channels }: ManagerCore, channel: FundedChannel): boolean {
  return isAnnounced(channel) && confirmations(channels.context, channel) > confirmationsUntilKnown;
}

function accepted<T>(result: Result<T, InboundTermsRefusal>): T {
  if (result.ok) return result.value;
  throw new ApiError("invalid-amount", `no invoice can hold these terms: ${result.error.kind}`);
}
