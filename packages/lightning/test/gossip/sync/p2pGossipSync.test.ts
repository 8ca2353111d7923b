import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NetworkGraph, P2PGossipSync, signNodeAnnouncement, type UtxoLookup } from "@fulmen/lightning/gossip";
import type { GossipMessage, MessageSendEvent } from "@fulmen/lightning/handlers";
import { KeysManager } from "@fulmen/lightning/sign";
import { type NodeId, noBytes, present, sat, type UnixSeconds } from "@fulmen/lightning/util";
import {
  type DecodedMessage,
  decodeMessage,
  encodeMessage,
  encodeShortChannelIds,
  Features,
} from "@fulmen/lightning/wire";
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

const nodes = testNodes(6);
const [alice, bob] = [present(nodes[0], "alice"), present(nodes[1], "bob")];
/** Peers; who they are does not matter. */
const dave = present(nodes[4], "dave").id;
const erin = present(nodes[5], "erin").id;
const channel = announcement(alice, bob, 100);
const fromAlice = update(alice, channel);
const fromBob = update(bob, channel, { channelFlags: 1, timestamp: now - 1000 });
const ofAlice = nodeAnnouncement(alice);

interface Setup {
  readonly graph: NetworkGraph;
  readonly sync: P2PGossipSync;
}

function setup(utxoLookup?: UtxoLookup): Setup {
  const graph = new NetworkGraph({ chainHash });
  return {
    graph,
    sync: new P2PGossipSync({ graph, now, flushInterval: 0, ...(utxoLookup && { utxoLookup }) }),
  };
}

function connect(
  sync: P2PGossipSync,
  nodeId: NodeId,
  features = Features.of({ gossip_queries: "optional" }),
) {
  const init = { type: "init", globalfeatures: noBytes, features: features.toBytes(), tlvs: {} } as const;
  assert.equal(sync.peerConnected(nodeId, { init, inbound: false, epoch: 3 }), "accept");
}

function connected(utxoLookup?: UtxoLookup): Setup {
  const both = setup(utxoLookup);
  for (const peer of [dave, erin]) connect(both.sync, peer);
  both.sync.takeMessageSendEvents();
  return both;
}

function filter(firstTimestamp: number, timestampRange = 0xffff_ffff): GossipMessage {
  return { type: "gossip_timestamp_filter", chainHash, firstTimestamp, timestampRange };
}

function send(sync: P2PGossipSync, from: NodeId, ...messages: readonly GossipMessage[]): void {
  for (const message of messages) sync.handleMessage(from, message);
}

/** What is broadcast, and to whom not. */
function broadcasts(sync: P2PGossipSync) {
  return sync.takeMessageSendEvents().map((event) => {
    assert.ok(event.kind === "broadcast");
    return { message: event.message, except: event.except };
  });
}

function backlog(sync: P2PGossipSync, nodeId: NodeId, maxBytes = 1_000_000): readonly DecodedMessage[] {
  return sync.takeGossipBacklog(nodeId, maxBytes).map(decodeMessage);
}

/** The text of the one warning that is sent to `nodeId`. */
function warningTo(nodeId: NodeId, events: readonly MessageSendEvent[]): string {
  const [event] = events;
  assert.equal(events.length, 1);
  assert.ok(event?.kind === "handle-error" && event.action.kind === "send" && event.epoch === 3);
  assert.equal(event.nodeId, nodeId);
  assert.equal(event.action.message.type, "warning");
  return Buffer.from(event.action.message.data).toString();
}

describe("a new peer", () => {
  test("learns that we are worth asking, and that our answers carry times", () => {
    const features = Features.fromBytes(setup().sync.providedInitFeatures());
    assert.ok(features.has("gossip_queries") && features.has("gossip_queries_ex"));
  });

  test("gets nothing unasked", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice);
    assert.deepEqual(backlog(sync, erin), []);
    assert.equal(sync.wantsGossip(erin, fromAlice), false);
    assert.deepEqual(backlog(sync, alice.id), []);
  });
});

