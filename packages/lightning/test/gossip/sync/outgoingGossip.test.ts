import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import type { GossipMessage } from "@fulmen/lightning/handlers";
import { present, type ShortChannelId, type UnixSeconds } from "@fulmen/lightning/util";
import { OutgoingGossip } from "#src/gossip/sync/outgoingGossip";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";
import { connectPeer } from "./gossipNetwork.ts";

const nodes = testNodes(5);
const [alice, bob, carol] = [
  present(nodes[0], "alice"),
  present(nodes[1], "bob"),
  present(nodes[2], "carol"),
];
const [dave, erin] = [present(nodes[3], "dave").id, present(nodes[4], "erin").id];
const channel = announcement(alice, bob, 100);
const fromAlice = update(alice, channel);
const later = (seconds: number) => (now + seconds) as UnixSeconds;

function connected(): P2PGossipSync {
  const sync = new P2PGossipSync({ graph: new NetworkGraph({ chainHash }), now });
  for (const peer of [dave, erin]) connectPeer(sync, peer);
  sync.takeMessageSendEvents();
  return sync;
}

function broadcasts(sync: P2PGossipSync): readonly GossipMessage[] {
  return sync.takeMessageSendEvents().flatMap((event) => (event.kind === "broadcast" ? [event.message] : []));
}

describe("relayed gossip", () => {
  test("waits for the next flush, whenever it came", () => {
    const sync = connected();
    for (const message of [channel, fromAlice]) sync.handleMessage(dave, message);
    for (const seconds of [0, 30, 59]) {
      sync.tick(later(seconds));
      assert.deepEqual(broadcasts(sync), [], `after ${seconds} seconds`);
    }
    sync.tick(later(60));
    assert.deepEqual(broadcasts(sync), [channel, fromAlice]);
    const ofAlice = nodeAnnouncement(alice);
    sync.tick(later(119));
    sync.handleMessage(erin, ofAlice);
    assert.deepEqual(broadcasts(sync), []);
    sync.tick(later(120));
    assert.deepEqual(broadcasts(sync), [ofAlice]);
    sync.tick(later(180));
    assert.deepEqual(broadcasts(sync), []);
  });

  test("is replaced by what its sender says anew, and comes behind the announcement it needs", () => {
    const sync = connected();
    const anew = update(alice, channel, { timestamp: now + 2 });
    const fromBob = update(bob, channel, { channelFlags: 1 });
    for (const message of [channel, fromAlice, fromBob]) sync.handleMessage(dave, message);
    sync.handleMessage(erin, anew);
    sync.tick(later(60));
    assert.deepEqual(broadcasts(sync), [channel, fromBob, anew]);
  });

  test("does not hold up what we say ourselves", () => {
    const sync = connected();
    const ours = announcement(alice, carol, 101);
    const terms = update(alice, ours);
    sync.handleMessage(dave, channel);
    sync.handleMessage(dave, fromAlice);
    for (const message of [ours, terms]) assert.ok(sync.announceOwn(message).ok);
    assert.deepEqual(broadcasts(sync), [ours, terms]);
  });

  test("takes up no more memory however much comes: then it goes early, and nothing is lost", () => {
    const outgoing = new OutgoingGossip(60, now);
    const sent = new Set<ShortChannelId>();
    let most = 0;
    for (let i = 0; i < 12_345; i++) {
      const shortChannelId = BigInt(i) as ShortChannelId;
      outgoing.add({ message: { ...channel, shortChannelId }, source: dave });
      const due = outgoing.take(later(1));
      most = Math.max(most, due.length);
      for (const { message } of due)
        if (message.type === "channel_announcement") sent.add(message.shortChannelId);
    }
    assert.equal(most, 5_000);
    assert.equal(sent.size, 10_000);
    assert.equal(outgoing.take(later(60)).length, 2_345);
  });
});
