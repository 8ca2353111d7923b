import type { NetworkName } from "@fulmen/bitcoin/network";
import type { EntropySource } from "../chain/entropySource.ts";
import type { NodeSigner } from "../chain/nodeSigner.ts";
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
  type InboundPayment,
  type InboundTermsRefusal,
  type InvoiceClaim,
  paymentPreimageOf,
} from "../payment/inboundPayment.ts";
import { phantomCltvExpiryDelta } from "../payment/phantomOnion.ts";
import type { Bytes32 } from "../util/bytes.ts";
import type { NodeId, PaymentHash, ShortChannelId, UnixSeconds } from "../util/ids.ts";
import type { Result } from "../util/result.ts";
import { type Msat, zeroMsat } from "../util/units.ts";
import { ApiError } from "./apiError.ts";
import { minFinalCltvExpiryDelta } from "./claimables.ts";
import type { ManagerCore } from "./managerCore.ts";
import { invoiceFeatures } from "./ourFeatures.ts";
import { chooseRouteHints, type HintChannel, hintChannels, maxRouteHints } from "./routeHints.ts";

/** What a payment to us has to keep to. */
export interface InboundPaymentRequest {
  /** Least sum of all parts; any when absent. Never zero. */
  readonly amount?: Msat;
  /** Default 3,600; two hours more are granted, as the times of blocks may run ahead. */
  readonly expirySeconds?: number;
  /**
   * Blocks that each part's expiry must lie ahead when it arrives, at least 39. Default: 41, what claiming it safely
   * takes. The invoice asks for three more, as blocks may be found while the payment is under way.
   */
  readonly minFinalCltvExpiryDelta?: number;
  /** Of a preimage that only the user knows; default: one that the node derives. */
  readonly paymentHash?: PaymentHash;
  /** Hidden in the invoice, and given back in clear by `payment-claimable`. */
  readonly paymentMetadata?: Uint8Array;
}

/** What an invoice shall say. @ldk lightning::ln::channelmanager::Bolt11InvoiceParameters */
export interface InvoiceRequest extends InboundPaymentRequest {
  /** In words, or the SHA-256 of words that are found elsewhere. */
  readonly description: string | InvoiceDescription;
}

/** A new invoice. */
export interface CreatedInvoice {
  readonly invoice: string;
  readonly paymentHash: PaymentHash;
  readonly paymentSecret: Bytes32;
}

/**
 * How one of several nodes is reached as the phantom. Plain data: it may be sent to another process.
 *
 * @ldk lightning::ln::channelmanager::PhantomRouteHints
 */
export interface PhantomRouteHints {
  readonly channels: readonly HintChannel[];
  /** The channel to the phantom, which does not exist. */
  readonly phantomScid: ShortChannelId;
  readonly realNodeId: NodeId;
}

/** What makes a phantom invoice; no `ChannelManager` is needed. */
export interface PhantomInvoiceMaker {
  /** With a `phantom`, as `PhantomKeysManager` has it. */
  readonly nodeSigner: NodeSigner;
  readonly entropy: EntropySource;
  readonly network: NetworkName;
  readonly now: UnixSeconds;
}

/** Blocks added to what we need, as one may be found while the payment is under way. */
export const cltvSafetyBlocks = 3;

/** A new BOLT 11 invoice of ours. Nothing is stored: the secret proves later that we made it. */
export function createInvoice(core: ManagerCore, request: InvoiceRequest): CreatedInvoice {
  const { environment } = core;
  const { nodeSigner } = environment;
  const hints = chooseRouteHints(hintChannels(core), request.amount);
  return signedInvoice(request, makerOf(core), {
    features: environment.config.acceptTrampolineForwards
      ? invoiceFeatures.set("trampoline_routing", "optional")
      : invoiceFeatures,
    routeHints: hints.map((hop) => [hop]),
    sign: (hash) => nodeSigner.signInvoice(hash),
  });
}

/**
 * An invoice of the phantom that the nodes are that gave the hints: whichever of them is up takes the payment. Not in
 * several parts, which might come to several nodes.
 *
 * @ldk lightning::ln::invoice_utils::create_phantom_invoice
 */
export function createPhantomInvoice(
  request: InvoiceRequest & { readonly routeHints: readonly PhantomRouteHints[] },
  maker: PhantomInvoiceMaker,
): CreatedInvoice {
  const { phantom } = maker.nodeSigner;
  if (phantom === undefined) throw new ApiError("api-misuse", "the signer has no key of a phantom node");
  if (request.routeHints.length === 0) {
    throw new ApiError("api-misuse", "a phantom is found by hints only: give those of at least one node");
  }
  return signedInvoice(request, maker, {
    features: invoiceFeatures.set("basic_mpp", undefined),
    routeHints: phantomHints(request.routeHints, request.amount),
    sign: (hash) => phantom.signInvoice(hash),
  });
}

/** The hash and secret of a payment that some other text than our invoice asks for. */
export function createPayment(core: ManagerCore, request: InboundPaymentRequest): InboundPayment {
  return inboundPayment(request, makerOf(core));
}

/** The preimage of a payment whose hash the node made, and its metadata in clear. */
export function preimageOfPayment(
  core: ManagerCore,
  claim: InvoiceClaim,
): { readonly preimage: Bytes32; readonly paymentMetadata?: Uint8Array } {
  const keys = expandInboundPaymentKey(core.environment.nodeSigner.inboundPaymentKey());
  const found = paymentPreimageOf(keys, claim);
  if (found.ok) return found.value;
  const text =
    found.error.kind === "unknown-payment"
      ? "the hash, the secret and the metadata are not those of a payment that this node asked for"
      : "the hash was given by the user, who has the preimage";
  throw new ApiError("api-misuse", text);
}

