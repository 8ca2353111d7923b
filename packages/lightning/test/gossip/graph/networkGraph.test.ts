import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { p2wsh } from "@fulmen/bitcoin/script";
import { fundingScript } from "@fulmen/lightning/commitment";
import { NetworkGraph, type UtxoAnswer, type UtxoLookup, verdictOn } from "@fulmen/lightning/gossip";
import {
  type BlockHash,
  msat,
  type NodeId,
  type Point,
  present,
  type ShortChannelId,
  sat,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import {
  type ChannelAnnouncement,
  decodeMessage,
  encodeAddresses,
  encodeMessage,
  Features,
} from "@fulmen/lightning/wire";
import {
  announcement,
  chainHash,
  fundingScriptOf,
  nodeAnnouncement,
  now,
  spoilt,
  type TestNode,
  testNodes,
  update,
} from "../signedGossip.ts";

const nodes = testNodes(4);
const alice = present(nodes[0], "alice");
const bob = present(nodes[1], "bob");
const carol = present(nodes[2], "carol");
const channelAB = announcement(alice, bob, 100);
const channelBC = announcement(bob, carol, 200);
const twoToOne = { channelFlags: 1 };
const day = 24 * 3600;

function later(seconds: number): UnixSeconds {
  return (now + seconds) as UnixSeconds;
}

function kindOf(result: ReturnType<NetworkGraph["updateChannel" | "updateChannelFromAnnouncement"]>): string {
  return result.ok ? result.value : result.error.kind;
}

function graphWith(...channels: readonly ChannelAnnouncement[]): NetworkGraph {
  const graph = new NetworkGraph({ chainHash });
  for (const channel of channels) assert.ok(graph.updateChannelFromAnnouncement(channel, { now }).ok);
  return graph;
}

describe("channel_announcement", () => {
  test("adds the channel and its nodes", () => {
    const graph = graphWith(channelAB, channelBC);
    assert.equal(graph.channelCount, 2);
    assert.equal(graph.nodeCount, 3);
    assert.deepEqual(
      graph.node(bob.id)?.channels.map(({ shortChannelId }) => shortChannelId),
      [channelAB.shortChannelId, channelBC.shortChannelId],
    );
    const counters = [...graph.nodes()].map(({ counter }) => counter);
    assert.deepEqual(counters.toSorted(), [0, 1, 2]);
    assert.equal(graph.nodeCounterLimit, 3);
    assert.equal(graph.channel(channelAB.shortChannelId)?.fundingVerified, false);
  });

  for (const field of [
    "nodeSignature1",
    "nodeSignature2",
    "bitcoinSignature1",
    "bitcoinSignature2",
  ] as const) {
    test(`with a bad ${field}: refused with a warning`, () => {
      const graph = graphWith();
      const bad = { ...channelAB, [field]: spoilt(channelAB[field]) };
      const result = graph.updateChannelFromAnnouncement(bad, { now });
      assert.ok(!result.ok);
      assert.equal(result.error.kind, "bad-signature");
      assert.equal(verdictOn(result.error), "warn");
      assert.equal(graph.channelCount, 0);
    });
  }

  test("with a key that is no point: a bad signature, nothing thrown", () => {
    const offCurve = new Uint8Array(33).fill(0xff);
    offCurve[0] = 2;
    const bad = { ...channelAB, bitcoinKey2: offCurve };
    assert.equal(kindOf(graphWith().updateChannelFromAnnouncement(bad, { now })), "bad-signature");
  });

  test("with nodes out of order, or one node twice: refused", () => {
    const graph = graphWith();
    for (const bad of [announcement(bob, alice, 100), announcement(alice, alice, 100)]) {
      assert.equal(kindOf(graph.updateChannelFromAnnouncement(bad, { now })), "bad-node-order");
    }
  });

  test("with one key for both halves of the funding output: refused", () => {
    const bad = announcement(alice, bob, 100, { bitcoinKey2: channelAB.bitcoinKey1 });
    assert.equal(kindOf(graphWith().updateChannelFromAnnouncement(bad, { now })), "same-bitcoin-keys");
  });

  test("of another chain: ignored", () => {
    const other = announcement(alice, bob, 100, { chainHash: networks.mainnet.genesisHash });
    const result = graphWith().updateChannelFromAnnouncement(other, { now });
    assert.ok(!result.ok);
    assert.equal(result.error.kind, "wrong-chain");
    assert.equal(verdictOn(result.error), "ignore");
  });

  test("fields that we do not know are part of what is signed, and are relayed", () => {
    const longer = announcement(alice, bob, 100, { unknownFields: Uint8Array.of(1, 2, 3) });
    const graph = graphWith(longer);
    assert.deepEqual(graph.channel(longer.shortChannelId)?.message, encodeMessage(longer));
    const changed = { ...longer, unknownFields: Uint8Array.of(1, 2, 4) };
    assert.equal(kindOf(graphWith().updateChannelFromAnnouncement(changed, { now })), "bad-signature");
  });

  test("a message read from the wire is stored as the very same bytes", () => {
    const bytes = encodeMessage(announcement(alice, bob, 100, { features: Uint8Array.of(0, 0x20) }));
    const message = decodeMessage(bytes);
    assert.ok(message.type === "channel_announcement");
    assert.deepEqual(graphWith(message).channel(message.shortChannelId)?.message, bytes);
  });

  test("longer than 2,048 bytes: not kept", () => {
    const long = announcement(alice, bob, 100, { unknownFields: new Uint8Array(2000) });
    assert.equal(kindOf(graphWith().updateChannelFromAnnouncement(long, { now })), "too-long");
  });

  test("features with an unknown even bit are marked", () => {
    const features = Features.ofBits([1000]).toBytes();
    const graph = graphWith(announcement(alice, bob, 100, { features }), channelBC);
    assert.equal(graph.channel(channelAB.shortChannelId)?.unknownFeaturesRequired, true);
    assert.equal(graph.channel(channelBC.shortChannelId)?.unknownFeaturesRequired, false);
  });

  test("a second time, or for other nodes: ignored without looking at signatures", () => {
    const graph = graphWith(channelAB);
    const forged = { ...announcement(alice, carol, 100), nodeSignature1: channelAB.nodeSignature1 };
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now })), "duplicate");
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(forged, { now })), "duplicate");
  });

  test("beyond the limit: ignored, but our own channels always fit", () => {
    const graph = new NetworkGraph({ chainHash, maxChannels: 1 });
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now })), "added");
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelBC, { now })), "full");
    assert.ok(graph.addOwnChannel(channelBC, { now }).ok);
    assert.equal(graph.channelCount, 2);
  });
});

