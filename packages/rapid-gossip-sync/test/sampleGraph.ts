import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { msat, type NodeId, type ShortChannelId, sat, type UnixSeconds } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";

export const start = 1_800_004_834 as UnixSeconds;
const { genesisHash: chainHash } = networks.mainnet;

export function emptyGraph(): NetworkGraph {
  return new NetworkGraph({ chainHash });
}

/** A graph of so many channels in a row, all with the same terms, as it was heard of at `time`. */
export function sampleGraph(channels: number, time: UnixSeconds = start): NetworkGraph {
  const graph = emptyGraph();
  for (let i = 0; i < channels; i++) addChannel(graph, i, time);
  return graph;
}

/** Channel `number`, between the nodes `number` and `number + 1`. */
export function addChannel(graph: NetworkGraph, number: number, time: UnixSeconds): void {
  const shortChannelId = channelNumber(number);
  const channel = { shortChannelId, nodeOne: nodeNumber(number), nodeTwo: nodeNumber(number + 1) };
  graph.addChannelFromPartialAnnouncement(
    { ...channel, features: Features.none, capacity: sat(10_000_000) },
    time,
  );
  for (const fromNodeOne of [true, false]) setFee(graph, number, { fromNodeOne, feeBaseMsat: 1000, time });
}

/** New terms for one direction of a channel. */
export function setFee(
  graph: NetworkGraph,
  number: number,
  about: { readonly fromNodeOne: boolean; readonly feeBaseMsat: number; readonly time: UnixSeconds },
): void {
  const { fromNodeOne, feeBaseMsat, time } = about;
  const result = graph.updateChannelUnsigned(
    {
      shortChannelId: channelNumber(number),
      fromNodeOne,
      enabled: true,
      lastUpdate: time,
      cltvExpiryDelta: 40,
      htlcMinimum: msat(1000),
      htlcMaximum: msat(9_900_000_000),
      feeBaseMsat,
      feeProportionalMillionths: 1,
    },
    time,
  );
  if (!result.ok) throw new Error(result.error.text);
}

export function channelNumber(number: number): ShortChannelId {
  return (BigInt(700_000 + number) << 40n) as ShortChannelId;
}

function nodeNumber(number: number): NodeId {
  return `02${number.toString(16).padStart(64, "0")}` as NodeId;
}

/** What a graph says of fees, by channel: node one's, node two's. */
export function feesIn(graph: NetworkGraph): readonly unknown[] {
  return [...graph.channels()].map(({ shortChannelId, oneToTwo, twoToOne }) => [
    shortChannelId,
    oneToTwo?.feeBaseMsat,
    twoToOne?.feeBaseMsat,
  ]);
}