/** For other nodes' phantom invoices. A new name each time: give each invoice its own. */
export function phantomRouteHints(core: ManagerCore, phantomScid: ShortChannelId): PhantomRouteHints {
  return {
    channels: hintChannels(core).filter(({ isUsable }) => isUsable),
    phantomScid,
    realNodeId: core.environment.nodeSigner.nodeId,
  };
}

function makerOf({ environment, now }: ManagerCore): PhantomInvoiceMaker {
  const { nodeSigner, entropy, network } = environment;
  return { nodeSigner, entropy, network: network.name, now };
}

function inboundPayment(request: InboundPaymentRequest, maker: PhantomInvoiceMaker): InboundPayment {
  const { amount, expirySeconds = 3600, paymentHash, paymentMetadata } = request;
  const { minFinalCltvExpiryDelta: delta } = request;
  if (amount !== undefined && amount <= 0n) {
    throw new ApiError("invalid-amount", "an amount of nothing: leave it out, and the payer chooses");
  }
  if (delta !== undefined && !(delta + cltvSafetyBlocks >= minFinalCltvExpiryDelta)) {
    const least = minFinalCltvExpiryDelta - cltvSafetyBlocks;
    throw new ApiError("api-misuse", `minFinalCltvExpiryDelta is ${delta}: it must be at least ${least}`);
  }
  const keys = expandInboundPaymentKey(maker.nodeSigner.inboundPaymentKey());
  const terms = {
    expirySeconds,
    now: maker.now,
    random: maker.entropy.randomBytes(16),
    ...(amount !== undefined && { minAmount: amount }),
    ...(delta !== undefined && { minFinalCltvExpiryDelta: delta }),
    ...(paymentMetadata && { paymentMetadata }),
  };
  return accepted(
    paymentHash === undefined
      ? createInboundPayment(keys, terms)
      : createInboundPaymentForHash(keys, { ...terms, paymentHash }),
  );
}

function signedInvoice(
  request: InvoiceRequest,
  maker: PhantomInvoiceMaker,
  by: Pick<InvoiceFields, "features" | "routeHints"> & { readonly sign: NodeSigner["signInvoice"] },
): CreatedInvoice {
  const { amount, description, expirySeconds = 3600, minFinalCltvExpiryDelta: delta } = request;
  const said = typeof description === "string" ? ({ kind: "text", text: description } as const) : description;
  // Half of a surrogate pair has no UTF-8.
  if (said.kind === "text" && /\p{Cs}/u.test(said.text))
    throw new ApiError("invalid-invoice", "no invoice can hold this: its description has half a character");
  const { paymentHash, paymentSecret, paymentMetadata } = inboundPayment(request, maker);
  const fields: InvoiceFields = {
    network: maker.network,
    ...(amount !== undefined && { amount }),
    timestamp: maker.now,
    paymentHash,
    paymentSecret,
    description: said,
    expirySeconds,
    minFinalCltvExpiryDelta: (delta ?? minFinalCltvExpiryDelta) + cltvSafetyBlocks,
    fallbackAddresses: [],
    routeHints: by.routeHints,
    features: by.features,
    ...(paymentMetadata && { metadata: paymentMetadata }),
    otherFields: [],
  };
  const encoded = encodeInvoice(fields, by.sign);
  if (!encoded.ok) {
    const what = encoded.error.kind === "field-too-long" ? `its field ${encoded.error.field} is` : "it is";
    throw new ApiError("invalid-invoice", `no invoice can hold this: ${what} too long`);
  }
  return { invoice: encoded.value, paymentHash, paymentSecret };
}

/**
 * One hint of each node in turn, so that as many nodes as fit are named. A node that payers find by themselves needs
 * but the channel to the phantom.
 *
 * @ldk select_phantom_hints
 */
function phantomHints(
  nodes: readonly PhantomRouteHints[],
  amount: Msat | undefined,
): readonly (readonly RouteHintHop[])[] {
  const ofNodes = nodes.map(({ channels, phantomScid, realNodeId }) => {
    const last: RouteHintHop = {
      nodeId: realNodeId,
      shortChannelId: phantomScid,
      feeBase: zeroMsat,
      feeProportionalMillionths: 0,
      cltvExpiryDelta: phantomCltvExpiryDelta,
    };
    const ways = chooseRouteHints(channels, amount);
    return ways.length === 0 ? [[last]] : ways.map((hop) => [hop, last]);
  });
  const inTurn: (readonly RouteHintHop[])[] = [];
  for (let turn = 0; turn < maxRouteHints; turn++) {
    for (const hints of ofNodes) {
      const hint = hints[turn];
      if (hint !== undefined) inTurn.push(hint);
    }
  }
  return inTurn.slice(0, maxRouteHints);
}

function accepted<T>(result: Result<T, InboundTermsRefusal>): T {
  if (result.ok) return result.value;
  const { error } = result;
  switch (error.kind) {
    case "amount-out-of-range":
      throw new ApiError("invalid-amount", `${error.amount} msat is more money than there is`);
    case "expiry-out-of-range":
      throw new ApiError("api-misuse", `an expiry of ${error.expirySeconds} seconds`);
    case "cltv-delta-out-of-range":
      throw new ApiError("api-misuse", `minFinalCltvExpiryDelta is ${error.delta}: at most 65535`);
  }
}
