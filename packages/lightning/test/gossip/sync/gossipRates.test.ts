import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { present, type UnixSeconds } from "@fulmen/lightning/util";
import { announcement, nodeAnnouncement, now, spoilt, testNodes, update } from "../signedGossip.ts";
import { connectPeer, Gossiper } from "./gossipNetwork.ts";

const [alice, bob, dave] = testNodes(3);
const [one, two] = [present(alice, "alice"), present(bob, "bob")];
const peer = present(dave, "dave").id;
const channel = announcement(one, two, 100);

function gossiper(): Gossiper {
  const made = new Gossiper(one.id);
  connectPeer(made.sync, peer);
  made.sync.handleMessage(peer, channel);
  return made;
}

function lastUpdates({ graph }: Gossiper) {
  const found = graph.channel(channel.shortChannelId);
  return [
    found?.oneToTwo?.lastUpdate,
    found?.twoToOne?.lastUpdate,
    graph.node(one.id)?.announcement?.lastUpdate,
  ].map((time) => time && time - now);
}

describe("who says something new all the time", () => {
  test("is heard ten times, then once a minute, on each side of a channel and as a node", () => {
    const us = gossiper();
    const say = (i: number) => {
      us.sync.handleMessage(peer, update(one, channel, { timestamp: now + i }));
      us.sync.handleMessage(peer, nodeAnnouncement(one, { timestamp: now + i }));
    };
    for (let i = 0; i < 20; i++) say(i);
    us.sync.handleMessage(peer, update(two, channel, { timestamp: now + 15, channelFlags: 1 }));
    assert.deepEqual(lastUpdates(us), [9, 15, 9]);
    us.sync.tick((now + 59) as UnixSeconds);
    say(30);
    assert.deepEqual(lastUpdates(us), [9, 15, 9]);
    us.sync.tick((now + 60) as UnixSeconds);
    say(31);
    say(32);
    assert.deepEqual(lastUpdates(us), [31, 15, 31]);
    us.sync.tick((now + 4_000) as UnixSeconds);
    for (let i = 40; i < 60; i++) say(i);
    assert.deepEqual(lastUpdates(us), [49, 15, 49]);
  });

  test("cannot be made to seem so by forgeries, repetitions, or what is refused", () => {
    const us = gossiper();
    const first = update(one, channel);
    us.sync.handleMessage(peer, first);
    us.sync.handleMessage(peer, nodeAnnouncement(one));
    for (let i = 1; i < 15; i++) {
      const forged = update(one, channel, { timestamp: now + i });
      us.sync.handleMessage(peer, { ...forged, signature: spoilt(forged.signature) });
      us.sync.handleMessage(peer, first);
      us.sync.handleMessage(peer, update(one, channel, { timestamp: now - i }));
      us.sync.handleMessage(peer, nodeAnnouncement(one));
    }
    for (let i = 1; i < 15; i++) {
      us.sync.handleMessage(peer, update(one, channel, { timestamp: now + i }));
      us.sync.handleMessage(peer, nodeAnnouncement(one, { timestamp: now + i }));
    }
    assert.deepEqual(lastUpdates(us), [9, undefined, 9]);
  });

  test("does not limit what we say ourselves", () => {
    const us = gossiper();
    for (let i = 0; i < 30; i++)
      assert.ok(us.sync.announceOwn(update(one, channel, { timestamp: now + i })).ok);
    assert.deepEqual(lastUpdates(us), [29, undefined, undefined]);
  });
});
