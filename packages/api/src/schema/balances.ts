import { z } from "@hono/zod-openapi";
import { ChannelId, Height, Msat, PaymentHash, Sat } from "./values.ts";

/** Money that is ours and not at hand. */
export const PendingBalance = z
  .strictObject({
    reason: z
      .enum([
        "unconfirmed",
        "immature",
        "channel-opening",
        "cooperative-close",
        "our-force-close",
        "their-force-close",
        "htlc-timeout",
        "htlc-claim",
        "penalty",
        "sweep",
      ])
      .openapi({ description: "Why it is not at hand." }),
    amountMsat: Msat,
    channelId: ChannelId.optional(),
    paymentHash: PaymentHash.optional(),
    height: Height.optional().openapi({
      description: "When it is at hand, or can be taken; absent when not known.",
    }),
    explanation: z.string(),
  })
  .openapi("PendingBalance");

const ExplainedSat = z.strictObject({ amountSat: Sat, explanation: z.string() }).openapi("ExplainedSat");
const ExplainedMsat = z.strictObject({ amountMsat: Msat, explanation: z.string() }).openapi("ExplainedMsat");

/** All that the node has. Every millisatoshi is counted once. */
export const Balances = z
  .strictObject({
    onchain: z.strictObject({
      totalSat: Sat,
      spendable: ExplainedSat,
      reserved: ExplainedSat.openapi({
        description: "Kept so that channels can be closed whatever fees are.",
      }),
      locked: ExplainedSat.openapi({
        description: "Held by transactions that are being made, or pay for a close.",
      }),
      pending: z.array(PendingBalance),
    }),
    lightning: z.strictObject({
      totalMsat: Msat.openapi({ description: "Our side of all open channels, payments under way included." }),
      spendable: ExplainedMsat,
      receivable: ExplainedMsat,
      sending: ExplainedMsat.openapi({ description: "Part of the total: ours until others have it." }),
      receiving: ExplainedMsat.openapi({ description: "Not part of the total." }),
      reserve: ExplainedMsat.openapi({
        description: "Part of the total; not to be spent while channels are open.",
      }),
    }),
    closing: z.array(PendingBalance).openapi({ description: "What closed channels still owe us." }),
    totalMsat: Msat.openapi({ description: "What the node would have if all ended as it stands." }),
  })
  .openapi("Balances");