/** A chain that knows some outputs, and answers at once or later. */
class Chain implements UtxoLookup {
  readonly asked: ShortChannelId[] = [];
  readonly #outputs = new Map<ShortChannelId, UtxoAnswer>();
  late = false;

  fund(channel: ChannelAnnouncement, value = 1_000_000): this {
    this.#outputs.set(channel.shortChannelId, {
      kind: "found",
      value: sat(value),
      script: fundingScriptOf(channel),
    });
    return this;
  }

  answer(id: ShortChannelId): UtxoAnswer {
    return this.#outputs.get(id) ?? { kind: "not-found" };
  }

  getUtxo(hash: BlockHash, id: ShortChannelId) {
    assert.equal(hash, chainHash);
    this.asked.push(id);
    return this.late ? ({ kind: "pending" } as const) : this.answer(id);
  }
}

function lateChain(): Chain {
  const chain = new Chain();
  chain.late = true;
  return chain;
}

describe("UtxoLookup", () => {
  test("the output of the announced keys: added with its capacity", () => {
    const graph = graphWith();
    const chain = new Chain().fund(channelAB, 5_000);
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now }, chain)), "added");
    const channel = graph.channel(channelAB.shortChannelId);
    assert.equal(channel?.capacity, 5_000n);
    assert.equal(channel.fundingVerified, true);
  });

  test("the expected script is the funding script of BOLT 3", () => {
    const { bitcoinKey1, bitcoinKey2 } = channelAB;
    const witnessScript = fundingScript(bitcoinKey1 as Point, bitcoinKey2 as Point);
    assert.deepEqual(witnessScript.length, 71);
    const graph = graphWith();
    const lookup: UtxoLookup = {
      getUtxo: () => ({ kind: "found", value: sat(1), script: p2wsh(witnessScript) }),
    };
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now }, lookup)), "added");
  });

  test("no output, or one of other keys: ignored", () => {
    const graph = graphWith();
    const chain = new Chain();
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now }, chain)), "wrong-funding");
    const other: UtxoLookup = {
      getUtxo: () => ({ kind: "found", value: sat(1), script: fundingScriptOf(channelBC) }),
    };
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now }, other)), "wrong-funding");
    assert.equal(graph.channelCount, 0);
  });

  test("is not asked about announcements with bad signatures", () => {
    const chain = new Chain().fund(channelAB);
    const bad = { ...channelAB, nodeSignature1: spoilt(channelAB.nodeSignature1) };
    graphWith().updateChannelFromAnnouncement(bad, { now }, chain);
    assert.deepEqual(chain.asked, []);
  });

  test("a later answer adds the channel, and what came meanwhile", () => {
    const graph = graphWith();
    const chain = lateChain().fund(channelAB);
    const source = carol.id;
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now, source }, chain)), "pending");
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now, source }, chain)), "duplicate");
    assert.equal(graph.channelCount, 0);
    const old = update(alice, channelAB, { timestamp: now - 5 });
    const first = update(alice, channelAB);
    const second = update(bob, channelAB, twoToOne);
    const node = nodeAnnouncement(alice);
    for (const message of [old, first, second])
      assert.equal(kindOf(graph.updateChannel(message, { now })), "pending");
    assert.equal(kindOf(graph.updateChannel(old, { now })), "unknown-channel");
    assert.equal(kindOf(graph.updateChannel(update(carol, channelAB), { now })), "unknown-channel");
    assert.ok(graph.updateNodeFromAnnouncement(node, { now }).ok);
    const taken = graph.utxoResolved(channelAB.shortChannelId, chain.answer(channelAB.shortChannelId), now);
    assert.deepEqual(
      taken.map(({ message }) => message),
      [channelAB, first, second, node],
    );
    assert.equal(taken[0]?.source, source);
    assert.equal(graph.channel(channelAB.shortChannelId)?.oneToTwo?.lastUpdate, now);
    assert.ok(graph.node(alice.id)?.announcement);
    assert.deepEqual(chain.asked, [channelAB.shortChannelId]);
    assert.deepEqual(graph.utxoResolved(channelAB.shortChannelId, { kind: "not-found" }, now), []);
    assert.equal(graph.channelCount, 1);
  });

  test("who lies first about an output does not shut out who is right", () => {
    const graph = graphWith();
    const chain = lateChain().fund(channelAB);
    const lie = announcement(bob, carol, 100);
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(lie, { now }, chain)), "pending");
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now }, chain)), "pending");
    graph.utxoResolved(channelAB.shortChannelId, chain.answer(channelAB.shortChannelId), now);
    assert.equal(graph.channel(channelAB.shortChannelId)?.nodeOne, alice.id);
    assert.equal(graph.node(carol.id), undefined);
    assert.equal(chain.asked.length, 1);
  });

  test("a verified channel is not replaced, a claimed one is by one that the chain knows", () => {
    const chain = new Chain().fund(channelAB);
    const graph = graphWith(announcement(bob, carol, 100));
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now }, chain)), "added");
    assert.equal(graph.channel(channelAB.shortChannelId)?.nodeOne, alice.id);
    const other = announcement(bob, carol, 100);
    const otherChain = new Chain().fund(other);
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(other, { now }, otherChain)), "duplicate");
    assert.deepEqual(otherChain.asked, []);
  });
});

