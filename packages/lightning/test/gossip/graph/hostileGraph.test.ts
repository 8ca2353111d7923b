import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { edgeAmount, edgeFlag, edgeWord, type GraphMessage, NetworkGraph } from "@fulmen/lightning/gossip";
import { msat, type NodeId, type ShortChannelId, type Signature } from "@fulmen/lightning/util";
import type { ChannelUpdate, NodeAnnouncement } from "@fulmen/lightning/wire";
import { chainHash, now } from "../signedGossip.ts";
import { unsignedChannel } from "./naiveGraph.ts";

const day = 24 * 3600;
const largest = 2n ** 64n - 1n;
const alice = `02${"11".repeat(32)}` as NodeId;
const bob = `03${"22".repeat(32)}` as NodeId;
const channel = unsignedChannel(5n as ShortChannelId, [alice, bob]);

/** Takes a message in as if all its signatures were valid; gives what became of it. */
function take(graph: NetworkGraph, message: GraphMessage): string {
  const prepared = graph.prepare(message, { now });
  if (!prepared.ok) return prepared.error.kind;
  const verdicts = prepared.value.checks.map(() => true);
  const applied = graph.apply(prepared.value, verdicts, { now });
  return applied.ok ? applied.value : applied.error.kind;
}

function terms(changes: Partial<ChannelUpdate> = {}): ChannelUpdate {
  return {
    type: "channel_update",
    signature: new Uint8Array(64) as Signature,
    chainHash,
    shortChannelId: channel.shortChannelId,
    timestamp: now,
    messageFlags: 1,
    channelFlags: 0,
    cltvExpiryDelta: 0xffff,
    htlcMinimumMsat: msat(1),
    feeBaseMsat: msat(0xffff_ffff),
    feeProportionalMillionths: 0xffff_ffff,
    htlcMaximumMsat: msat(1_000_000),
    unknownFields: new Uint8Array(0),
    ...changes,
  };
}

function said(nodeId: NodeId, changes: Partial<NodeAnnouncement> = {}): NodeAnnouncement {
  return {
    type: "node_announcement",
    signature: new Uint8Array(64) as Signature,
    features: new Uint8Array(0),
    timestamp: now,
    nodeId,
    rgbColor: new Uint8Array(3),
    alias: new Uint8Array(32),
    addresses: new Uint8Array(0),
    unknownFields: new Uint8Array(0),
    ...changes,
  };
}

function graphWithChannel(): NetworkGraph {
  const graph = new NetworkGraph({ chainHash });
  assert.equal(take(graph, channel), "added");
  return graph;
}

