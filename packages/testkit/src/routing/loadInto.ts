import type { NodeId, Sat, ShortChannelId, UnixSeconds } from "@fulmen/lightning/util";
import { msat, sat } from "@fulmen/lightning/util";
import { type ChannelUpdate, Features } from "@fulmen/lightning/wire";
import type { DumpedChannel, DumpedPolicy, GraphDump } from "./graphDump.ts";

/** The ways into a graph by which whom it trusts tells it of channels without signatures: `NetworkGraph` has them. */
export interface UnsignedGraph {
  readonly chainHash: ChannelUpdate["chainHash"];
  addChannelFromPartialAnnouncement(
    channel: {
      readonly shortChannelId: ShortChannelId;
      readonly capacity?: Sat;
      readonly features: Features;
      readonly nodeOne: NodeId;
      readonly nodeTwo: NodeId;
    },
    now: UnixSeconds,
  ): { readonly ok: boolean };
  updateChannelUnsigned(
    fields: Omit<ChannelUpdate, "type" | "signature" | "unknownFields">,
    now: UnixSeconds,
  ): { readonly ok: boolean };
}

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
    const added = graph.addChannelFromPartialAnnouncement(
      {
        shortChannelId: channel.shortChannelId,
        capacity: sat(channel.capacity),
        features: Features.none,
        nodeOne: nodeIdAt(dump, channel.nodeOne),
        nodeTwo: nodeIdAt(dump, channel.nodeTwo),
      },
      now,
    );
    if (added.ok) counts.channels++;
    else counts.refused++;
    for (const [direction, policy] of [channel.oneToTwo, channel.twoToOne].entries()) {
      if (policy === undefined) continue;
      const updated = graph.updateChannelUnsigned(updateOf(graph, channel, policy, { direction, now }), now);
      if (updated.ok) counts.updates++;
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

function updateOf(
  { chainHash }: UnsignedGraph,
  { shortChannelId, capacity }: DumpedChannel,
  policy: DumpedPolicy,
  { direction, now }: { readonly direction: number; readonly now: UnixSeconds },
): Omit<ChannelUpdate, "type" | "signature" | "unknownFields"> {
  return {
    chainHash,
    shortChannelId,
    timestamp: now,
    messageFlags: 1,
    channelFlags: direction,
    cltvExpiryDelta: policy.cltvExpiryDelta,
    htlcMinimumMsat: msat(policy.htlcMinimum),
    feeBaseMsat: msat(policy.feeBase),
    feeProportionalMillionths: policy.feeProportionalMillionths,
    htlcMaximumMsat: msat(Math.min(policy.htlcMaximum, capacity * 1000)),
  };
}