describe("channel_update", () => {
  test("is taken in for its direction", () => {
    const graph = graphWith(channelAB);
    const message = update(bob, channelAB, { channelFlags: 3, cltvExpiryDelta: 7, htlcMinimumMsat: msat(9) });
    assert.equal(kindOf(graph.updateChannel(message, { now })), "updated");
    const channel = graph.channel(channelAB.shortChannelId);
    assert.equal(channel?.oneToTwo, undefined);
    assert.deepEqual(channel?.twoToOne, {
      enabled: false,
      lastUpdate: now,
      cltvExpiryDelta: 7,
      htlcMinimum: 9n,
      htlcMaximum: 1_000_000_000n,
      feeBaseMsat: 1000,
      feeProportionalMillionths: 10,
      message: encodeMessage(message),
    });
  });

  test("before the announcement: ignored; afterwards: taken in", () => {
    const graph = graphWith();
    const message = update(alice, channelAB);
    assert.equal(kindOf(graph.updateChannel(message, { now })), "unknown-channel");
    graph.updateChannelFromAnnouncement(channelAB, { now });
    assert.equal(kindOf(graph.updateChannel(message, { now })), "updated");
  });

  test("signed by the other node, or changed: refused with a warning", () => {
    const graph = graphWith(channelAB);
    const wrong = [
      update(bob, channelAB),
      update(alice, channelAB, twoToOne),
      { ...update(alice, channelAB), feeBaseMsat: msat(0) },
      { ...update(alice, channelAB), unknownFields: Uint8Array.of(0) },
    ];
    for (const message of wrong) {
      const result = graph.updateChannel(message, { now });
      assert.ok(!result.ok && result.error.kind === "bad-signature" && verdictOn(result.error) === "warn");
    }
  });

  test("a hundred invalid updates keep no valid one out", () => {
    const graph = graphWith(channelAB);
    const invalid = { ...update(alice, channelAB, { timestamp: now + 1000 }), feeBaseMsat: msat(0) };
    for (let i = 0; i < 100; i++) {
      const result = graph.updateChannel({ ...invalid, timestamp: now + i }, { now });
      assert.ok(!result.ok);
    }
    assert.equal(kindOf(graph.updateChannel(update(alice, channelAB), { now })), "updated");
  });

  test("equally old or older: ignored", () => {
    const graph = graphWith(channelAB);
    graph.updateChannel(update(alice, channelAB), { now });
    assert.equal(kindOf(graph.updateChannel(update(alice, channelAB), { now })), "duplicate");
    const older = update(alice, channelAB, { timestamp: now - 1 });
    assert.equal(kindOf(graph.updateChannel(older, { now })), "stale");
    const newer = update(alice, channelAB, { timestamp: now + 1, feeBaseMsat: msat(5) });
    assert.equal(kindOf(graph.updateChannel(newer, { now })), "updated");
    assert.equal(graph.channel(channelAB.shortChannelId)?.oneToTwo?.feeBaseMsat, 5);
  });

  test("more than two weeks old or a day ahead: ignored; at the border: taken in", () => {
    const at = (timestamp: number) =>
      kindOf(graphWith(channelAB).updateChannel(update(alice, channelAB, { timestamp }), { now }));
    assert.equal(at(now - 14 * day - 1), "timestamp-out-of-range");
    assert.equal(at(now - 14 * day), "updated");
    assert.equal(at(now + day), "updated");
    assert.equal(at(now + day + 1), "timestamp-out-of-range");
  });

  test("that must not be forwarded, of another chain, or endless: ignored", () => {
    const graph = graphWith(channelAB);
    const kind = (changes: Parameters<typeof update>[2]) =>
      kindOf(graph.updateChannel(update(alice, channelAB, changes), { now }));
    assert.equal(kind({ messageFlags: 3 }), "do-not-forward");
    assert.equal(kind({ chainHash: networks.mainnet.genesisHash }), "wrong-chain");
    assert.equal(kind({ unknownFields: new Uint8Array(3000) }), "too-long");
  });

  test("for more than the capacity, or than there is: ignored", () => {
    const graph = graphWith(channelBC);
    graph.updateChannelFromAnnouncement(channelAB, { now }, new Chain().fund(channelAB, 1000));
    const largest = (signer: TestNode, channel: ChannelAnnouncement, amount: bigint) =>
      kindOf(graph.updateChannel(update(signer, channel, { htlcMaximumMsat: msat(amount) }), { now }));
    assert.equal(largest(alice, channelAB, 1_000_001n), "htlc-maximum-too-large");
    assert.equal(largest(alice, channelAB, 1_000_000n), "updated");
    assert.equal(largest(bob, channelBC, 2n ** 64n - 1n), "htlc-maximum-too-large");
  });
});

