import { z } from "@hono/zod-openapi";
import { Msat, NodeId, ShortChannelId } from "./values.ts";

/** Whom a way is looked for, and for how much. Nothing is sent. */
export const ExplainRouteRequest = z
  .strictObject({
    to: z.string().min(1).max(10_000).openapi({ description: "What `pay` takes." }),
    amountMsat: Msat.optional().openapi({ description: "Where `to` names none." }),
    maxFeeMsat: Msat.optional(),
  })
  .openapi("ExplainRouteRequest");

/** What a way to the payee would be, and why. */
export const RouteExplanation = z
  .strictObject({
    found: z.boolean(),
    amountMsat: Msat,
    feeMsat: Msat.optional(),
    paths: z.array(
      z.strictObject({
        amountMsat: Msat,
        feeMsat: Msat,
        hops: z.array(
          z.strictObject({
            nodeId: NodeId,
            shortChannelId: ShortChannelId,
            feeMsat: Msat,
            expiryDelta: z.int(),
          }),
        ),
      }),
    ),
    text: z.string().openapi({ description: "The choice in words, or why there is none." }),
  })
  .openapi("RouteExplanation");
