import assert from "node:assert/strict";
import { test } from "node:test";
import type { GossipMessage } from "@fulmen/lightning/handlers";
import { type ChannelId, concatBytes, type NodeId } from "@fulmen/lightning/util";
import { Features, featuresOfInit } from "@fulmen/lightning/wire";
import fc from "fast-check";
import {
  Cable,
  CustomRecorder,
  chainHash,
  ephemeralKey,
  features,
  filter,
  initWith,
  node,
  numbered,
  Stranger,
  textOf,
} from "./nodes.ts";

const channelId = "ab".repeat(32) as ChannelId;

for (const chunk of [1, 7, 65_536]) {
  test(`two nodes exchange init and then messages -- ${chunk} bytes at a time`, () => {
    const alice = node(1);
    const bob = node(2);
    const cable = new Cable(alice, bob, { chunk });
    cable.run();
    assert.deepEqual(alice.channel.calls, [`connected ${bob.nodeId.slice(0, 6)}`]);
    assert.deepEqual(bob.channel.calls, [`connected ${alice.nodeId.slice(0, 6)}`]);
    const [connection] = bob.channel.connections;
    assert.equal(connection?.inbound, true);
    assert.equal(connection?.epoch, 1);
    assert.ok(connection !== undefined && featuresOfInit(connection.init).equals(features));
    assert.deepEqual(connection.init.tlvs.networks, [chainHash]);

    const sent = Array.from({ length: 40 }, (_, i) => numbered(i));
    alice.channel.events = sent.map((message) => ({ kind: "send-message", nodeId: bob.nodeId, message }));
    cable.run();
    assert.deepEqual(bob.channel.messages, sent);
    assert.equal(cable.isCut, false);
  });
}

test("features of all handlers are offered together", () => {
  const alice = node(1);
  alice.routing.features = Features.of({ option_onion_messages: "optional" });
  const stranger = new Stranger(alice);
  const [init] = stranger.received();
  assert.ok(init?.type === "init");
  const offered = featuresOfInit(init);
  assert.ok(offered.equals(features.union(alice.routing.features)));
});

test("init -- required features that we lack end the connection with a warning", () => {
  const alice = node(1);
  const stranger = new Stranger(alice);
  stranger.received();
  stranger.send(initWith(features.union(Features.ofBits([1000]))));
  assert.match(textOf(stranger.received()[0]), /require features we do not have: 1000/);
  assert.ok(stranger.isClosed);
  assert.deepEqual(alice.channel.calls, []);
});

test("init -- a peer without a feature that we require is refused", () => {
  const alice = node(1, { features: features.union(Features.of({ option_route_blinding: "required" })) });
  const stranger = new Stranger(alice);
  stranger.received();
  stranger.send(initWith(features));
  assert.match(textOf(stranger.received()[0]), /we require/);
  assert.ok(stranger.isClosed);
});

test("init -- unmet dependencies end the connection", () => {
  const alice = node(1);
  const stranger = new Stranger(alice);
  stranger.received();
  stranger.send(initWith(features.union(Features.of({ option_zeroconf: "optional" }))));
  assert.match(textOf(stranger.received()[0]), /option_zeroconf needs option_scid_alias/);
});

test("init -- a peer on other chains only is refused, one on ours too is not", () => {
  const other = "22".repeat(32) as typeof chainHash;
  for (const [networks, isRefused] of [
    [[other], true],
    [[other, chainHash], false],
  ] as const) {
    const alice = node(1);
    const stranger = new Stranger(alice);
    stranger.send(initWith(features, { networks }));
    assert.equal(stranger.isClosed, isRefused);
  }
});

test("a message before init ends the connection, and so does a second init", () => {
  const early = node(1);
  const stranger = new Stranger(early);
  stranger.send(numbered(1));
  assert.ok(stranger.isClosed);
  assert.deepEqual(early.channel.messages, []);

  const twice = node(1);
  const other = Stranger.open(twice);
  other.send(initWith(features), numbered(1));
  assert.ok(other.isClosed);
  assert.deepEqual(twice.channel.messages, []);
  assert.equal(twice.channel.calls.length, 2);
});

test("unknown messages -- odd ones are ignored, even ones end the connection, known ones reach their handler", () => {
  const custom = new CustomRecorder([40_000]);
  const alice = node(1, { handlers: { custom } });
  const stranger = Stranger.open(alice);
  stranger.change();
  const payload = Uint8Array.of(1, 2);
  stranger.send(
    { type: "unknown", typeNumber: 40_000, payload },
    { type: "unknown", typeNumber: 40_001, payload },
  );
  assert.deepEqual(custom.messages, [{ type: "unknown", typeNumber: 40_000, payload }]);
  assert.equal(stranger.isClosed, false);
  stranger.send({ type: "unknown", typeNumber: 40_002, payload }, numbered(1));
  assert.match(textOf(stranger.received()[0]), /even type/);
  assert.ok(stranger.isClosed);
  assert.deepEqual(alice.channel.messages, []);
});

