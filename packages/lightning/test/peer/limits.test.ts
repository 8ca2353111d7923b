import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMessage } from "@fulmen/lightning/wire";
import { Cable, ephemeralKey, filter, node, numbered, Stranger } from "./nodes.ts";

function closings(alice: ReturnType<typeof node>): number {
  return alice.manager.takeConnectionChanges().filter(({ closing }) => closing).length;
}

test("1,000 half handshakes -- the oldest make room, the rest are freed by ticks, a good peer connects meanwhile", () => {
  const alice = node(1);
  for (let i = 0; i < 1000; i++) {
    alice.manager.newInboundConnection({
      connectionId: `half-${i}`,
      ephemeralKey: ephemeralKey(`half-${i}`),
    });
  }
  assert.equal(closings(alice), 744);
  const cable = new Cable(node(2), alice);
  assert.equal(closings(alice), 1);
  cable.run();
  assert.equal(alice.manager.listPeers().length, 1);
  alice.manager.tick();
  cable.run();
  assert.equal(closings(alice), 0);
  alice.manager.tick();
  assert.equal(closings(alice), 255);
  assert.equal(alice.manager.listPeers().length, 1);
});

test("slowloris -- bytes that trickle in do not keep a handshake alive", () => {
  const alice = node(1);
  alice.manager.newInboundConnection({ connectionId: "slow", ephemeralKey: ephemeralKey("slow") });
  alice.manager.tick();
  alice.manager.readBytes("slow", Uint8Array.of(0));
  alice.manager.tick();
  assert.equal(closings(alice), 1);
});

test("a peer that is done with the handshake but never sends init is not kept", () => {
  const alice = node(1);
  const stranger = new Stranger(alice);
  alice.manager.tick();
  assert.equal(stranger.isClosed, false);
  alice.manager.tick();
  assert.ok(stranger.isClosed);
});

test("inbound peers without channels are limited, those with channels and our own connections are not", () => {
  const alice = node(1, { limits: { maxInboundPeersWithoutChannels: 2 } });
  Stranger.open(alice, 11);
  Stranger.open(alice, 12);
  assert.ok(Stranger.open(alice, 13).isClosed);
  const friend = new Stranger(alice, 14);
  alice.channel.withChannels.add(friend.nodeId);
  Stranger.open(alice, 14, "again");
  const bob = node(2);
  new Cable(alice, bob).run();
  assert.equal(alice.manager.listPeers().length, 4);
});

test("pings are answered with as many bytes as asked for, or not at all", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  for (const numPongBytes of [0, 5, 65_531, 65_532, 65_535]) {
    stranger.send({ type: "ping", numPongBytes, ignored: new Uint8Array(3) });
  }
  assert.deepEqual(
    stranger.received().map((message) => message.type === "pong" && message.ignored.length),
    [0, 5, 65_531],
  );
});

test("a flood of pings for large pongs ends the connection, and its pongs are forgotten", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  const ping = { type: "ping", numPongBytes: 65_531, ignored: new Uint8Array(0) } as const;
  stranger.send(...Array.from({ length: 1000 }, () => ping));
  assert.ok(stranger.isClosed);
  assert.deepEqual(stranger.received(), []);
});

test("keep-alive -- a pong keeps the connection, silence ends it", () => {
  const alice = node(1);
  const bob = node(2);
  const cable = new Cable(alice, bob);
  cable.run();
  for (let i = 0; i < 10; i++) {
    alice.manager.tick();
    cable.run();
  }
  assert.equal(alice.manager.listPeers().length, 1);

  const stranger = Stranger.open(alice);
  alice.manager.tick();
  stranger.received();
  alice.manager.tick();
  alice.manager.tick();
  assert.ok(stranger.isClosed);
});

test("keep-alive -- a peer that sends but never answers is not kept for long", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  let ticks = 0;
  while (!stranger.isClosed && ticks < 20) {
    stranger.send(numbered(ticks));
    stranger.received();
    alice.manager.tick();
    ticks++;
  }
  assert.equal(ticks, 5);
});

