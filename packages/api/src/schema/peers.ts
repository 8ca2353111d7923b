import { z } from "@hono/zod-openapi";
import { NodeId } from "./values.ts";

/** A node that we are connected to, or keep connecting to. */
export const Peer = z
  .strictObject({
    nodeId: NodeId,
    isConnected: z.boolean(),
    address: z.string().optional().openapi({
      description: "Where it is looked for; of one that is not kept and came to us, where it came from.",
    }),
    isInbound: z.boolean().optional(),
    channels: z.int(),
    isKept: z.boolean().openapi({ description: "Whether the node connects again by itself." }),
  })
  .openapi("Peer");

/** All peers. */
export const Peers = z.strictObject({ peers: z.array(Peer) }).openapi("Peers");

/** Whom to connect to. */
export const ConnectPeerRequest = z
  .strictObject({ address: z.string().min(1).max(200).openapi({ description: "nodeId@host:port" }) })
  .openapi("ConnectPeerRequest");

/** Names a node. */
export const PeerRequest = z.strictObject({ nodeId: NodeId }).openapi("PeerRequest");
