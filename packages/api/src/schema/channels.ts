import { z } from "@hono/zod-openapi";
import {
  ChannelId,
  FeeratePerKw,
  Height,
  Msat,
  NodeId,
  OutPoint,
  PaymentHash,
  Sat,
  ShortChannelId,
} from "./values.ts";

/** A payment that a channel is carrying. */
export const ChannelHtlc = z
  .strictObject({
    direction: z.enum(["incoming", "outgoing"]),
    amountMsat: Msat,
    paymentHash: PaymentHash,
    expiryHeight: Height.openapi({ description: "From which its sender can take it back." }),
    explanation: z
      .string()
      .openapi({ description: "What it waits for, and what happens if that does not come." }),
  })
  .openapi("ChannelHtlc");

/** One line of the story of a close. */
export const CloseStep = z
  .strictObject({
    subject: z.enum(["closing", "balance", "htlc", "penalty"]).openapi({ description: "What is at stake." }),
    amountSat: Sat.optional(),
    state: z.string(),
    height: Height.optional().openapi({ description: "At which this step ends, when that is known." }),
    blocksLeft: z.int().optional(),
    text: z.string(),
  })
  .openapi("CloseStep");

/** A channel as its owner sees it. */
export const Channel = z
  .strictObject({
    channelId: ChannelId,
    peer: NodeId,
    phase: z.enum(["opening", "open", "closing", "closed"]),
    state: z.string().openapi({ description: "The state of the protocol.", example: "normal" }),
    isUsable: z.boolean(),
    isConnected: z.boolean(),
    isOutbound: z.boolean().openapi({ description: "Whether we opened it." }),
    isAnnounced: z.boolean(),
    capacitySat: Sat,
    localMsat: Msat,
    remoteMsat: Msat,
    spendableMsat: Msat.openapi({ description: "The largest single HTLC that we may send now." }),
    receivableMsat: Msat.openapi({ description: "What the peer could send us now at the most." }),
    htlcs: z.array(ChannelHtlc),
    format: z.string().openapi({ example: "anchors-zero-fee-htlc" }),
    funding: OutPoint,
    shortChannelId: ShortChannelId.optional(),
    confirmations: z
      .strictObject({ have: z.int(), need: z.int() })
      .optional()
      .openapi({ description: "Of the funding, while the channel opens." }),
    closing: z
      .array(CloseStep)
      .openapi({ description: "Why and how it is closing; empty while it is open." }),
    explanation: z.string().openapi({ description: "One sentence about the state." }),
  })
  .openapi("Channel");

/** All channels. */
export const Channels = z.strictObject({ channels: z.array(Channel) }).openapi("Channels");

/** What a new channel is to be like. */
export const OpenChannelRequest = z
  .strictObject({
    peer: z.string().min(1).max(200).openapi({
      description:
        "nodeId@host:port; or the id alone of a peer that is connected, or whose address is known.",
    }),
    amountSat: Sat,
    pushMsat: Msat.optional().openapi({ description: "A present to the peer; none unless told." }),
    announce: z
      .boolean()
      .optional()
      .openapi({ description: "Tell the network, so that others may pay through it." }),
    feeratePerKw: FeeratePerKw.optional(),
  })
  .openapi("OpenChannelRequest");

/** A channel whose funding transaction is signed by both sides. */
export const OpenedChannel = z
  .strictObject({ channelId: ChannelId, funding: OutPoint })
  .openapi("OpenedChannel");

/** Names a channel. */
export const ChannelRequest = z.strictObject({ channelId: ChannelId }).openapi("ChannelRequest");

/** How a channel is to be closed in agreement. */
export const CloseChannelRequest = z
  .strictObject({
    channelId: ChannelId,
    address: z
      .string()
      .max(120)
      .optional()
      .openapi({ description: "Where our share goes: the wallet, unless told." }),
    feeratePerKw: FeeratePerKw.optional(),
  })
  .openapi("CloseChannelRequest");

/** Changes of what a channel asks for forwarding. What is absent stays. */
export const UpdateChannelRequest = z
  .strictObject({
    channelId: ChannelId,
    feeBaseMsat: Msat.optional(),
    feeProportionalMillionths: z.int().min(0).max(1_000_000).optional(),
    cltvExpiryDelta: z.int().min(1).max(2016).optional(),
  })
  .openapi("UpdateChannelRequest");

/** Says that something was done, or begun where that takes long. */
export const Done = z.strictObject({ done: z.literal(true) }).openapi("Done");