test("keep-alive -- a peer that we do not read is not blamed", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  alice.channel.pauses = true;
  for (let i = 0; i < 10; i++) alice.manager.tick();
  assert.equal(stranger.isClosed, false);
  alice.channel.pauses = false;
  alice.manager.tick();
  assert.ok(stranger.isClosed);
});

test("reading pauses while twelve messages wait, and goes on when they have left", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  stranger.change();
  const { nodeId } = stranger;
  const sent = Array.from({ length: 12 }, (_, i) => numbered(i));
  alice.channel.events = sent.map((message) => ({ kind: "send-message", nodeId, message }));
  alice.manager.processEvents();
  stranger.send(numbered(0));
  assert.deepEqual(stranger.change(), { readsPaused: true, closing: false });
  assert.deepEqual(stranger.received(), sent);
  assert.deepEqual(stranger.change(), { readsPaused: false, closing: false });
});

test("reading pauses while the channel handler wants it to", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  alice.channel.pauses = true;
  stranger.send(numbered(0));
  assert.equal(stranger.change()?.readsPaused, true);
  alice.manager.processEvents();
  assert.equal(stranger.change(), undefined);
  alice.channel.pauses = false;
  alice.manager.processEvents();
  assert.deepEqual(stranger.change(), { readsPaused: false, closing: false });
});

test("a peer that does not read gets no more gossip, but all channel messages", () => {
  const alice = node(1, { limits: { dropGossipAtBytes: 100 } });
  const stranger = Stranger.open(alice);
  const { nodeId } = stranger;
  alice.routing.events = Array.from({ length: 50 }, (_, i) => ({ kind: "broadcast", message: filter(i) }));
  alice.channel.events = [1, 2, 3].map((n) => ({ kind: "send-message", nodeId, message: numbered(n) }));
  alice.manager.processEvents();
  const received = stranger.received();
  assert.deepEqual(
    received.map(({ type }) => type),
    ["update_fee", "update_fee", "update_fee"],
  );
  alice.routing.events = Array.from({ length: 50 }, (_, i) => ({ kind: "broadcast", message: filter(i) }));
  alice.manager.processEvents();
  const gossip = stranger.received();
  assert.deepEqual(gossip, [filter(0), filter(1), filter(2)]);
  assert.deepEqual(alice.routing.dropped, new Array(50 + 47).fill(nodeId));
});

test("channel messages pass gossip that waits", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  const { nodeId } = stranger;
  alice.routing.events = [{ kind: "broadcast", message: filter(1) }];
  alice.manager.processEvents();
  alice.channel.events = [{ kind: "send-message", nodeId, message: numbered(1) }];
  alice.manager.processEvents();
  assert.deepEqual(stranger.received(), [numbered(1), filter(1)]);
});

test("a peer for which too much waits is disconnected, and the rest is forgotten", () => {
  const alice = node(1, { limits: { maxQueuedBytes: 10_000 } });
  const stranger = Stranger.open(alice);
  const { nodeId } = stranger;
  alice.channel.events = Array.from({ length: 1000 }, (_, n) => ({
    kind: "send-message",
    nodeId,
    message: numbered(n),
  }));
  alice.manager.processEvents();
  assert.ok(stranger.isClosed);
  assert.deepEqual(stranger.received(), []);
  assert.equal(alice.channel.calls.length, 2);
});

test("the gossip backlog is asked for only as the peer reads, in pieces", () => {
  const alice = node(1);
  Stranger.open(alice);
  alice.routing.backlog = Array.from({ length: 5000 }, (_, i) => encodeMessage(filter(i)));
  alice.manager.processEvents();
  alice.manager.tick();
  assert.equal(alice.routing.backlog.length, 5000);
  const bytes = alice.manager.takeOutgoing("stranger-99");
  assert.ok(bytes.length > 60_000 && bytes.length < 140_000, `${bytes.length} bytes`);
  const left = alice.routing.backlog.length;
  assert.ok(left > 3000 && left < 5000);
});
