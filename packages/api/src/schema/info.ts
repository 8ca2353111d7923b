import { z } from "@hono/zod-openapi";
import { Height, NetworkName, NodeId, Timestamp } from "./values.ts";

/** Something that the user should know of. */
export const Warning = z
  .strictObject({ code: z.string(), text: z.string(), remedy: z.string() })
  .openapi("Warning");

/** How the node follows the chain. */
export const ChainStatus = z
  .strictObject({
    source: z.string().openapi({
      description: "What and where it is, without credentials.",
      example: "bitcoind at 127.0.0.1:8332",
    }),
    height: Height.openapi({ description: "Of the last block that the node has dealt with." }),
    blockHash: z.string(),
    blockTime: Timestamp.optional().openapi({
      description: "When the block says it was made; absent until a block came since the start.",
    }),
    tip: Height.openapi({ description: "The height that the node is on its way to." }),
    isSynced: z.boolean(),
    lastAnswer: Timestamp.optional().openapi({ description: "When the source last answered." }),
    problem: z.string().optional().openapi({ description: "Why the source does not answer now." }),
    further: z
      .array(z.strictObject({ source: z.string(), problem: z.string().optional() }))
      .optional()
      .openapi({
        description: "Those that are asked for feerates and given broadcasts beside it, and take its place.",
      }),
  })
  .openapi("ChainStatus");

/** Who the node is and how it is. */
export const Info = z
  .strictObject({
    version: z.string().openapi({ description: "Of this software." }),
    now: Timestamp.openapi({ description: "By the node's clock." }),
    phase: z.enum(["stopped", "starting", "running", "frozen", "failed"]).openapi({
      description: "frozen: the store fails, the chain is still watched; failed: it has to be started anew.",
    }),
    nodeId: NodeId,
    network: NetworkName,
    alias: z.string(),
    chain: ChainStatus,
    listening: z.string().optional().openapi({ description: "Where peers can connect: `host:port`." }),
    uri: z.string().optional().openapi({ description: "nodeId@host:port, for those who open a channel." }),
    peers: z.int(),
    channels: z.strictObject({ open: z.int(), usable: z.int(), closing: z.int() }),
    graph: z.strictObject({ nodes: z.int(), channels: z.int() }),
    startedAt: Timestamp.optional(),
    failure: z.string().optional().openapi({ description: "Why it is frozen, or has failed." }),
    warnings: z.array(Warning),
    lastEventIndex: z.int().openapi({ description: "Of the newest event; 0 before the first." }),
    backupMadeAt: Timestamp.optional().openapi({
      description:
        "When the newest backup of the channels was made: at the start, or when one came or went last.",
    }),
    backupAtPeers: z.strictObject({ peers: z.int(), channels: z.int(), of: z.int() }).optional().openapi({
      description:
        "How many connected peers keep a copy of the backup, and how many of the channels are in one of these. Absent where peers are not asked to.",
    }),
    lastBackupAt: Timestamp.optional().openapi({
      description:
        "When all places had the newest backup; absent while one has not, and where there is none.",
    }),
  })
  .openapi("Info");

/** The process answers. */
export const Health = z.strictObject({ status: z.literal("alive") }).openapi("Health");

/** Whether the node can do its work, and what keeps it from that. */
export const Readiness = z
  .strictObject({
    ready: z.boolean(),
    reasons: z.array(z.string()).openapi({ description: "Why it is not ready; empty when it is." }),
  })
  .openapi("Readiness");
