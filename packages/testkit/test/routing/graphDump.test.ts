import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import type { NodeId, ShortChannelId, UnixSeconds } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import { type GraphDump, generateGraph, loadInto, parseGraphDump } from "@fulmen/testkit/routing";

const now = 1_727_000_000 as UnixSeconds;
const lesser = `02${"11".repeat(32)}`;
const greater = `03${"22".repeat(32)}`;

function dumpText(...channels: readonly unknown[]): string {
  const nodes = [
    [lesser, "a"],
    [greater, "__proto__"],
  ];
  return JSON.stringify({ meta: {}, nodes, channels });
}

/** A graph that takes everything in, but for the channel that it calls closed. */
function graphOf({ without }: { readonly without?: ShortChannelId } = {}): NetworkGraph {
  const graph = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
  if (without !== undefined) {
    const [nodeOne, nodeTwo] = [lesser, greater] as NodeId[] as [NodeId, NodeId];
    const channel = { shortChannelId: without, features: Features.none, nodeOne, nodeTwo };
    assert.ok(graph.addChannelFromPartialAnnouncement(channel, now).ok);
    graph.channelClosed(without, now);
  }
  return graph;
}

describe("a dump of a graph", () => {
  it("gives channels in the order of their short channel ids, with the terms of each direction", () => {
    const dump = parseGraphDump(
      dumpText([0, 1, 1000, [1, 990_000, 2, 3, 40], null], [0, 1, 2000, null, [5, 6, 7, 8, 9]]),
    );
    const [first, second] = dump.channels;
    assert.deepEqual(first?.oneToTwo, {
      htlcMinimum: 1,
      htlcMaximum: 990_000,
      feeBase: 2,
      feeProportionalMillionths: 3,
      cltvExpiryDelta: 40,
    });
    assert.equal(first?.twoToOne, undefined);
    assert.equal(second?.oneToTwo, undefined);
    assert.equal(second?.twoToOne?.feeProportionalMillionths, 8);
    assert.ok((first?.shortChannelId ?? 0n) < (second?.shortChannelId ?? 0n));
    assert.equal(dump.nodes[1]?.alias, "__proto__");
  });

  it("names the entry that is not as it should be", () => {
    assert.throws(() => parseGraphDump("{}"), /not a dump/);
    assert.throws(() => parseGraphDump(dumpText([1, 0, 5, null, null])), /channel 0 joins nodes 1 and 0/);
    assert.throws(() => parseGraphDump(dumpText([0, 2, 5, null, null])), /channel 0 joins/);
    assert.throws(() => parseGraphDump(dumpText([0, 1, 5, null, null], [0, 1, -5, null, null])), /channel 1/);
    assert.throws(() => parseGraphDump(dumpText([0, 1, 5, [1, 2, 3, 4], null])), /channel 0/);
    assert.throws(() => parseGraphDump(JSON.stringify({ nodes: [["02", "a"]], channels: [] })), /node 0/);
  });

  it("is told to a graph channel by channel, with maxima that the channels can hold", () => {
    const terms = [1, 3_000_000, 1000, 500, 144];
    const dump = parseGraphDump(dumpText([0, 1, 1000, terms, null], [0, 1, 2000, terms, terms]));
    const graph = graphOf();
    assert.deepEqual(loadInto(graph, dump, now), { channels: 2, updates: 3, refused: 0 });
    const [small, large] = dump.channels.map(({ shortChannelId }) => graph.channel(shortChannelId));
    assert.deepEqual([small?.capacity, small?.nodeOne, small?.nodeTwo], [1000n, lesser, greater]);
    assert.deepEqual(
      { ...small?.oneToTwo },
      {
        enabled: true,
        lastUpdate: now,
        cltvExpiryDelta: 144,
        htlcMinimum: 1n,
        htlcMaximum: 1_000_000n,
        feeBaseMsat: 1000,
        feeProportionalMillionths: 500,
      },
    );
    assert.equal(small?.twoToOne, undefined);
    assert.equal(large?.twoToOne?.htlcMaximum, 2_000_000n);
  });

  it("counts what a graph refused", () => {
    const terms = [1, 1000, 0, 0, 40];
    const dump = parseGraphDump(dumpText([0, 1, 1000, terms, null], [0, 1, 2000, null, null]));
    const without = dump.channels[0]?.shortChannelId;
    assert.deepEqual(loadInto(graphOf(without === undefined ? {} : { without }), dump, now), {
      channels: 1,
      updates: 0,
      refused: 2,
    });
  });
});

describe("a generated graph", () => {
  const options = { seed: 7, nodes: 300, channels: 900 };

  it("is the same for the same seed only", () => {
    const dump = generateGraph(options);
    assert.deepEqual(generateGraph(options), dump);
    assert.notDeepEqual(generateGraph({ ...options, seed: 8 }).channels, dump.channels);
  });

  it("joins all nodes, a few of them to very many, and orders the nodes of each channel", () => {
    const { nodes, channels } = generateGraph(options);
    assert.equal(nodes.length, 300);
    assert.equal(channels.length, 900);
    assert.equal(reachedFrom({ nodes, channels }, 0), 300);
    for (const { nodeOne, nodeTwo } of channels) {
      assert.ok((nodes[nodeOne]?.nodeId ?? "") < (nodes[nodeTwo]?.nodeId ?? ""));
    }
    const degrees = nodes.map(
      (_, node) => channels.filter((one) => one.nodeOne === node || one.nodeTwo === node).length,
    );
    degrees.sort((a, b) => a - b);
    assert.ok((degrees[150] ?? 0) <= 4, `half have up to ${degrees[150]}`);
    assert.ok((degrees[299] ?? 0) >= 50, `one has ${degrees[299]}`);
  });
});

function reachedFrom({ nodes, channels }: GraphDump, start: number): number {
  const neighbours = nodes.map((): number[] => []);
  for (const { nodeOne, nodeTwo } of channels) {
    neighbours[nodeOne]?.push(nodeTwo);
    neighbours[nodeTwo]?.push(nodeOne);
  }
  const reached = new Set([start]);
  for (const node of reached) for (const next of neighbours[node] ?? []) reached.add(next);
  return reached.size;
}