test("a message that cannot be read ends the connection with a warning", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  stranger.send(numbered(1), Uint8Array.of(0, 134, 1, 2, 3), numbered(2));
  assert.match(textOf(stranger.received()[0]), /update_fee/);
  assert.ok(stranger.isClosed);
  assert.deepEqual(alice.channel.messages, [numbered(1)]);
});

test("gossip that cannot be read is answered with a warning, and a flood of it with few", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  stranger.send(...Array.from({ length: 500 }, () => Uint8Array.of(1, 0, 7)));
  assert.deepEqual(stranger.change(), { readsPaused: true, closing: false });
  const warnings = stranger.received();
  assert.equal(warnings.length, 12);
  assert.match(textOf(warnings[0]), /channel_announcement/);
  stranger.send(numbered(1));
  assert.deepEqual(alice.channel.messages, [numbered(1)]);
});

test("errors and warnings reach the channel handler, and the log only in printable words", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  alice.channel.withChannels.add(stranger.nodeId);
  const data = Uint8Array.of(0x68, 0x69, 0x0a, 0x1b, 0x5b);
  stranger.send({ type: "error", channelId, data }, { type: "warning", channelId, data });
  assert.deepEqual(
    alice.channel.messages.map(({ type }) => type),
    ["error", "warning"],
  );
  assert.deepEqual(
    alice.log.filter(({ level }) => level === "warn").map(({ text }) => text),
    [
      `peer sends error about channel ${channelId}: hi??[`,
      `peer sends warning about channel ${channelId}: hi??[`,
    ],
  );
});

test("a channel_update reaches both handlers, other gossip one", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  // The number 258 and 136 bytes of fields.
  stranger.send(filter(0), concatBytes(Uint8Array.of(1, 2), new Uint8Array(136).fill(1)));
  assert.deepEqual(
    alice.routing.messages.map(({ type }) => type),
    ["gossip_timestamp_filter", "channel_update"],
  );
  assert.deepEqual(
    alice.channel.messages.map(({ type }) => type),
    ["channel_update"],
  );
});

test("handlers -- one refuses: those before it hear of the end, it does not", () => {
  const alice = node(1);
  alice.routing.verdict = "refuse";
  const stranger = Stranger.open(alice);
  const id = stranger.nodeId.slice(0, 6);
  assert.ok(stranger.isClosed);
  assert.deepEqual(alice.channel.calls, [`connected ${id}`, `disconnected ${id}`]);
  assert.deepEqual(alice.routing.calls, [`connected ${id}`]);
  assert.deepEqual(alice.manager.listPeers(), []);
});

test("events -- those of an older epoch or for an absent peer are dropped", () => {
  const alice = node(1);
  const first = Stranger.open(alice, 99, "first");
  const { nodeId } = first;
  const second = Stranger.open(alice, 99, "second");
  assert.equal(alice.manager.peer(nodeId)?.epoch, 2);
  alice.channel.events = [
    { kind: "send-message", nodeId, epoch: 1, message: numbered(1) },
    { kind: "send-message", nodeId, epoch: 2, message: numbered(2) },
    { kind: "send-message", nodeId: "02".repeat(33) as NodeId, message: numbered(3) },
    { kind: "send-message", nodeId, message: numbered(4) },
    { kind: "handle-error", nodeId, epoch: 1, action: { kind: "disconnect" } },
  ];
  alice.manager.processEvents();
  assert.deepEqual(second.received(), [numbered(2), numbered(4)]);
  assert.deepEqual(first.received(), []);
  assert.ok(alice.manager.peer(nodeId) !== undefined);
});

test("handle-error -- the message leaves, then the connection ends", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  const { nodeId } = stranger;
  const message = { type: "error", channelId, data: Uint8Array.of(0x78) } as const;
  alice.channel.events = [
    { kind: "handle-error", nodeId, action: { kind: "ignore-and-log", text: "bad\nline" } },
    { kind: "handle-error", nodeId, action: { kind: "send", message: { ...message, type: "warning" } } },
    { kind: "handle-error", nodeId, action: { kind: "disconnect", message } },
    { kind: "send-message", nodeId, message: numbered(1) },
  ];
  alice.manager.processEvents();
  assert.deepEqual(alice.channel.calls.at(-1), `disconnected ${nodeId.slice(0, 6)}`);
  assert.ok(stranger.isClosed);
  assert.deepEqual(
    stranger.received().map(({ type }) => type),
    ["warning", "error"],
  );
  assert.ok(alice.log.some(({ text }) => text === "bad\ufffdline"));
});

test("a newer connection takes the place of an older one", () => {
  const alice = node(1);
  Stranger.open(alice, 99, "first");
  const second = Stranger.open(alice, 99, "second");
  const id = second.nodeId.slice(0, 6);
  assert.deepEqual(alice.channel.calls, [`connected ${id}`, `disconnected ${id}`, `connected ${id}`]);
  assert.deepEqual(
    alice.manager.takeConnectionChanges().find(({ connectionId }) => connectionId === "first"),
    { connectionId: "first", readsPaused: false, closing: true },
  );
  alice.manager.connectionLost("first");
  assert.equal(alice.manager.peer(second.nodeId)?.connectionId, "second");
});