describe("node_announcement", () => {
  test("is taken in for a node with a channel", () => {
    const graph = graphWith(channelAB);
    const addresses = encodeAddresses([
      { type: "ipv4", host: "10.0.0.1", port: 9735 },
      { type: "ipv4", host: "10.0.0.2", port: 0 },
    ]);
    const message = nodeAnnouncement(alice, { addresses, features: Features.ofBits([1000]).toBytes() });
    assert.ok(graph.updateNodeFromAnnouncement(message, { now }).ok);
    const info = graph.node(alice.id)?.announcement;
    assert.deepEqual(info?.addresses, [{ type: "ipv4", host: "10.0.0.1", port: 9735 }]);
    assert.equal(info.unknownFeaturesRequired, true);
    assert.deepEqual(info.message, encodeMessage(message));
  });

  test("of a node without channels, stale, ahead of time, badly signed or malformed: refused", () => {
    const graph = graphWith(channelAB);
    graph.updateNodeFromAnnouncement(nodeAnnouncement(alice), { now });
    const kind = (message: ReturnType<typeof nodeAnnouncement>) => {
      const result = graph.updateNodeFromAnnouncement(message, { now });
      return result.ok ? result.value : result.error.kind;
    };
    const twoNames = encodeAddresses([
      { type: "dns", host: "a.example", port: 1 },
      { type: "dns", host: "b.example", port: 1 },
    ]);
    assert.equal(kind(nodeAnnouncement(carol)), "unknown-node");
    assert.equal(kind(nodeAnnouncement(alice)), "duplicate");
    assert.equal(kind(nodeAnnouncement(alice, { timestamp: now - 1 })), "stale");
    assert.equal(kind(nodeAnnouncement(alice, { timestamp: now + day + 1 })), "timestamp-out-of-range");
    assert.equal(kind({ ...nodeAnnouncement(bob), rgbColor: new Uint8Array(3) }), "bad-signature");
    assert.equal(kind(nodeAnnouncement(bob, { addresses: Uint8Array.of(1, 2) })), "bad-addresses");
    assert.equal(kind(nodeAnnouncement(bob, { addresses: twoNames })), "do-not-forward");
    assert.equal(kind(nodeAnnouncement(bob, { addresses: new Uint8Array(2000).fill(9) })), "too-long");
    assert.equal(kind(nodeAnnouncement(bob, { addresses: Uint8Array.of(9, 9) })), "updated");
  });
});

