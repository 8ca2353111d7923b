import assert from "node:assert/strict";
import { test } from "node:test";
import { noBytes, present, type UnixSeconds } from "@fulmen/lightning/util";
import { encodeShortChannelIds } from "@fulmen/lightning/wire";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";
import { Gossiper, Wire } from "./gossiper.ts";

const nodes = testNodes(5);
const node = (i: number) => present(nodes[i], "a test node");
const network = Array.from({ length: 3 }, (_, i) => {
  const [one, two] = [node(i), node(i + 1)];
  const channel = announcement(one, two, 100 + i);
  return [
    channel,
    update(one, channel),
    update(two, channel, { channelFlags: 1 }),
    nodeAnnouncement(one),
  ] as const;
});

/** As many bytes wait for a peer at most: a few messages. */
const dropGossipAtBytes = 1_000;

function gossiper(seed: number): Gossiper {
  return new Gossiper(seed, { limits: { dropGossipAtBytes } });
}

function isComplete({ graph }: Gossiper): boolean {
  const parts = [...graph.channels()].flatMap(({ oneToTwo, twoToOne }) => [oneToTwo, twoToOne]);
  return parts.length === 2 * network.length && parts.every((part) => part?.lastUpdate === now + 5);
}

test("a hundred peers ask for everything and stop reading: a few messages wait for each, and nothing is lost", () => {
  const us = gossiper(1);
  for (const message of network.flat()) assert.ok(us.sync.announceOwn(message).ok);
  us.manager.processEvents();
  const peers = Array.from({ length: 100 }, (_, i) => gossiper(100 + i));
  const wires = peers.map((peer) => new Wire(peer, us));
  for (let round = 0; round < 6; round++) for (const wire of wires) wire.carry({ fromReads: round < 5 });
  // All have said what they want, each in full, and take nothing from now on.
  for (const peer of peers) {
    const { nodeId } = peer;
    us.sync.handleMessage(nodeId, {
      type: "gossip_timestamp_filter",
      chainHash,
      firstTimestamp: 0,
      timestampRange: 0xffff_ffff,
    });
    us.sync.handleMessage(nodeId, {
      type: "query_channel_range",
      chainHash,
      firstBlocknum: 0,
      numberOfBlocks: 0xffff_ffff,
      tlvs: { queryOption: 3n },
    });
    const ids = network.map(([{ shortChannelId }]) => shortChannelId);
    us.sync.handleMessage(nodeId, {
      type: "query_short_channel_ids",
      chainHash,
      encodedShortIds: encodeShortChannelIds(ids),
      tlvs: {},
    });
  }
  const teller = node(4).id;
  const init = { type: "init", globalfeatures: noBytes, features: noBytes, tlvs: {} } as const;
  us.sync.peerConnected(teller, { init, inbound: true, epoch: 1_000 });
  for (const [i, [channel]] of network.entries()) {
    for (const [side, signerOfSide] of [node(i), node(i + 1)].entries()) {
      for (const later of [1, 2, 3, 4, 5]) {
        const timestamp = now + later;
        us.sync.handleMessage(teller, update(signerOfSide, channel, { channelFlags: side, timestamp }));
      }
    }
  }
  us.manager.processEvents();

  // What waits in the queues is what leaves when the backlog is held back.
  const backlog = us.sync.takeGossipBacklog.bind(us.sync);
  us.sync.takeGossipBacklog = () => [];
  const waiting = wires.map((wire) => wire.back());
  us.sync.takeGossipBacklog = backlog;
  const most = Math.max(...waiting);
  assert.ok(most > 0 && most < 2 * dropGossipAtBytes, `${most} bytes wait`);

  // They read again: what was dropped is dumped after a minute.
  us.sync.tick((now + 60) as UnixSeconds);
  for (let round = 0; round < 8; round++) for (const wire of wires) wire.carry();
  assert.equal(peers.filter(isComplete).length, peers.length);
});