test("two nodes that connect to each other at once end up with one connection", () => {
  for (const order of [
    ["ab", "ba"],
    ["ba", "ab"],
  ]) {
    const alice = node(1);
    const bob = node(2);
    const cables = new Map([
      ["ab", new Cable(alice, bob, { id: "ab" })],
      ["ba", new Cable(bob, alice, { id: "ba" })],
    ]);
    for (const id of [...order, ...order]) cables.get(id)?.run();
    const kept = alice.nodeId < bob.nodeId ? "ab" : "ba";
    assert.equal(alice.manager.peer(bob.nodeId)?.connectionId, kept);
    assert.equal(bob.manager.peer(alice.nodeId)?.connectionId, kept);
  }
});

test("connecting to ourselves, or to what is no node id, is refused", () => {
  const alice = node(1);
  const attempt = (nodeId: NodeId) =>
    alice.manager.newOutboundConnection({ nodeId, connectionId: "x", ephemeralKey: ephemeralKey("x") });
  assert.deepEqual(attempt(alice.nodeId), { ok: false, error: { kind: "own-node-id" } });
  for (const bad of [`02${"ff".repeat(32)}`, "zz", ""]) {
    assert.deepEqual(attempt(bad as NodeId), { ok: false, error: { kind: "not-a-node-id" } });
  }
  const stranger = new Stranger(alice, 1);
  assert.ok(stranger.isClosed);
});

test("disconnect -- what was queued leaves first, and handlers hear of the end once", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  const { nodeId } = stranger;
  alice.channel.events = [{ kind: "send-message", nodeId, message: numbered(1) }];
  alice.manager.processEvents();
  alice.manager.disconnect(nodeId);
  assert.deepEqual(stranger.received(), [numbered(1)]);
  alice.manager.connectionLost("stranger-99");
  alice.manager.disconnect(nodeId);
  assert.equal(alice.channel.calls.length, 2);
  const other = Stranger.open(alice);
  alice.manager.disconnectAll();
  assert.ok(other.isClosed);
});

test("broadcast -- ours goes to all, relayed gossip to those who asked for it, never back", () => {
  const alice = node(1);
  const [a, b, c] = [3, 4, 5].map((seed) => Stranger.open(alice, seed));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  alice.routing.interested.add(a.nodeId).add(b.nodeId);
  alice.routing.events = [
    { kind: "broadcast", message: filter(1) },
    { kind: "broadcast", message: filter(2), except: a.nodeId },
  ];
  alice.manager.processEvents();
  const seen = (stranger: Stranger) =>
    stranger
      .received()
      .map((message) => message.type === "gossip_timestamp_filter" && message.firstTimestamp);
  assert.deepEqual([seen(a), seen(b), seen(c)], [[1], [1, 2], [1]]);
});

test("broadcast -- what the channel handler says of our channels goes by way of the routing handler", () => {
  const alice = node(1);
  const stranger = Stranger.open(alice);
  const own: GossipMessage[] = [];
  alice.routing.handleOwnMessage = (message) => own.push(message);
  alice.channel.events = [{ kind: "broadcast", message: filter(1) }];
  alice.manager.processEvents();
  assert.deepEqual([own, stranger.received()], [[filter(1)], []]);
  alice.routing.events = [{ kind: "broadcast", message: filter(1) }];
  alice.manager.processEvents();
  assert.deepEqual(stranger.received(), [filter(1)]);
});

test("any cutting of the stream gives the same messages", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.nat(0xffff_ffff), { maxLength: 10 }),
      (lengths, numbers) => {
        const alice = node(1);
        const stranger = Stranger.open(alice);
        const collected: Uint8Array[] = [];
        const send = stranger.sendRaw.bind(stranger);
        stranger.sendRaw = (bytes) => collected.push(bytes);
        stranger.send(...numbers.map(numbered));
        const [bytes = new Uint8Array(0)] = collected;
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const length = lengths[i % lengths.length] ?? 1;
          send(bytes.subarray(at, at + length));
          at += length;
        }
        assert.deepEqual(alice.channel.messages, numbers.map(numbered));
      },
    ),
    { numRuns: 15, seed: 1 },
  );
});

test("random bytes never throw, whether in the handshake, encrypted, or instead of ciphertext", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
      fc.boolean(),
      (chunks, asIs) => {
        const alice = node(1);
        alice.manager.newInboundConnection({ connectionId: "raw", ephemeralKey: ephemeralKey("raw") });
        const stranger = Stranger.open(alice);
        for (const chunk of chunks) {
          alice.manager.readBytes("raw", chunk);
          if (asIs) stranger.sendRaw(chunk);
          else stranger.send(chunk);
        }
        alice.manager.processEvents();
        alice.manager.takeOutgoing("raw");
        alice.manager.takeOutgoing("stranger-99");
        alice.manager.tick();
      },
    ),
    { numRuns: 60, seed: 2 },
  );
});
