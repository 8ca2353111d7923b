import { z } from "@hono/zod-openapi";
import { NodeId, queryInteger, Sat, ShortChannelId } from "./values.ts";

/** How much of the network is wanted. */
export const GraphRequest = z
  .strictObject({
    limit: queryInteger(1, 1000)
      .optional()
      .openapi({ type: "integer", description: "Nodes: 1 to 1000, 200 unless told." }),
  })
  .openapi("GraphRequest");

/** The part of the known network that is near the node. */
export const Graph = z
  .strictObject({
    nodes: z
      .array(
        z.strictObject({
          nodeId: NodeId,
          alias: z.string().optional().openapi({ description: "What the node calls itself." }),
          distance: z.int().openapi({ description: "Channels between ours and it." }),
        }),
      )
      .openapi({ description: "The nearest first, and ours before all." }),
    channels: z
      .array(
        z.strictObject({
          shortChannelId: ShortChannelId,
          nodes: z.tuple([NodeId, NodeId]),
          capacitySat: Sat.optional(),
        }),
      )
      .openapi({ description: "Announced channels between them, up to five for each node." }),
  })
  .openapi("Graph");
