import { z } from "@hono/zod-openapi";
import { PaymentAttempt, PaymentFailure } from "./payments.ts";
import {
  ChannelId,
  Height,
  Msat,
  NodeId,
  OutPoint,
  PaymentHash,
  Sat,
  SignedSat,
  Timestamp,
  Txid,
} from "./values.ts";

/** What every event has. */
const place = {
  index: z.int().openapi({ description: "Counts up, never given twice, the same for every reader." }),
  at: Timestamp,
};
const payment = { paymentId: z.string(), paymentHash: PaymentHash };
const channel = { channelId: ChannelId, peer: NodeId };

/** An event with its place. New kinds may come: ignore what you do not know. */
export const NodeEvent = z
  .discriminatedUnion("kind", [
    z.strictObject({ ...place, kind: z.literal("payment-received"), ...payment, amountMsat: Msat }),
    z.strictObject({
      ...place,
      kind: z.literal("payment-held"),
      ...payment,
      amountMsat: Msat,
      claimDeadline: Height.openapi({ description: "Claim or fail it before this height." }),
    }),
    z.strictObject({
      ...place,
      kind: z.literal("payment-sent"),
      ...payment,
      amountMsat: Msat,
      feeMsat: Msat,
    }),
    z.strictObject({ ...place, kind: z.literal("payment-failed"), ...payment, failure: PaymentFailure }),
    z.strictObject({
      ...place,
      kind: z.literal("payment-attempt"),
      paymentId: z.string(),
      attempt: PaymentAttempt,
    }),
    z.strictObject({
      ...place,
      kind: z.literal("payment-forwarded"),
      from: z.array(ChannelId),
      to: z.array(ChannelId),
      amountMsat: Msat,
      feeMsat: Msat,
    }),
    z.strictObject({
      ...place,
      kind: z.literal("forward-failed"),
      from: z.array(ChannelId),
      paymentHash: PaymentHash,
      reason: PaymentFailure,
    }),
    z.strictObject({ ...place, kind: z.literal("channel-pending"), ...channel, funding: OutPoint }),
    z.strictObject({ ...place, kind: z.literal("channel-ready"), ...channel }),
    z.strictObject({
      ...place,
      kind: z.literal("channel-closed"),
      ...channel,
      reason: PaymentFailure,
      capacitySat: Sat.optional(),
      localMsat: Msat.optional(),
    }),
    z.strictObject({
      ...place,
      kind: z.literal("channel-refused"),
      peer: NodeId,
      fundingSat: Sat,
      reason: z.string(),
    }),
    z.strictObject({ ...place, kind: z.literal("close-settled"), channelId: ChannelId, amountSat: Sat }),
    z.strictObject({
      ...place,
      kind: z.literal("onchain-transaction"),
      txid: Txid,
      changeSat: SignedSat,
      height: Height.optional(),
    }),
  ])
  .openapi("Event");

/** From where events are wanted. */
export const EventsRequest = z
  .strictObject({
    after: z
      .string()
      .regex(/^[0-9]{1,15}$/, "is an event's index")
      .transform(Number)
      .optional()
      .openapi({
        type: "integer",
        description:
          "Index of the last event that was dealt with; only new ones unless told. The header `Last-Event-ID` says the same and counts more.",
      }),
  })
  .openapi("EventsRequest");
