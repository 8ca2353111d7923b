import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type GossipRefusal,
  type GraphMessage,
  NetworkGraph,
  type PreparedGossip,
  type UtxoLookup,
} from "@fulmen/lightning/gossip";
import { msat, present, type Result, sat, toHex } from "@fulmen/lightning/util";
import { encodeMessage, Features } from "@fulmen/lightning/wire";
import { verifyPrepared } from "#src/gossip/preparedGossip";
import {
  announcement,
  chainHash,
  fundingScriptOf,
  nodeAnnouncement,
  now,
  spoilt,
  testNodes,
  update,
} from "../signedGossip.ts";

const nodes = testNodes(3);
const alice = present(nodes[0], "alice");
const bob = present(nodes[1], "bob");
const carol = present(nodes[2], "carol");
const channelAB = announcement(alice, bob, 100);
const pending: UtxoLookup = { getUtxo: () => ({ kind: "pending" }) };

function graphWith(...messages: readonly GraphMessage[]): NetworkGraph {
  const graph = new NetworkGraph({ chainHash });
  for (const message of messages) assert.equal(apply(graph, prepare(graph, message)), outcomeOf(message));
  return graph;
}

function outcomeOf({ type }: GraphMessage): string {
  return type === "channel_announcement" ? "added" : "updated";
}

function prepare(graph: NetworkGraph, message: GraphMessage, lookup?: UtxoLookup): PreparedGossip {
  const prepared = graph.prepare(message, { now }, lookup);
  assert.ok(prepared.ok);
  return prepared.value;
}

function apply(graph: NetworkGraph, prepared: PreparedGossip, lookup?: UtxoLookup): string {
  return kindOf(graph.apply(prepared, verifyPrepared(prepared), { now }, lookup));
}

function kindOf(result: Result<unknown, GossipRefusal>): string {
  return result.ok ? String(result.value) : result.error.kind;
}

describe("a prepared message", () => {
  test("names what was signed, by whom, and is not yet in the graph", () => {
    const graph = new NetworkGraph({ chainHash });
    const { signed, checks } = prepare(graph, channelAB);
    assert.deepEqual(signed, encodeMessage(channelAB).subarray(2 + 4 * 64));
    assert.deepEqual(
      checks.map(({ key }) => toHex(key)),
      [alice.id, bob.id, toHex(channelAB.bitcoinKey1), toHex(channelAB.bitcoinKey2)],
    );
    assert.equal(graph.channelCount, 0);
  });

  test("enters only if every signature of an announcement is valid, and each is answered for", () => {
    const graph = new NetworkGraph({ chainHash });
    const prepared = prepare(graph, channelAB);
    for (const verdicts of [[], [true, true, true], [false, true, true, true], [true, true, true, false]]) {
      assert.equal(kindOf(graph.apply(prepared, verdicts, { now })), "bad-signature");
    }
    assert.equal(kindOf(graph.apply(prepared, [true, true, true, true], { now })), "added");
  });

  test("is refused at once for all but its signatures", () => {
    const graph = graphWith(channelAB);
    const tooLarge = { ...update(carol, channelAB), htlcMaximumMsat: msat(2n ** 64n - 1n) };
    assert.equal(kindOf(graph.prepare(tooLarge, { now })), "htlc-maximum-too-large");
    assert.equal(kindOf(graph.prepare(channelAB, { now })), "duplicate");
    assert.equal(kindOf(graph.prepare(nodeAnnouncement(carol), { now })), "unknown-node");
  });

  test("twice at a time enters once", () => {
    const graph = new NetworkGraph({ chainHash });
    const twice = [prepare(graph, channelAB), prepare(graph, channelAB)];
    assert.deepEqual(
      twice.map((prepared) => apply(graph, prepared)),
      ["added", "duplicate"],
    );
    const newer = update(alice, channelAB, { timestamp: now + 1 });
    const updates = [prepare(graph, update(alice, channelAB)), prepare(graph, newer)];
    assert.deepEqual(
      updates.toReversed().map((prepared) => apply(graph, prepared)),
      ["updated", "stale"],
    );
    const described = [prepare(graph, nodeAnnouncement(alice)), prepare(graph, nodeAnnouncement(alice))];
    assert.deepEqual(
      described.map((prepared) => apply(graph, prepared)),
      ["updated", "duplicate"],
    );
  });

  test("of a channel that closed meanwhile stays out", () => {
    const graph = graphWith(channelAB);
    const late = prepare(graph, update(alice, channelAB));
    const node = prepare(graph, nodeAnnouncement(alice));
    graph.channelClosed(channelAB.shortChannelId, now);
    assert.equal(apply(graph, late), "unknown-channel");
    assert.equal(apply(graph, node), "unknown-node");
    const fresh = new NetworkGraph({ chainHash });
    const announced = prepare(fresh, channelAB);
    apply(fresh, announced);
    fresh.channelClosed(channelAB.shortChannelId, now);
    assert.equal(apply(fresh, announced), "channel-closed");
  });

  test("of a channel that other nodes have now is not taken for theirs", () => {
    const told = { shortChannelId: channelAB.shortChannelId, features: Features.none };
    const graph = new NetworkGraph({ chainHash });
    graph.addChannelFromPartialAnnouncement({ ...told, nodeOne: alice.id, nodeTwo: bob.id }, now);
    const prepared = prepare(graph, update(alice, channelAB));
    const other = announcement(bob, carol, 100);
    const chain: UtxoLookup = {
      getUtxo: () => ({ kind: "found", value: sat(10_000_000), script: fundingScriptOf(other) }),
    };
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(other, { now }, chain)), "added");
    assert.equal(apply(graph, prepared), "unknown-channel");
    assert.equal(graph.channel(channelAB.shortChannelId)?.oneToTwo, undefined);
  });

  test("waits with the lookup that began meanwhile, and enters after one that ended", () => {
    const graph = new NetworkGraph({ chainHash });
    const id = channelAB.shortChannelId;
    assert.equal(apply(graph, prepare(graph, channelAB, pending), pending), "pending");
    const held = prepare(graph, update(alice, channelAB));
    const late = prepare(graph, update(bob, channelAB, { channelFlags: 1 }));
    assert.equal(apply(graph, held), "pending");
    graph.utxoResolved(
      id,
      { kind: "found", value: sat(10_000_000), script: fundingScriptOf(channelAB) },
      now,
    );
    assert.ok(graph.channel(id)?.oneToTwo);
    assert.equal(apply(graph, late), "updated");
  });

  test("for a channel of which several tales are told has a check for each", () => {
    const graph = new NetworkGraph({ chainHash });
    for (const tale of [channelAB, announcement(bob, carol, 100)]) {
      assert.equal(apply(graph, prepare(graph, tale, pending), pending), "pending");
    }
    const prepared = prepare(graph, update(bob, channelAB));
    assert.deepEqual(
      prepared.checks.map(({ key }) => toHex(key)),
      [alice.id, bob.id],
    );
    assert.deepEqual(verifyPrepared(prepared), [false, true]);
    assert.equal(apply(graph, prepared), "pending");
  });

  test("with a bad signature: refused with that reason", () => {
    const graph = graphWith(channelAB);
    const message = update(alice, channelAB);
    const bad = { ...message, signature: spoilt(message.signature) };
    assert.equal(apply(graph, prepare(graph, bad)), "bad-signature");
  });
});