describe("own channels", () => {
  test("take the place of what others claimed, and keep updates that came first", () => {
    const graph = graphWith(channelAB);
    graph.updateChannel(update(bob, channelAB, twoToOne), { now });
    graph.updateChannel(update(alice, channelAB, { htlcMaximumMsat: msat(2_000_000) }), { now });
    assert.ok(graph.addOwnChannel(channelAB, { now, capacity: sat(1_000_000) }).ok);
    const channel = graph.channel(channelAB.shortChannelId);
    assert.equal(channel?.fundingVerified, true);
    assert.equal(channel.capacity, 1_000_000n);
    assert.ok(channel.twoToOne);
    assert.ok(channel.oneToTwo);
    assert.equal(graph.node(alice.id)?.channels.length, 1);
    const again = graph.addOwnChannel(channelAB, { now });
    assert.ok(!again.ok && again.error.kind === "duplicate");
    const claimed = graphWith(announcement(bob, carol, 100));
    assert.ok(claimed.addOwnChannel(channelAB, { now }).ok);
    assert.deepEqual([...claimed.nodes()].map(({ nodeId }) => nodeId).toSorted(), [alice.id, bob.id]);
  });

  test("found while others' lookup is under way keep what waited for it", () => {
    const graph = graphWith();
    const chain = lateChain().fund(channelAB);
    graph.updateChannelFromAnnouncement(channelAB, { now }, chain);
    const held = update(bob, channelAB, twoToOne);
    graph.updateChannel(held, { now });
    assert.ok(graph.addOwnChannel(channelAB, { now }).ok);
    const taken = graph.utxoResolved(channelAB.shortChannelId, chain.answer(channelAB.shortChannelId), now);
    assert.deepEqual(
      taken.map(({ message }) => message),
      [held],
    );
    assert.ok(graph.channel(channelAB.shortChannelId)?.twoToOne);
  });

  test("lose the terms that their capacity cannot keep, and no others", () => {
    for (const [largest, stays] of [
      [1_000_000, true],
      [1_000_001, false],
    ] as const) {
      const graph = graphWith(channelAB);
      graph.updateChannel(update(alice, channelAB, { htlcMaximumMsat: msat(largest) }), { now });
      assert.ok(graph.addOwnChannel(channelAB, { now, capacity: sat(1000) }).ok);
      assert.equal(graph.channel(channelAB.shortChannelId)?.oneToTwo !== undefined, stays);
    }
  });

  test("come back after they were closed, which is then forgotten", () => {
    const graph = new NetworkGraph({ chainHash });
    graph.addOwnChannel(channelAB, { now });
    const before = graph.write();
    graph.channelClosed(channelAB.shortChannelId, now);
    assert.ok(graph.addOwnChannel(channelAB, { now }).ok);
    assert.deepEqual(graph.write(), before);
  });

  test("must be signed all the same", () => {
    const bad = { ...channelAB, nodeSignature2: spoilt(channelAB.nodeSignature2) };
    assert.equal(graphWith().addOwnChannel(bad, { now }).ok, false);
  });
});

