import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { DecodeError, Reader, RecordTooNewError, Writer } from "@fulmen/lightning/codec";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import { concatBytes, fromHex, type NodeId, shortChannelId, toHex } from "@fulmen/lightning/util";
import { Features } from "@fulmen/lightning/wire";
import fc from "fast-check";
import { type GraphSections, graphRecord } from "#src/gossip/graph/graphRecord";
import { chainHash, now } from "../signedGossip.ts";
import { fullGraph } from "./fullGraph.ts";

const golden = fromHex(
  readFileSync(new URL("../../../../../fixtures/gossip/graph-v1.hex", import.meta.url), "utf8").replaceAll(
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

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...parts);
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/** `length` bytes for the channel or the terms at `place`. */
function entry(place: number, length: number): Uint8Array {
  return new Writer().u32(place).u16(length).bytes(filled(length, 1)).finish();
}

describe("the graph as bytes", () => {
  test("keeps nothing of the bytes that it was read from", () => {
    const bytes = golden.slice();
    const graph = read(bytes);
    bytes.fill(0xff);
    assert.deepEqual(graph.write(), golden);
  });

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

  const forgeries: Readonly<Record<string, (sections: GraphSections) => Partial<GraphSections>>> = {
    "a node without channels": ({ nodes }) => ({ nodes: joined(nodes, changed(filled(33, 0xff), 0, 3)) }),
    "a node twice": ({ nodes }) => ({ nodes: joined(nodes.subarray(0, 33), nodes.subarray(0, 66)) }),
    "a key that is none": ({ nodes }) => ({ nodes: changed(nodes, 0, 4) }),
    "half a node": ({ nodes }) => ({ nodes: nodes.subarray(0, 50) }),
    "channels out of order": ({ channels }) => ({ channels: changed(channels, 0, 0xff) }),
    "a channel twice": ({ channels }) => ({ channels: joined(channels.subarray(0, 29), channels) }),
    "a channel of nodes out of order": ({ channels }) => ({ channels: changed(channels, 11, 2) }),
    "a channel of a node that is not there": ({ channels }) => ({ channels: changed(channels, 15, 3) }),
    "a capacity beyond 2^53": ({ channels }) => ({ channels: changed(channels, 16, 0x80) }),
    "bits of a channel that mean nothing": ({ channels }) => ({ channels: changed(channels, 28, 0x1f) }),
    "an announcement too few": ({ announcements }) => ({ announcements: announcements.subarray(322) }),
    "an announcement too many": ({ announcements }) => ({
      announcements: joined(announcements, filled(322, 1)),
    }),
    "terms too few": ({ terms }) => ({ terms: terms.subarray(31) }),
    "terms too many": ({ terms }) => ({ terms: joined(terms, terms.subarray(0, 31)) }),
    "an amount beyond 2^53": ({ terms }) => ({ terms: changed(terms, 0, 0x80) }),
    "bits of terms that mean nothing": ({ terms }) => ({ terms: changed(terms, 30, 7) }),
    "an update too many": ({ updates }) => ({ updates: joined(updates, filled(66, 1)) }),
    "an update too few": ({ updates }) => ({ updates: updates.subarray(66) }),
    "features of a channel that is not there": () => ({ channelFeatures: entry(3, 1) }),
    "features of a channel twice": () => ({ channelFeatures: joined(entry(1, 1), entry(1, 1)) }),
    "features out of order": () => ({ channelFeatures: joined(entry(1, 1), entry(0, 1)) }),
    "features that are none": () => ({ channelFeatures: entry(1, 0) }),
    "features without end": () => ({ channelFeatures: entry(1, 2049) }),
    "fields of an announcement that is not there": () => ({ announcementFields: entry(1, 1) }),
    "fields of an update that is not there": () => ({ updateFields: entry(1, 1) }),
    "a node's words under another's name": ({ nodeDetails }) => ({ nodeDetails: changed(nodeDetails, 3, 1) }),
    "a node's words twice": ({ nodeDetails }) => ({ nodeDetails: joined(nodeDetails, nodeDetails) }),
    "a node's words cut": ({ nodeDetails }) => ({ nodeDetails: nodeDetails.subarray(0, 90) }),
    "a channel closed twice": ({ closedChannels: closed }) => ({ closedChannels: joined(closed, closed) }),
    "a channel spent twice": ({ closedChannels: closed }) => ({ spentChannels: joined(closed, closed) }),
    "a node failed twice": ({ failedNodes: failed }) => ({ failedNodes: joined(failed, failed) }),
  };
  for (const [what, forge] of Object.entries(forgeries)) {
    test(`with ${what} are refused`, () => {
      const sections = graphRecord.read(new Reader(golden));
      const writer = new Writer();
      graphRecord.write(writer, { ...sections, ...forge(sections) });
      assert.throws(() => read(writer.finish()), DecodeError);
    });
  }

  test("with lengths that are not there are refused before anything is allocated", () => {
    const chain = [0, 32, new Uint8Array(32)] as const;
    for (const length of [1, 0xffff, 0xffff_ffff, Number.MAX_SAFE_INTEGER]) {
      assert.equal(attempt(record(chain, [2, length, new Uint8Array(0)])), undefined);
    }
  });
});