describe("relaying", () => {
  test("a channel is passed on with its first update, not to who sent it", () => {
    const { sync } = connected();
    send(sync, dave, channel);
    assert.deepEqual(broadcasts(sync), []);
    send(sync, erin, fromAlice);
    assert.deepEqual(broadcasts(sync), [
      { message: channel, except: dave },
      { message: fromAlice, except: erin },
    ]);
    send(sync, dave, fromBob, ofAlice);
    assert.deepEqual(broadcasts(sync), [
      { message: fromBob, except: dave },
      { message: ofAlice, except: dave },
    ]);
  });

  test("what is known, stale or unknown is not passed on, and nobody is blamed", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice);
    sync.takeMessageSendEvents();
    send(sync, erin, channel, fromAlice, update(alice, channel, { timestamp: now - 1 }));
    send(sync, erin, nodeAnnouncement(present(nodes[3], "a stranger")));
    assert.deepEqual(sync.takeMessageSendEvents(), []);
  });

  test("bad signatures bring a warning each, and the twentieth the end of the connection", () => {
    const { sync } = connected();
    const bad = { ...channel, nodeSignature1: spoilt(channel.nodeSignature1) };
    for (let i = 1; i < 20; i++) {
      send(sync, dave, bad);
      assert.match(warningTo(dave, sync.takeMessageSendEvents()), /^bad-signature: channel 100x1x0$/);
    }
    send(sync, dave, bad);
    const [last] = sync.takeMessageSendEvents();
    assert.ok(last?.kind === "handle-error" && last.action.kind === "disconnect");
    send(sync, erin, channel, fromAlice);
    assert.equal(broadcasts(sync).length, 2);
  });

  test("filters say who wants a message", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice, fromBob);
    send(sync, erin, filter(now));
    assert.equal(sync.wantsGossip(erin, fromAlice), true);
    assert.equal(sync.wantsGossip(erin, fromBob), false);
    assert.equal(sync.wantsGossip(erin, channel), true);
    assert.equal(sync.wantsGossip(erin, ofAlice), true);
    send(sync, erin, filter(now - 1000, 1000));
    assert.equal(sync.wantsGossip(erin, fromAlice), false);
    assert.equal(sync.wantsGossip(erin, fromBob), true);
    assert.equal(sync.wantsGossip(erin, ofAlice), false);
    send(sync, erin, filter(now + 1));
    assert.equal(sync.wantsGossip(erin, channel), false);
    assert.equal(sync.wantsGossip(erin, filter(0)), false);
  });
});

describe("a peer's filter", () => {
  test("brings what is stored, channels before their updates and nodes", () => {
    const { sync } = connected();
    const other = announcement(alice, bob, 50);
    send(sync, dave, channel, fromAlice, fromBob, other, ofAlice);
    send(sync, erin, filter(0));
    assert.deepEqual(backlog(sync, erin), [channel, fromAlice, fromBob, ofAlice]);
    assert.deepEqual(backlog(sync, erin), []);
  });

  test("leaves out what is outside of its range, or comes for another chain", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice, fromBob, ofAlice);
    send(sync, erin, filter(now - 1000, 1000));
    assert.deepEqual(backlog(sync, erin), [channel, fromBob]);
    send(sync, dave, { ...filter(0), chainHash: "00".repeat(32) as typeof chainHash } as GossipMessage);
    assert.deepEqual(backlog(sync, dave), []);
  });

  test("is answered in portions, and by what the graph then holds", () => {
    const { graph, sync } = connected();
    send(sync, dave, channel, fromAlice, fromBob, ofAlice);
    send(sync, erin, filter(0));
    assert.deepEqual(backlog(sync, erin, 1), [channel]);
    assert.deepEqual(backlog(sync, erin, 300), [fromAlice, fromBob]);
    assert.deepEqual(backlog(sync, erin, 300), [ofAlice]);
    assert.deepEqual(backlog(sync, erin, 300), []);
    send(sync, dave, filter(0));
    assert.deepEqual(backlog(sync, dave, 1), [channel]);
    const late = announcement(alice, bob, 300);
    const lateUpdate = update(alice, late);
    send(sync, erin, late, lateUpdate);
    graph.channelClosed(channel.shortChannelId, now);
    assert.deepEqual(backlog(sync, dave), [fromAlice, fromBob, late, lateUpdate, ofAlice]);
  });

  test("ends the answer to the one before", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice, fromBob);
    send(sync, erin, filter(0));
    assert.deepEqual(backlog(sync, erin, 1), [channel]);
    send(sync, erin, filter(0xffff_ffff, 0));
    assert.deepEqual(backlog(sync, erin), [fromAlice]);
    sync.tick((now + 60) as UnixSeconds);
    assert.deepEqual(backlog(sync, erin), []);
  });

  test("starts the stored graph anew once a minute at most", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice);
    for (let i = 0; i < 1000; i++) send(sync, erin, filter(0));
    assert.equal(backlog(sync, erin).length, 2);
    for (let i = 0; i < 1000; i++) send(sync, erin, filter(0));
    assert.deepEqual(backlog(sync, erin), []);
    sync.tick((now + 59) as UnixSeconds);
    assert.deepEqual(backlog(sync, erin), []);
    sync.tick((now + 60) as UnixSeconds);
    assert.equal(backlog(sync, erin).length, 2);
    assert.deepEqual(backlog(sync, erin), []);
  });
});