describe("a graph under attack", () => {
  test("a flood of channels stops at the limit, and leaves nodes and memory where they were", () => {
    const graph = new NetworkGraph({ chainHash, maxChannels: 50 });
    const kinds = new Set<string>();
    for (let i = 0; i < 500; i++) {
      const two = `03${i.toString(16).padStart(64, "0")}` as NodeId;
      kinds.add(take(graph, unsignedChannel(BigInt(i) as ShortChannelId, [alice, two])));
    }
    assert.deepEqual([...kinds], ["added", "full"]);
    assert.deepEqual([graph.channelCount, graph.nodeCount], [50, 51]);
    assert.ok(graph.edgeWords.length <= 100 * 2 * edgeWord.count, "room for twice as many at most");
  });

  test("channels that come and go leave no room behind that is not used again", () => {
    const graph = new NetworkGraph({ chainHash });
    const sizes = () => [graph.edgesInto.length, graph.edgeWords.length, graph.nodeLimit, graph.channelLimit];
    let settled: readonly number[] = [];
    for (let round = 0; round < 60; round++) {
      const ids = Array.from({ length: 40 }, (_, i) => BigInt(round * 100 + i) as ShortChannelId);
      for (const [i, id] of ids.entries()) {
        const two = `03${(i % 7).toString(16).padStart(64, "0")}` as NodeId;
        assert.equal(take(graph, unsignedChannel(id, [alice, two])), "added");
      }
      for (const id of ids) graph.channelClosed(id, now);
      if (round === 1) settled = sizes();
    }
    assert.deepEqual(sizes(), settled);
    assert.deepEqual([graph.channelCount, graph.nodeCount], [0, 0]);
  });

  test("updates from the far past and future, and with amounts that cannot be, stay out", () => {
    const graph = graphWithChannel();
    const kinds = [
      terms({ timestamp: 0 }),
      terms({ timestamp: 0xffff_ffff }),
      terms({ timestamp: now + day + 1 }),
      terms({ htlcMaximumMsat: msat(largest) }),
      terms({ htlcMinimumMsat: msat(largest), htlcMaximumMsat: msat(largest) }),
    ].map((message) => take(graph, message));
    const late = "timestamp-out-of-range";
    const large = "htlc-maximum-too-large";
    assert.deepEqual(kinds, [late, late, late, large, large]);
    assert.equal(graph.channel(channel.shortChannelId)?.oneToTwo, undefined);
  });

  for (const [what, limits] of [
    ["inverted limits", { htlcMinimumMsat: msat(10), htlcMaximumMsat: msat(9) }],
    ["a minimum of 2^64 - 1", { htlcMinimumMsat: msat(largest) }],
  ] as const) {
    test(`terms with ${what} replace those before, and no route takes them`, () => {
      const graph = graphWithChannel();
      assert.equal(take(graph, terms()), "updated");
      assert.equal(take(graph, terms({ timestamp: now + 1, ...limits })), "updated");
      const edge = 2 * (graph.channelSlot(channel.shortChannelId) ?? 0);
      const flags = graph.edgeWords[edge * edgeWord.count + edgeWord.flags] ?? 0;
      assert.equal(flags & (edgeFlag.usable | edgeFlag.hasTerms), edgeFlag.hasTerms);
      assert.ok(
        Number.isSafeInteger(graph.edgeAmounts[edge * edgeAmount.count + edgeAmount.htlcMinimum]),
        "a whole number",
      );
    });
  }

  test("zero limits are limits: an edge that carries nothing", () => {
    const graph = graphWithChannel();
    const zero = { htlcMinimumMsat: msat(0), htlcMaximumMsat: msat(0) };
    assert.equal(take(graph, terms(zero)), "updated");
    assert.equal(graph.channel(channel.shortChannelId)?.oneToTwo?.htlcMaximum, 0n);
  });

  test("the largest fees that the wire holds are kept as they are", () => {
    const graph = graphWithChannel();
    assert.equal(take(graph, terms()), "updated");
    const view = graph.channel(channel.shortChannelId)?.oneToTwo;
    assert.equal(view?.feeBaseMsat, 0xffff_ffff);
    assert.equal(view.feeProportionalMillionths, 0xffff_ffff);
    assert.equal(view.cltvExpiryDelta, 0xffff);
  });

  test("a node that describes itself at length, again and again, takes up the room of its last words", () => {
    const graph = graphWithChannel();
    const lengths = [0, 1900, 3, 700, 1890];
    for (let i = 0; i < 200; i++) {
      const unknownFields = new Uint8Array(lengths[i % lengths.length] ?? 0).fill(i);
      assert.equal(take(graph, said(alice, { timestamp: now - 1000 + i, unknownFields })), "updated");
    }
    const long = said(alice, { timestamp: now, unknownFields: new Uint8Array(2048) });
    assert.equal(take(graph, long), "too-long");
    assert.equal(take(graph, said(bob, { addresses: new Uint8Array(3000).fill(0xff) })), "too-long");
    assert.ok(graph.write().length < 5000, "but for what it said last, nothing is kept");
  });

  test("keys of objects are no names for nodes, channels or aliases", () => {
    const graph = graphWithChannel();
    const alias = new Uint8Array(32);
    alias.set(Uint8Array.from("__proto__", (letter) => letter.charCodeAt(0)));
    assert.equal(take(graph, said(alice, { alias })), "updated");
    assert.deepEqual(graph.node(alice)?.announcement?.alias, alias);
    assert.deepEqual(Object.getPrototypeOf({}), Object.prototype);
    assert.equal(graph.channel(largest as ShortChannelId), undefined);
    assert.equal(graph.channelFrom(6n), undefined);
  });
});
