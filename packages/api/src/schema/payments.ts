import { z } from "@hono/zod-openapi";
import {
  FeeratePerKw,
  Msat,
  NodeId,
  PageLimit,
  PageStart,
  PaymentHash,
  PaymentName,
  Preimage,
  Sat,
  ShortChannelId,
  Timestamp,
  Txid,
} from "./values.ts";

const direction = z.enum(["sent", "received"]);
const status = z.enum(["pending", "held", "succeeded", "failed", "expired"]).openapi({
  description: "held: of a hold invoice, here, and waiting to be claimed or failed.",
});

/** Why a payment failed, as a tag for programs and a sentence for people. */
export const PaymentFailure = z
  .strictObject({ code: z.string(), text: z.string() })
  .openapi("PaymentFailure");

/** One way on which a part of a payment was tried. */
export const PaymentAttempt = z
  .strictObject({
    at: Timestamp,
    path: z.array(z.strictObject({ nodeId: NodeId, shortChannelId: ShortChannelId })),
    amountMsat: Msat.optional(),
    succeeded: z.boolean(),
    failure: z.string().optional().openapi({ description: "BOLT 4's name of what went wrong." }),
    failedChannel: z.string().optional(),
  })
  .openapi("PaymentAttempt");

/** A payment, in either direction, as it is stored. */
export const Payment = z
  .strictObject({
    id: PaymentName,
    sequence: z.int().openapi({ description: "Counts up as payments begin." }),
    kind: z.enum(["bolt11", "spontaneous", "onchain"]),
    direction,
    status,
    amountMsat: Msat.optional().openapi({
      description: "What the payee gets; absent from an invoice that names no amount until it is paid.",
    }),
    feeMsat: Msat.optional().openapi({ description: "What sending it cost beyond the amount." }),
    createdAt: Timestamp,
    settledAt: Timestamp.optional(),
    expiresAt: Timestamp.optional(),
    description: z.string().optional(),
    paymentHash: PaymentHash.optional(),
    preimage: Preimage.optional(),
    invoice: z.string().optional(),
    payee: NodeId.optional(),
    txid: Txid.optional(),
    address: z.string().optional(),
    isHeld: z.boolean().optional(),
    failure: PaymentFailure.optional(),
    attempts: z.array(PaymentAttempt).openapi({ description: "The newest first." }),
  })
  .openapi("Payment");

/** Which payments are wanted. */
export const PaymentsRequest = z
  .strictObject({
    limit: PageLimit.optional(),
    after: PageStart.optional(),
    direction: direction.optional(),
    status: status.optional(),
  })
  .openapi("PaymentsRequest");

/** A page of payments, the newest first. */
export const Payments = z
  .strictObject({
    payments: z.array(Payment),
    next: z.int().optional().openapi({ description: "`after` of the next page; absent on the last." }),
  })
  .openapi("Payments");

/** Names one payment. */
export const PaymentRequest = z.strictObject({ id: PaymentName }).openapi("PaymentRequest");

/** What is to be paid. */
export const PayRequest = z
  .strictObject({
    to: z.string().min(1).max(10_000).openapi({ description: "An invoice, an address or a BIP 21 URI." }),
    amountMsat: Msat.optional().openapi({ description: "Where `to` names none." }),
    maxFeeMsat: Msat.optional().openapi({ description: "1 % of the amount and 50 sat unless told." }),
    feeratePerKw: FeeratePerKw.optional().openapi({ description: "Of an on-chain transaction." }),
    prefer: z.enum(["lightning", "onchain"]).optional(),
    returnAtOnce: z.boolean().optional().openapi({
      description: "Answer as soon as the payment is under way, not when it is known how it ended.",
    }),
    timeoutSeconds: z.int().min(1).max(600).optional().openapi({
      description: "Answer with the status `pending` when it takes longer; 60 unless told.",
    }),
  })
  .openapi("PayRequest");

/** A text that asks to be paid. */
export const DecodeRequest = z.strictObject({ text: z.string().min(1).max(10_000) }).openapi("DecodeRequest");

/** One way in which somebody can be paid. */
export const PaymentMethod = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("bolt11"),
      invoice: z.string(),
      amountMsat: Msat.optional(),
      description: z.string().optional(),
      payee: NodeId,
      paymentHash: PaymentHash,
      createdAt: Timestamp,
      expiresAt: Timestamp,
      isExpired: z.boolean(),
    }),
    z.strictObject({ kind: z.literal("onchain"), address: z.string() }),
  ])
  .openapi("PaymentMethod");

/** What a text asks for. */
export const Decoded = z
  .strictObject({
    methods: z.array(PaymentMethod).openapi({ description: "The best first." }),
    amountMsat: Msat.optional().openapi({ description: "What is asked for over Lightning." }),
    onchainAmountSat: Sat.optional(),
    label: z.string().optional(),
    message: z.string().optional(),
  })
  .openapi("Decoded");

/** What an invoice is to ask for. */
export const ReceiveRequest = z
  .strictObject({
    amountMsat: Msat.optional().openapi({ description: "The payer chooses, when absent." }),
    description: z.string().max(639).optional(),
    descriptionHash: PaymentHash.optional().openapi({
      description: "SHA-256 of a description too long for an invoice.",
    }),
    expirySeconds: z.int().min(1).max(31_536_000).optional().openapi({ description: "3600 unless told." }),
    hold: z.boolean().optional().openapi({ description: "The payment waits to be claimed or failed." }),
    paymentHash: PaymentHash.optional().openapi({
      description: "Of a preimage that only you know: a hold invoice.",
    }),
    preimage: Preimage.optional().openapi({
      description: "What the payer gets, in place of a random one. For protocol tests: refused on mainnet.",
    }),
  })
  .openapi("ReceiveRequest");

/** One HTLC to a peer. */
export const RawSendRequest = z
  .strictObject({
    peer: NodeId,
    amountMsat: Msat,
    paymentHash: PaymentHash,
    paymentSecret: Preimage.optional().openapi({
      description: "Without it a peer that keeps to BOLT 4 sends the payment back.",
    }),
    expiryDelta: z.int().min(1).max(2016).optional().openapi({
      description: "Blocks from the tip to the HTLC's expiry; 22 unless told.",
    }),
  })
  .openapi("RawSendRequest");

/** How somebody can pay us. */
export const Received = z
  .strictObject({
    invoice: z.string(),
    paymentHash: PaymentHash,
    uri: z.string().openapi({ description: "BIP 21, for QR codes." }),
    expiresAt: Timestamp,
  })
  .openapi("Invoice");

/** Takes a held payment. */
export const ClaimRequest = z
  .strictObject({
    paymentHash: PaymentHash,
    preimage: Preimage.optional().openapi({ description: "Where the node does not know it." }),
  })
  .openapi("ClaimRequest");

/** Sends a held payment back. */
export const FailRequest = z.strictObject({ paymentHash: PaymentHash }).openapi("FailRequest");
