import type { DecodedMessage, LightningMessage } from "../wire/index.ts";

const gossipTypes = [
  "channel_announcement",
  "node_announcement",
  "channel_update",
  "query_short_channel_ids",
  "reply_short_channel_ids_end",
  "query_channel_range",
  "reply_channel_range",
  "gossip_timestamp_filter",
] as const;
const typeSet: ReadonlySet<string> = new Set(gossipTypes);

/** The messages of BOLT 7 that make up the network's graph, and those that ask for them. */
export type GossipMessage = Extract<LightningMessage, { type: (typeof gossipTypes)[number] }>;

/** Whether `type` names a message of the network's gossip. */
export function isGossipType(type: string): type is GossipMessage["type"] {
  return typeSet.has(type);
}

export function isGossipMessage(message: DecodedMessage): message is GossipMessage {
  return isGossipType(message.type);
}