describe("removal", () => {
  test("a closed channel goes with nodes that had no other, and stays away for a week", () => {
    const graph = graphWith(channelAB, channelBC);
    const counter = graph.node(alice.id)?.counter;
    graph.channelClosed(channelAB.shortChannelId, now);
    assert.equal(graph.channel(channelAB.shortChannelId), undefined);
    assert.equal(graph.node(alice.id), undefined);
    assert.equal(graph.node(bob.id)?.channels.length, 1);
    assert.equal(graph.channelFrom(0n)?.shortChannelId, channelBC.shortChannelId);
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now })), "channel-closed");
    graph.removeStaleChannelsAndTracking(later(7 * day));
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now })), "added");
    assert.equal(graph.node(alice.id)?.counter, counter);
    assert.equal(graph.nodeCounterLimit, 3);
  });

  test("a node that failed for good stays away for a week, whatever channel it opens", () => {
    const graph = graphWith(channelAB, channelBC);
    graph.handleNetworkUpdate({ kind: "node-failure", nodeId: bob.id, isPermanent: true }, now);
    const reopened = announcement(alice, bob, 300);
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(reopened, { now })), "node-failed");
    assert.equal(
      kindOf(graph.updateChannelFromAnnouncement(announcement(alice, carol, 300), { now })),
      "added",
    );
    graph.removeStaleChannelsAndTracking(later(7 * day - 1));
    assert.equal(
      kindOf(graph.updateChannelFromAnnouncement(announcement(bob, carol, 301), { now })),
      "node-failed",
    );
    graph.removeStaleChannelsAndTracking(later(7 * day));
    assert.equal(
      kindOf(graph.updateChannelFromAnnouncement(announcement(bob, carol, 301), { now })),
      "added",
    );
  });

  test("a failed payment tells of channels, or all of a node's, that are gone for good; what may pass changes nothing", () => {
    const graph = graphWith(channelAB, channelBC);
    const { shortChannelId } = channelAB;
    graph.handleNetworkUpdate({ kind: "channel-failure", shortChannelId, isPermanent: false }, now);
    graph.handleNetworkUpdate({ kind: "node-failure", nodeId: bob.id, isPermanent: false }, now);
    graph.handleNetworkUpdate(
      { kind: "node-failure", nodeId: `02${"ee".repeat(32)}` as NodeId, isPermanent: true },
      now,
    );
    assert.equal(graph.channelCount, 2);
    graph.handleNetworkUpdate({ kind: "channel-failure", shortChannelId, isPermanent: true }, now);
    assert.equal(graph.channel(shortChannelId), undefined);
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now })), "channel-closed");
    const both = graphWith(channelAB, channelBC);
    both.handleNetworkUpdate({ kind: "node-failure", nodeId: bob.id, isPermanent: true }, now);
    assert.deepEqual([both.channelCount, both.nodeCount], [0, 0]);
  });

  test("terms of two weeks ago go, and one-sided channels that were announced before", () => {
    const graph = graphWith(channelAB, channelBC);
    for (const at of [0, 14 * day]) {
      graph.updateChannel(update(bob, channelBC, { timestamp: now + at }), { now: later(at) });
      graph.updateChannel(update(carol, channelBC, { ...twoToOne, timestamp: now + at }), { now: later(at) });
    }
    graph.updateChannel(update(alice, channelAB), { now });
    graph.updateChannel(update(bob, channelAB, { ...twoToOne, timestamp: now + 60 }), { now });
    graph.removeStaleChannelsAndTracking(later(14 * day));
    assert.equal(graph.channelCount, 2);
    graph.removeStaleChannelsAndTracking(later(14 * day + 1));
    assert.equal(graph.channel(channelAB.shortChannelId), undefined);
    assert.ok(graph.channel(channelBC.shortChannelId));
    assert.equal(kindOf(graph.updateChannelFromAnnouncement(channelAB, { now })), "added");
  });

  test("a new channel waits two weeks for its updates", () => {
    const graph = graphWith(channelAB);
    graph.removeStaleChannelsAndTracking(later(14 * day));
    assert.equal(graph.channelCount, 1);
    graph.removeStaleChannelsAndTracking(later(14 * day + 1));
    assert.equal(graph.channelCount, 0);
    assert.equal(graph.nodeCount, 0);
  });
});
