import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { msat, present, sat, type UnixSeconds } from "@fulmen/lightning/util";
import { Features, type SocketAddress } from "@fulmen/lightning/wire";
import type { DumpedChannel, DumpedPolicy, GraphDump } from "@fulmen/testkit/routing";

/** Terms of sides that say nothing in the dump: they are disabled, or unknown. */
const disabledTerms: DumpedPolicy = {
  htlcMinimum: 1000,
  htlcMaximum: Number.MAX_SAFE_INTEGER,
  feeBase: 1000,
  feeProportionalMillionths: 1,
  cltvExpiryDelta: 40,
};

/** The graph of a dump, with terms from both sides of every channel, and what nodes say of themselves invented. */
export function rapidGossipGraph(dump: GraphDump, now: UnixSeconds): NetworkGraph {
  const graph = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
  for (const { shortChannelId, nodeOne, nodeTwo, capacity, ...channel } of dump.channels) {
    const ends = { nodeOne: nodeAt(dump, nodeOne), nodeTwo: nodeAt(dump, nodeTwo) };
    graph.addChannelFromPartialAnnouncement(
      { shortChannelId, ...ends, capacity: sat(capacity), features: Features.none },
      now,
    );
    for (const fromNodeOne of [true, false]) {
      setTerms(graph, { shortChannelId, nodeOne, nodeTwo, capacity, ...channel }, { fromNodeOne, now });
    }
  }
  for (const [index, { nodeId }] of dump.nodes.entries()) {
    const about = { nodeId, timestamp: now, features: featuresOf(index), addresses: addressesOf(index) };
    graph.updateNodeUnsigned(about, now);
  }
  return graph;
}

/** Changes the fee of every `step`th direction. */
export function changeFees(graph: NetworkGraph, dump: GraphDump, step: number, now: UnixSeconds): void {
  for (let at = 0; at < 2 * dump.channels.length; at += step) {
    const channel = present(dump.channels[at >> 1], "a channel of the dump");
    setTerms(graph, channel, { fromNodeOne: (at & 1) === 0, now, addedFee: 1 });
  }
}

function setTerms(
  graph: NetworkGraph,
  channel: DumpedChannel,
  about: { readonly fromNodeOne: boolean; readonly now: UnixSeconds; readonly addedFee?: number },
): void {
  const { fromNodeOne, now, addedFee = 0 } = about;
  const policy = fromNodeOne ? channel.oneToTwo : channel.twoToOne;
  const terms = policy ?? disabledTerms;
  graph.updateChannelUnsigned(
    {
      shortChannelId: channel.shortChannelId,
      fromNodeOne,
      enabled: policy !== undefined,
      lastUpdate: now,
      cltvExpiryDelta: terms.cltvExpiryDelta,
      htlcMinimum: msat(terms.htlcMinimum),
      htlcMaximum: msat(Math.min(terms.htlcMaximum, channel.capacity * 1000)),
      feeBaseMsat: terms.feeBase,
      feeProportionalMillionths: terms.feeProportionalMillionths + addedFee,
    },
    now,
  );
}

function nodeAt({ nodes }: GraphDump, index: number): GraphDump["nodes"][number]["nodeId"] {
  return present(nodes[index], "a node of the dump").nodeId;
}

/** Most nodes run one of a few programs. */
function featuresOf(index: number): Features {
  return Features.ofBits(index % 50 === 0 ? [1, 7, 15, 17 + (index % 100)] : [1, 7, 9, 15 + 2 * (index % 5)]);
}

function addressesOf(index: number): readonly SocketAddress[] {
  const host = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  const ipv4 = { type: "ipv4", host, port: 9735 } as const;
  const onion = {
    type: "tor-v3",
    host: `${"abcdefghijklmnop".repeat(4).slice(0, 56)}.onion`,
    port: 9735,
  } as const;
  return [[ipv4], [onion], [ipv4, onion]][index % 3] ?? [];
}