describe("queries", () => {
  const query = { type: "query_short_channel_ids", chainHash, tlvs: {} } as const;
  const idQuery = { ...query, encodedShortIds: encodeShortChannelIds([channel.shortChannelId]) };
  const rangeQuery = {
    type: "query_channel_range",
    chainHash,
    firstBlocknum: 0,
    numberOfBlocks: 1000,
    tlvs: {},
  } as const;

  test("are answered before the stored graph", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice);
    send(sync, erin, filter(0), idQuery, rangeQuery);
    assert.deepEqual(
      backlog(sync, erin).map(({ type }) => type),
      [
        "reply_channel_range",
        ...["channel_announcement", "channel_update", "reply_short_channel_ids_end"],
        ...["channel_announcement", "channel_update"],
      ],
    );
  });

  test("a second one before the answer's end is warned about and costs nothing", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice);
    sync.takeMessageSendEvents();
    for (const each of [idQuery, rangeQuery]) {
      send(sync, erin, each);
      assert.deepEqual(sync.takeMessageSendEvents(), []);
      send(sync, erin, each);
      assert.match(warningTo(erin, sync.takeMessageSendEvents()), /before the end of the answer/);
    }
    assert.equal(backlog(sync, erin).length, 4);
    send(sync, erin, idQuery, rangeQuery);
    assert.equal(backlog(sync, erin).length, 4);
    assert.deepEqual(sync.takeMessageSendEvents(), []);
  });

  test("one that cannot be read is warned about", () => {
    const { sync } = connected();
    send(sync, erin, { ...query, encodedShortIds: Uint8Array.of(1, 2, 3) });
    assert.match(warningTo(erin, sync.takeMessageSendEvents()), /^bad-query: .*encoding type 1/);
  });
});

describe("a peer that does not read for a while", () => {
  test("is told what it missed, once, and of that only what its filter wants", () => {
    const { sync } = connected();
    const longAgo = now - 5_000;
    send(sync, dave, channel, update(bob, channel, { channelFlags: 1, timestamp: longAgo }));
    send(sync, erin, filter(longAgo - 10));
    assert.equal(backlog(sync, erin).length, 2);
    send(sync, dave, fromAlice);
    sync.gossipDropped(erin);
    assert.deepEqual(backlog(sync, erin), []);
    sync.tick((now + 60) as UnixSeconds);
    assert.deepEqual(backlog(sync, erin), [channel, fromAlice]);
    sync.tick((now + 120) as UnixSeconds);
    assert.deepEqual(backlog(sync, erin), []);
    send(sync, erin, filter(now + 1));
    sync.gossipDropped(erin);
    sync.tick((now + 180) as UnixSeconds);
    assert.deepEqual(backlog(sync, erin), []);
    sync.gossipDropped(alice.id);
  });
});

