import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import type { NodeId, UnixSeconds } from "@fulmen/lightning/util";
import { type GraphDump, generateGraph, loadInto, nodeIdAt } from "@fulmen/testkit/routing";
import { surroundings } from "#src/surroundings/index";

function graphOf(dump: GraphDump): NetworkGraph {
  const graph = new NetworkGraph({ chainHash: networks.regtest.genesisHash, hashSeed: 1 });
  loadInto(graph, dump, 1_700_000_000 as UnixSeconds);
  return graph;
}

describe("the part of the network that is near", () => {
  const dump = generateGraph({ seed: 5, nodes: 800, channels: 3_000 });
  const graph = graphOf(dump);
  const own = nodeIdAt(dump, 700);

  it("is around us, no larger than is asked for, and not all of one hub", () => {
    const { nodes, channels } = surroundings(graph, { own, peers: [] }, 100);
    assert.equal(nodes.length, 100);
    assert.deepEqual(nodes[0], { nodeId: own, distance: 0 });
    const distances = nodes.map(({ distance }) => distance);
    assert.deepEqual(
      distances,
      distances.toSorted((a, b) => a - b),
    );
    const known = new Set<NodeId>(nodes.map(({ nodeId }) => nodeId));
    assert.ok(channels.every(({ nodes: ends }) => ends.every((id) => known.has(id))));
    const joined = new Set(channels.flatMap(({ nodes: ends }) => ends));
    assert.equal(joined.size, 100, "nobody floats");
    assert.ok(channels.length <= 500);
    const ends = channels.flatMap(({ nodes: both }) => both);
    const largest = Math.max(...[...known].map((id) => ends.filter((end) => end === id).length));
    assert.ok(largest < 70, `one node has ${largest} of ${channels.length} channels`);
    assert.equal(
      surroundings(graph, { own, peers: [] }, 1_000).nodes.length,
      800,
      "a small network is given whole",
    );
    assert.deepEqual(surroundings(graph, { own, peers: [] }, 100).nodes, nodes);
  });

  it("is seen through peers where no channel of ours is announced", () => {
    const peer = nodeIdAt(dump, 3);
    const hidden = `02${"ee".repeat(32)}` as NodeId;
    const { nodes } = surroundings(graph, { own: hidden, peers: [peer, peer] }, 10);
    assert.deepEqual(
      nodes.slice(0, 2).map(({ nodeId, distance }) => [nodeId, distance]),
      [
        [hidden, 0],
        [peer, 1],
      ],
    );
    assert.equal(nodes.length, 10);
    assert.deepEqual(surroundings(graph, { own: hidden, peers: [] }, 10).nodes.length, 1);
  });
});
