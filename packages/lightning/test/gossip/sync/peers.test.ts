import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { present } from "@fulmen/lightning/util";
import { announcement, nodeAnnouncement, testNodes, update } from "../signedGossip.ts";
import { Gossiper, Wire } from "./gossiper.ts";

const [alice, bob] = testNodes(2).slice(0, 2);
const channel = announcement(present(alice, "alice"), present(bob, "bob"), 100);
const update1 = update(present(alice, "alice"), channel);
const update2 = update(present(bob, "bob"), channel, { channelFlags: 1 });
const ofAlice = nodeAnnouncement(present(alice, "alice"));

function settle(...wires: readonly Wire[]): void {
  for (let round = 0; wires.map((wire) => wire.carry()).some((bytes) => bytes > 0); round++) {
    assert.ok(round < 50, "gossip goes round in circles");
  }
}

function knowsAll({ graph }: Gossiper): boolean {
  const found = graph.channel(channel.shortChannelId);
  const node = graph.node(channel.nodeId1);
  return [found?.oneToTwo, found?.twoToOne, node?.announcement].every((part) => part !== undefined);
}

describe("gossip between connected nodes", () => {
  test("what one says of itself reaches all, round a ring too, and comes to an end", () => {
    const ring = [1, 2, 3, 4].map((seed) => new Gossiper(seed));
    const wires = ring.map((each, i) => new Wire(each, present(ring[(i + 1) % 4], "the next")));
    settle(...wires);
    const first = present(ring[0], "the first");
    for (const message of [channel, update1, update2, ofAlice]) assert.ok(first.sync.announceOwn(message).ok);
    settle(...wires);
    assert.deepEqual(ring.map(knowsAll), [true, true, true, true]);
  });

  test("who comes later is told what is stored, over someone who was told", () => {
    const [a, b, c] = [new Gossiper(5), new Gossiper(6), new Gossiper(7)];
    for (const message of [channel, update1, update2, ofAlice]) assert.ok(a.sync.announceOwn(message).ok);
    const ab = new Wire(a, b);
    settle(ab);
    assert.ok(knowsAll(b));
    settle(ab, new Wire(c, b));
    assert.ok(knowsAll(c));
  });
});