describe("lookups", () => {
  const pending: UtxoLookup = { getUtxo: () => ({ kind: "pending" }) };

  test("what waited for an answer is passed on when it comes", () => {
    const { sync } = connected(pending);
    send(sync, dave, channel);
    send(sync, erin, fromAlice);
    assert.deepEqual(sync.takeMessageSendEvents(), []);
    const script = fundingScriptOf(channel);
    sync.utxoResolved(channel.shortChannelId, { kind: "found", value: sat(5_000_000), script });
    assert.deepEqual(broadcasts(sync), [
      { message: channel, except: dave },
      { message: fromAlice, except: erin },
    ]);
  });

  test("a peer with a lookup among 32 is not read from, until they are answered or time out", () => {
    const { sync } = connected(pending);
    for (let i = 0; i < 32; i++) {
      assert.equal(sync.wantsToPause(dave), false);
      send(sync, dave, announcement(alice, bob, i));
    }
    assert.equal(sync.wantsToPause(dave), true);
    assert.equal(sync.wantsToPause(erin), false);
    sync.tick((now + 60) as UnixSeconds);
    assert.equal(sync.wantsToPause(dave), false);
  });
});

describe("our own announcements", () => {
  test("go to all peers, a channel with its first update", () => {
    const { graph, sync } = connected();
    assert.ok(sync.announceOwn(channel, sat(1_000_000)).ok);
    assert.equal(graph.channel(channel.shortChannelId)?.capacity, 1_000_000n);
    assert.deepEqual(broadcasts(sync), []);
    assert.ok(sync.announceOwn(fromAlice).ok);
    assert.ok(sync.announceOwn(ofAlice).ok);
    const toAll = [channel, fromAlice, ofAlice].map((message) => ({ message, except: undefined }));
    assert.deepEqual(broadcasts(sync), toAll);
    for (const message of [channel, fromAlice, ofAlice]) assert.ok(sync.announceOwn(message).ok);
    assert.deepEqual(broadcasts(sync), toAll);
  });

  test("are refused when they are wrong or outdated", () => {
    const { sync } = connected();
    assert.ok(!sync.announceOwn(fromAlice).ok);
    sync.announceOwn(channel);
    sync.announceOwn(fromAlice);
    sync.takeMessageSendEvents();
    assert.ok(!sync.announceOwn(update(alice, channel, { timestamp: now - 1 })).ok);
    assert.ok(!sync.announceOwn(update(bob, channel)).ok);
    assert.deepEqual(sync.takeMessageSendEvents(), []);
  });

  test("a node's own is signed so that others take it", () => {
    const keys = new KeysManager(new Uint8Array(32).fill(9));
    const signed = signNodeAnnouncement(keys, {
      features: Features.of({ gossip_queries: "optional", option_payment_metadata: "optional" }),
      timestamp: now,
      rgbColor: Uint8Array.of(9, 8, 7),
      alias: Buffer.from("fulmen"),
      addresses: [{ type: "ipv4", host: "127.0.0.1", port: 9735 }],
    });
    const self = { id: keys.nodeId, key: new Uint8Array(32), bitcoinKey: new Uint8Array(32) };
    assert.equal(signed.nodeId, self.id);
    assert.ok(Features.fromBytes(signed.features).has("gossip_queries"));
    assert.ok(!Features.fromBytes(signed.features).has("option_payment_metadata"));
    const part = encodeMessage(signed).subarray(66);
    assert.deepEqual(signed.signature, keys.signGossip(part));
    assert.equal(Buffer.from(signed.alias.subarray(0, 7)).toString(), "fulmen\0");
  });
});

describe("time", () => {
  test("passes by ticks: what is stale goes within an hour, and a clock that goes back stands still", () => {
    const { graph, sync } = connected();
    send(sync, dave, channel, fromAlice);
    sync.tick((now - 100_000) as UnixSeconds);
    sync.tick((now + 14 * 24 * 3600 + 1) as UnixSeconds);
    assert.equal(graph.channelCount, 0);
    assert.equal(graph.nodeCount, 0);
  });

  test("a peer that is gone is forgotten", () => {
    const { sync } = connected();
    send(sync, dave, channel, fromAlice);
    send(sync, erin, filter(0));
    sync.peerDisconnected(erin);
    assert.equal(sync.wantsGossip(erin, fromAlice), false);
    assert.deepEqual(sync.takeGossipBacklog(erin, 1000), []);
    sync.takeMessageSendEvents();
    send(sync, erin, fromBob);
    assert.deepEqual(sync.takeMessageSendEvents(), []);
  });
});
