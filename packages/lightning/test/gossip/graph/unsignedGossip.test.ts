import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type GossipRefusal,
  NetworkGraph,
  nodeAliasText,
  type PartialAnnouncement,
  type UnsignedChannelUpdate,
} from "@fulmen/lightning/gossip";
import { msat, present, type Result, sat, type UnixSeconds } from "@fulmen/lightning/util";
import { encodeMessage, Features } from "@fulmen/lightning/wire";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";

const [first, second] = testNodes(2);
const [alice, bob] = [present(first, "alice"), present(second, "bob")];
const carol = present(
  testNodes(3).find(({ id }) => id !== alice.id && id !== bob.id),
  "carol",
);
const signed = announcement(alice, bob, 100);
const { shortChannelId } = signed;
const channel: PartialAnnouncement = {
  shortChannelId,
  capacity: sat(1_000_000),
  features: Features.none,
  nodeOne: alice.id,
  nodeTwo: bob.id,
};
const terms: UnsignedChannelUpdate = {
  shortChannelId,
  fromNodeOne: true,
  enabled: true,
  lastUpdate: now - 100,
  cltvExpiryDelta: 40,
  htlcMinimum: msat(1),
  htlcMaximum: msat(1_000_000_000),
  feeBaseMsat: 1000,
  feeProportionalMillionths: 10,
};

function kindOf(result: Result<unknown, GossipRefusal>): string {
  return result.ok ? String(result.value) : result.error.kind;
}

function loaded(): NetworkGraph {
  const graph = new NetworkGraph({ chainHash });
  assert.equal(kindOf(graph.addChannelFromPartialAnnouncement(channel, now)), "added");
  assert.equal(kindOf(graph.updateChannelUnsigned(terms, now)), "updated");
  return graph;
}

describe("unsigned gossip", () => {
  test("is in the graph, without messages", () => {
    const view = present(loaded().channel(shortChannelId), "the channel");
    assert.equal(view.capacity, 1_000_000n);
    assert.equal(view.fundingVerified, false);
    assert.ok(!("message" in view));
    const { shortChannelId: _, fromNodeOne: __, ...expected } = terms;
    assert.deepEqual(view.oneToTwo, expected);
  });

  test("is refused where its sender errs", () => {
    const graph = loaded();
    const add = (changes: Partial<PartialAnnouncement>) =>
      kindOf(graph.addChannelFromPartialAnnouncement({ ...channel, ...changes }, now));
    const tell = (changes: Partial<UnsignedChannelUpdate>) =>
      kindOf(graph.updateChannelUnsigned({ ...terms, ...changes }, now));
    const other = { shortChannelId: (shortChannelId + 1n) as typeof shortChannelId };
    assert.equal(add({}), "duplicate");
    assert.equal(add({ ...other, nodeOne: bob.id, nodeTwo: alice.id }), "bad-node-order");
    assert.equal(add({ ...other, nodeOne: bob.id, nodeTwo: bob.id }), "bad-node-order");
    assert.equal(add({ ...other, capacity: sat(2_100_000_000_000_001n) }), "wrong-funding");
    assert.equal(add({ ...other, features: Features.ofBits([8 * 2048]) }), "too-long");
    assert.equal(tell({}), "duplicate");
    assert.equal(tell(other), "unknown-channel");
    assert.equal(tell({ lastUpdate: now - 101 }), "stale");
    assert.equal(tell({ lastUpdate: now + 2 * 24 * 3600 }), "timestamp-out-of-range");
    assert.equal(tell({ lastUpdate: now, htlcMaximum: msat(1_000_000_001) }), "htlc-maximum-too-large");
    assert.equal(tell({ lastUpdate: now }), "updated");
    assert.equal(graph.channelCount, 1);
  });

  test("gives way to what the same nodes signed, which is relayed from then on", () => {
    const graph = loaded();
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(signed, { now })), "added");
    const view = graph.channel(shortChannelId);
    assert.deepEqual(view?.message, encodeMessage(signed));
    assert.equal(view.capacity, 1_000_000n);
    assert.equal(view.oneToTwo?.feeBaseMsat, 1000);
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(signed, { now })), "duplicate");
    const newer = update(alice, signed);
    assert.equal(kindOf(graph.updateChannel(newer, { now })), "updated");
    assert.deepEqual(graph.channel(shortChannelId)?.oneToTwo?.message, encodeMessage(newer));
    const later = (now + 1) as UnixSeconds;
    assert.equal(kindOf(graph.updateChannelUnsigned({ ...terms, lastUpdate: later }, later)), "updated");
    assert.equal(graph.channel(shortChannelId)?.oneToTwo?.message, undefined);
  });

  test("does not give way to what other nodes claim", () => {
    const [one, two] = bob.id < carol.id ? [bob, carol] : [carol, bob];
    const claimed = announcement(one, two, 100);
    assert.equal(kindOf(loaded().updateChannelFromAnnouncement(claimed, { now })), "duplicate");
  });

  test("tells of nodes, whatever they call themselves", () => {
    const graph = loaded();
    const alias = new Uint8Array(32);
    alias.set(Uint8Array.from("__proto__", (letter) => letter.charCodeAt(0)));
    const node = {
      nodeId: alice.id,
      timestamp: now,
      features: Features.of({ basic_mpp: "optional" }),
      addresses: [{ type: "ipv4", host: "10.0.0.1", port: 9735 }],
      alias,
    } as const;
    assert.equal(kindOf(graph.updateNodeUnsigned(node, now)), "updated");
    const said = present(graph.node(alice.id)?.announcement, "what alice says");
    assert.equal(nodeAliasText(said.alias), "__proto__");
    assert.deepEqual(said.addresses, node.addresses);
    assert.ok(said.features.has("basic_mpp"));
    assert.ok(!("message" in said));
    assert.equal(kindOf(graph.updateNodeUnsigned(node, now)), "duplicate");
    assert.equal(kindOf(graph.updateNodeUnsigned({ ...node, timestamp: now - 1 }, now)), "stale");
    assert.equal(kindOf(graph.updateNodeUnsigned({ ...node, nodeId: carol.id }, now)), "unknown-node");
    const message = nodeAnnouncement(alice, { timestamp: now + 1, alias });
    assert.equal(kindOf(graph.updateNodeFromAnnouncement(message, { now })), "updated");
    assert.deepEqual(graph.node(alice.id)?.announcement?.message, encodeMessage(message));
  });
});
