import type { NetworkGraph, PartialAnnouncement, UnsignedChannelUpdate } from "@fulmen/lightning/gossip";
import { msat, type NodeId, sat, type UnixSeconds } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import type { DumpedChannel, GraphDump } from "./graphDump.ts";

/** The ways into a graph for what nobody has signed. */
export type UnsignedGraph = Pick<NetworkGraph, "addChannelFromPartialAnnouncement" | "updateChannelUnsigned">;

/** What a graph took of a dump. */
export interface LoadedCounts {
  readonly channels: number;
  readonly updates: number;
  /** Channels and updates that the graph refused. */
  readonly refused: number;
}

/**
 * Tells the graph of all channels of the dump, and of their terms as if they had been announced at `now`. An
 * `htlc_maximum_msat` above the capacity is lowered to it: the graph would refuse what mainnet's nodes had taken in.
 */
export function loadInto(graph: UnsignedGraph, dump: GraphDump, now: UnixSeconds): LoadedCounts {
  const counts = { channels: 0, updates: 0, refused: 0 };
  for (const channel of dump.channels) {
    if (graph.addChannelFromPartialAnnouncement(announcementOf(dump, channel), now).ok) counts.channels++;
    else counts.refused++;
    for (const fromNodeOne of [true, false]) {
      const update = updateOf(channel, fromNodeOne, now);
      if (update === undefined) continue;
      if (graph.updateChannelUnsigned(update, now).ok) counts.updates++;
      else counts.refused++;
    }
  }
  return counts;
}

/** The id of the node at `index`; throws when there is none. */
export function nodeIdAt({ nodes }: GraphDump, index: number): NodeId {
  const node = nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node.nodeId;
}

function announcementOf(dump: GraphDump, channel: DumpedChannel): PartialAnnouncement {
  return {
    shortChannelId: channel.shortChannelId,
    capacity: sat(channel.capacity),
    features: Features.none,
    nodeOne: nodeIdAt(dump, channel.nodeOne),
    nodeTwo: nodeIdAt(dump, channel.nodeTwo),
  };
}

function updateOf(
  { shortChannelId, capacity, oneToTwo, twoToOne }: DumpedChannel,
  fromNodeOne: boolean,
  now: UnixSeconds,
): UnsignedChannelUpdate | undefined {
  const policy = fromNodeOne ? oneToTwo : twoToOne;
  if (policy === undefined) return undefined;
  return {
    shortChannelId,
    fromNodeOne,
    enabled: true,
    lastUpdate: now,
    cltvExpiryDelta: policy.cltvExpiryDelta,
    htlcMinimum: msat(policy.htlcMinimum),
    htlcMaximum: msat(Math.min(policy.htlcMaximum, capacity * 1000)),
    feeBaseMsat: policy.feeBase,
    feeProportionalMillionths: policy.feeProportionalMillionths,
  };
}
