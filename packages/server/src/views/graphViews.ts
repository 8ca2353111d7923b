import type { OutputOf } from "@fulmen/api";
import { formatShortChannelId } from "@fulmen/lightning/util";
import type { GraphView } from "@fulmen/node";

/** A part of the network as JSON. */
export function graphView({ nodes, channels }: GraphView): OutputOf<"graph"> {
  return {
    nodes: nodes.map((node) => ({ ...node })),
    channels: channels.map(({ shortChannelId, nodes: [one, two], capacity }) => ({
      shortChannelId: formatShortChannelId(shortChannelId),
      nodes: [one, two],
      ...(capacity !== undefined && { capacitySat: capacity.toString() }),
    })),
  };
}
