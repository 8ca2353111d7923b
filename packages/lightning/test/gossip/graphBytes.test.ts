import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { DecodeError, RecordTooNewError, Writer } from "@fulmen/lightning/codec";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { fromHex, type NodeId, shortChannelId, toHex } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import fc from "fast-check";
import { fullGraph } from "./fullGraph.ts";
import { chainHash, now } from "./signedGossip.ts";

const golden = fromHex(
  readFileSync(new URL("../../../../fixtures/gossip/graph-v1.hex", import.meta.url), "utf8").replaceAll(
    /\s/g,
    "",
  ),
);

function read(bytes: Uint8Array): NetworkGraph {
  return NetworkGraph.read(bytes, { chainHash });
}

/** What `read` makes of bytes that may be anything: a graph, or nothing. */
function attempt(bytes: Uint8Array): NetworkGraph | undefined {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** A graph with the version in front of these sections, whatever is in them. */
function record(...sections: readonly (readonly [type: number, length: number, bytes: Uint8Array])[]) {
  const writer = new Writer().u8(1).u8(1);
  for (const [type, length, bytes] of sections) writer.bigSize(type).bigSize(length).bytes(bytes);
  return writer.finish();
}

describe("the graph as bytes", () => {
  test("are what they were in version 1", () => {
    assert.equal(toHex(fullGraph().write()), toHex(golden));
  });

  test("hold all that was in the graph", () => {
    const [before, after] = [fullGraph(), read(golden)];
    const channels = (graph: NetworkGraph) =>
      [...graph.channels()]
        .map(({ nodeOneCounter, nodeTwoCounter, ...channel }) => channel)
        .toSorted((a, b) => (a.shortChannelId < b.shortChannelId ? -1 : 1));
    const nodes = (graph: NetworkGraph) =>
      [...graph.nodes()]
        .map(({ nodeId, announcement, channels: { length } }) => ({ nodeId, announcement, length }))
        .toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    assert.equal(after.channelCount, 3);
    assert.deepEqual(channels(after), channels(before));
    assert.deepEqual(nodes(after), nodes(before));
    assert.equal(after.lastRapidGossipSync, now - 86_400);
    assert.deepEqual(after.write(), golden);
  });

  test("remember what was removed", () => {
    const graph = read(golden);
    const [nodeOne] = [...graph.nodes()].map(({ nodeId }) => nodeId).toSorted();
    const add = (txIndex: number, nodeTwo: string) => {
      const id = shortChannelId({ height: 1, txIndex, outputIndex: 1 });
      const result = graph.addChannelFromPartialAnnouncement(
        {
          shortChannelId: id,
          nodeOne: nodeOne as NodeId,
          nodeTwo: nodeTwo as NodeId,
          features: Features.none,
        },
        now,
      );
      return result.ok ? result.value : result.error.kind;
    };
    assert.equal(add(1, `03${"fe".repeat(32)}`), "channel-closed");
    assert.equal(add(2, `03${"ff".repeat(32)}`), "node-failed");
    assert.equal(add(2, `03${"fe".repeat(32)}`), "added");
  });

  test("an empty graph, too", () => {
    const bytes = new NetworkGraph({ chainHash }).write();
    assert.equal(read(bytes).channelCount, 0);
    assert.deepEqual(read(bytes).write(), bytes);
  });

  test("of another chain are refused", () => {
    const options = { chainHash: networks.mainnet.genesisHash };
    assert.throws(() => NetworkGraph.read(golden, options), { name: "DecodeError", field: "chainHash" });
  });

  test("of a version that asks for a newer reader are refused as such", () => {
    const newer = golden.slice();
    newer.set([3, 2]);
    assert.throws(() => read(newer), RecordTooNewError);
  });

  test("cut anywhere are refused", () => {
    for (let length = 0; length < golden.length; length++) {
      assert.equal(attempt(golden.subarray(0, length)), undefined);
    }
  });

  test("changed anywhere are refused, or are those of another graph", () => {
    let accepted = 0;
    const change = fc.tuple(fc.integer({ min: 2, max: golden.length - 1 }), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = golden.slice();
        for (const [at, by] of changes) bytes[at] = (bytes[at] ?? 0) ^ by;
        const graph = attempt(bytes);
        if (graph === undefined) return;
        accepted++;
        assert.deepEqual(graph.write(), bytes);
        assert.equal([...graph.channels()].length, graph.channelCount);
        const degrees = [...graph.nodes()].map(({ channels }) => channels.length);
        assert.equal(degrees.length, graph.nodeCount);
        assert.equal(
          degrees.reduce((sum, degree) => sum + degree, 0),
          2 * graph.channelCount,
        );
      }),
      { seed: 61, numRuns: 600 },
    );
    assert.ok(accepted > 100 && accepted < 500, `${accepted} accepted`);
  });

  test("with lengths that are not there are refused before anything is allocated", () => {
    const chain = [0, 32, new Uint8Array(32)] as const;
    for (const length of [1, 0xffff, 0xffff_ffff, Number.MAX_SAFE_INTEGER]) {
      assert.equal(attempt(record(chain, [2, length, new Uint8Array(0)])), undefined);
    }
  });
});
