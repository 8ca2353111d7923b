import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DecodeError } from "@fulmen/lightning/codec";
import { NetworkGraph, P2PGossipSync } from "@fulmen/lightning/gossip";
import { isGossipMessage } from "@fulmen/lightning/handlers";
import { type NodeId, noBytes, present } from "@fulmen/lightning/util";
import { decodeMessage, encodeMessage, Features, messages } from "@fulmen/lightning/wire";
import fc from "fast-check";
import { messagesOf } from "../../wire/messageValues.ts";
import { announcement, chainHash, nodeAnnouncement, now, testNodes, update } from "../signedGossip.ts";

const [alice, bob] = testNodes(2);
const [one, two] = [present(alice, "alice"), present(bob, "bob")];
const channel = announcement(one, two, 100);
const honest = [
  channel,
  update(one, channel),
  update(two, channel, { channelFlags: 1 }),
  nodeAnnouncement(one),
];
const peer = two.id;

function freshSync(): { readonly graph: NetworkGraph; readonly sync: P2PGossipSync } {
  const graph = new NetworkGraph({ chainHash });
  const sync = new P2PGossipSync({ graph, now, flushInterval: 0 });
  const init = { globalfeatures: noBytes, features: Features.none.toBytes(), tlvs: {} };
  sync.peerConnected(peer, { init: { type: "init", ...init }, inbound: true, epoch: 1 });
  return { graph, sync };
}

/** Reads what was asked for, in small portions; it must come to an end. */
function drain(sync: P2PGossipSync, nodeId: NodeId): void {
  for (let i = 0; sync.takeGossipBacklog(nodeId, 1000).length > 0; i++) assert.ok(i < 1000, "endless");
}

describe("hostile gossip", () => {
  test("no message of gossip throws, or gets into the graph unsigned", () => {
    const { graph, sync } = freshSync();
    const gossip = messages.filter(({ number }) => number >= 256 && number <= 265 && number !== 259);
    assert.equal(gossip.length, 8);
    fc.assert(
      fc.property(fc.oneof(...gossip.map(messagesOf)), (message) => {
        assert.ok(isGossipMessage(message));
        sync.handleMessage(peer, { ...message, ...("chainHash" in message && { chainHash }) });
        sync.takeMessageSendEvents();
        drain(sync, peer);
      }),
      { seed: 31, numRuns: 500 },
    );
    assert.equal(graph.channelCount, 0);
    assert.equal(graph.nodeCount, 0);
  });

  test("one changed byte anywhere keeps a message out", () => {
    const encoded = honest.map(encodeMessage);
    const change = fc.record({ which: fc.nat(3), at: fc.nat(1000), by: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(change, ({ which, at, by }) => {
        const { graph, sync } = freshSync();
        for (const message of honest.slice(0, which)) sync.handleMessage(peer, message);
        sync.takeMessageSendEvents();
        const bytes = present(encoded[which], "a message").slice();
        const index = 2 + (at % (bytes.length - 2));
        bytes[index] = (bytes[index] ?? 0) ^ by;
        try {
          const message = decodeMessage(bytes);
          assert.ok(isGossipMessage(message));
          sync.handleMessage(peer, message);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
        assert.ok(sync.takeMessageSendEvents().every(({ kind }) => kind === "handle-error"));
        const found = graph.channel(channel.shortChannelId);
        const parts = [found, found?.oneToTwo, found?.twoToOne, graph.node(one.id)?.announcement];
        assert.equal(parts.filter((part) => part !== undefined).length, which);
      }),
      { seed: 32, numRuns: 120 },
    );
  });
});
