import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { DefaultRouter, ProbabilisticScorer } from "@fulmen/lightning/routing";
import { nodeIdOf, shortChannelId, type UnixSeconds } from "@fulmen/lightning/util";
import {
  type DumpedPolicy,
  type GraphDump,
  loadInto,
  type RouteChooser,
  type SimulatedNetwork,
} from "@fulmen/testkit/routing";

export const now = 1_727_000_000 as UnixSeconds;

export const policy: DumpedPolicy = {
  htlcMinimum: 1,
  htlcMaximum: 1_000_000_000,
  feeBase: 1000,
  feeProportionalMillionths: 100,
  cltvExpiryDelta: 40,
};

/**
 * A network of nodes 0, 1, ... and channels between these pairs, all of 1,000,000 sat and with the same terms in both
 * directions, but for what `changes` says of a channel.
 */
export function dumpOf(
  pairs: readonly (readonly [number, number])[],
  changes: Readonly<Record<number, Partial<GraphDump["channels"][number]>>> = {},
): GraphDump {
  const count = Math.max(...pairs.flat()) + 1;
  const ids = Array.from({ length: count }, (_, index) =>
    nodeIdOf(crypto().publicKey(new Uint8Array(32).fill(index + 1))),
  ).sort();
  return {
    nodes: ids.map((nodeId, index) => ({ nodeId, alias: `${index}` })),
    channels: pairs.map(([nodeOne, nodeTwo], index) => ({
      shortChannelId: shortChannelId({ height: index + 1, txIndex: 1, outputIndex: 0 }),
      nodeOne,
      nodeTwo,
      capacity: 1_000_000,
      oneToTwo: policy,
      twoToOne: policy,
      ...changes[index],
    })),
  };
}

/** Our router and scorer over the dump. */
export function ourChooser(dump: GraphDump): RouteChooser {
  const graph = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
  loadInto(graph, dump, now);
  const scorer = new ProbabilisticScorer({ graph });
  return { router: new DefaultRouter(graph, scorer), scorer };
}

/** Moves the balance of a channel so that node one has `ofOne` msat of it. */
export function setBalance({ balances }: SimulatedNetwork, channel: number, ofOne: number): void {
  const more = ofOne - balances.available(2 * channel);
  const from = more > 0 ? 2 * channel + 1 : 2 * channel;
  if (!balances.hold(from, Math.abs(more))) throw new Error(`channel ${channel} has less than ${ofOne} msat`);
  balances.settle(from, Math.abs(more));
}

/** Learns nothing. */
export const deafScorer: RouteChooser["scorer"] = {
  paymentPathFailed() {},
  paymentPathSuccessful() {},
  probeFailed() {},
  probeSuccessful() {},
  timePassed() {},
};
