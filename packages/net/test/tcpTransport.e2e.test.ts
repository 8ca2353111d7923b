import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, test } from "node:test";
import type { ChannelId, FeeratePerKw, NodeId } from "@fulmen/lightning/util";
import { type LightningMessage, maxMessageBytes } from "@fulmen/lightning/wire";
import { Reconnector } from "@fulmen/net";
import { BarePeer, bareSocket, host, type NetNode, pause, startNode, until } from "./nodes.ts";

const channelId = "ab".repeat(32) as ChannelId;
const started: NetNode[] = [];

function start(...parameters: Parameters<typeof startNode>): NetNode {
  const node = startNode(...parameters);
  started.push(node);
  return node;
}

async function listen(node: NetNode): Promise<number> {
  const { port } = await node.transport.listen({ host, port: 0 });
  return port;
}

after(() => Promise.all(started.map(({ transport }) => transport.close())));

function numbered(n: number): LightningMessage {
  return { type: "update_fee", channelId, feeratePerKw: BigInt(n) as FeeratePerKw };
}

/** As large as a message can be. */
const large: LightningMessage = { type: "warning", channelId, data: new Uint8Array(maxMessageBytes - 36) };

test("two nodes connect and carry messages in order, both ways", async () => {
  const alice = start(1);
  const bob = start(2);
  const port = await listen(bob);
  const dialled = await alice.transport.connect({ nodeId: bob.nodeId, host, port });
  assert.ok(dialled.ok);
  await until(() => alice.channels.connected === 1 && bob.channels.connected === 1, "connected");
  const sent = Array.from({ length: 3000 }, (_, n) => numbered(n));
  const to = (nodeId: NodeId) => sent.map((message) => ({ kind: "send-message", nodeId, message }) as const);
  alice.channels.events = to(bob.nodeId);
  bob.channels.events = to(alice.nodeId);
  alice.transport.flush();
  bob.transport.flush();
  await until(() => bob.channels.messages.length === 3000 && alice.channels.messages.length === 3000, "all");
  assert.deepEqual(bob.channels.messages, sent);
  assert.deepEqual(alice.channels.messages, sent);

  bob.peers.disconnect(alice.nodeId);
  bob.transport.flush();
  await dialled.value.closed;
  assert.deepEqual([alice.channels.disconnected, bob.channels.disconnected], [1, 1]);
  assert.deepEqual(alice.peers.listPeers(), []);
});

test("last words arrive before the connection ends, although the peer goes on writing", async () => {
  const alice = start(1);
  const bob = start(2);
  const port = await listen(bob);
  const dialled = await alice.transport.connect({ nodeId: bob.nodeId, host, port });
  await until(() => bob.channels.connected === 1, "connected");
  const nodeId = alice.nodeId;
  alice.channels.events = Array.from({ length: 40 }, () => ({
    kind: "send-message",
    nodeId: bob.nodeId,
    message: large,
  }));
  bob.channels.events = [
    {
      kind: "handle-error",
      nodeId,
      action: { kind: "disconnect", message: { type: "error", channelId, data: Uint8Array.of(0x78) } },
    },
  ];
  bob.transport.flush();
  alice.transport.flush();
  assert.ok(dialled.ok);
  await dialled.value.closed;
  assert.deepEqual(alice.channels.messages, [{ type: "error", channelId, data: Uint8Array.of(0x78) }]);
});

test("connect -- nobody listens, no such node, an impostor", async () => {
  const alice = start(1);
  const bob = start(2);
  const port = await listen(bob);
  const vacant = createServer();
  await once(vacant.listen(0, host), "listening");
  const address = vacant.address();
  assert.ok(address !== null && typeof address === "object");
  await new Promise((resolve) => vacant.close(resolve));

  const refused = await alice.transport.connect({ nodeId: bob.nodeId, host, port: address.port });
  assert.deepEqual(refused, { ok: false, error: { kind: "failed", code: "ECONNREFUSED" } });
  const nonsense = await alice.transport.connect({ nodeId: "zz" as NodeId, host, port });
  assert.deepEqual(nonsense, { ok: false, error: { kind: "not-a-node-id" } });
  const impostor = await alice.transport.connect({ nodeId: start(3).nodeId, host, port });
  assert.ok(impostor.ok);
  await impostor.value.closed;
  assert.equal(alice.channels.connected, 0);
});

test("connect -- takes too long", async () => {
  const alice = start(1, { connectTimeout: 1 });
  const port = await listen(start(2));
  const dialling = alice.transport.connect({ nodeId: start(2).nodeId, host, port });
  // The connection stands by now, but timers that are due come first.
  for (const end = performance.now() + 20; performance.now() < end; );
  assert.deepEqual(await dialling, { ok: false, error: { kind: "timed-out" } });
});

test("connect -- the transport closes meanwhile, or is closed", async () => {
  const alice = start(1);
  const bob = start(2);
  const port = await listen(bob);
  const dialling = alice.transport.connect({ nodeId: bob.nodeId, host, port });
  await alice.transport.close();
  assert.deepEqual(await dialling, { ok: false, error: { kind: "transport-closed" } });
  const late = await alice.transport.connect({ nodeId: bob.nodeId, host, port });
  assert.deepEqual(late, { ok: false, error: { kind: "transport-closed" } });
});

test("listen -- a port that is taken rejects", async () => {
  const port = await listen(start(1));
  await assert.rejects(start(2).transport.listen({ host, port }), { code: "EADDRINUSE" });
});

test("a peer that stops reading -- gossip is not even made, channel messages end in its disconnection", async () => {
  const alice = start(1, { limits: { maxQueuedBytes: 1_000_000 } });
  const port = await listen(alice);
  const deaf = await BarePeer.connect(alice, port);
  deaf.socket.pause();
  alice.gossip.isOn = true;
  deaf.write(numbered(1));
  await until(() => alice.gossip.taken > 0, "gossip taken");
  let before = -1;
  while (before !== alice.gossip.taken) {
    before = alice.gossip.taken;
    await pause(100);
  }
  // What fits into the buffers of the two kernels' ends, and no more.
  assert.ok(before < 16_000_000, `${before} bytes`);
  const good = await BarePeer.connect(alice, port, 98);
  good.socket.resume();
  await until(() => alice.gossip.taken > before + 16_000_000, "gossip to a peer that reads");
  alice.gossip.isOn = false;

  alice.channels.events = Array.from({ length: 20 }, () => ({
    kind: "send-message",
    nodeId: deaf.nodeId,
    message: large,
  }));
  alice.transport.flush();
  assert.equal(alice.peers.peer(deaf.nodeId), undefined);
  assert.ok(alice.peers.peer(good.nodeId) !== undefined);
  good.socket.destroy();
  await until(() => alice.peers.listPeers().length === 0, "all gone");
});

test("a peer that reads late -- what it has sent meanwhile is read once ours has left", async () => {
  const alice = start(1);
  const port = await listen(alice);
  const late = await BarePeer.connect(alice, port);
  late.socket.pause();
  alice.channels.events = Array.from({ length: 200 }, () => ({
    kind: "send-message",
    nodeId: late.nodeId,
    message: large,
  }));
  alice.transport.flush();
  late.write(numbered(1));
  await pause(50);
  assert.deepEqual(alice.channels.messages, []);
  late.socket.resume();
  await until(() => alice.channels.messages.length === 1, "read again");
  late.socket.destroy();
});

test("many answers at once hold up reading only until they are written", async () => {
  const alice = start(1);
  const port = await listen(alice);
  const peer = await BarePeer.connect(alice, port);
  peer.socket.resume();
  const ping: LightningMessage = { type: "ping", numPongBytes: 10, ignored: new Uint8Array(0) };
  peer.write(...Array.from({ length: 12 }, () => ping));
  await pause(50);
  peer.write(numbered(1));
  await until(() => alice.channels.messages.length === 1, "read again");
  peer.socket.destroy();
});

test("a handler that cannot keep up -- no more is read, and all of it comes later", async () => {
  const alice = start(1);
  const port = await listen(alice);
  const eager = await BarePeer.connect(alice, port);
  eager.socket.resume();
  alice.channels.pauses = true;
  for (let n = 0; n < 400; n++) eager.write(large);
  let before = -1;
  while (before !== alice.channels.messages.length) {
    before = alice.channels.messages.length;
    await pause(100);
  }
  assert.ok(before <= 2, `${before} messages`);
  assert.ok(eager.socket.writableLength > 10_000_000);
  alice.channels.pauses = false;
  alice.transport.flush();
  await until(() => alice.channels.messages.length === 400, "the rest");
  eager.socket.destroy();
});

test("half handshakes and slow ones are closed, a good peer connects meanwhile", async () => {
  const alice = start(1, { limits: { maxInboundHandshakes: 20 } });
  const port = await listen(alice);
  const sockets = await Promise.all(Array.from({ length: 60 }, () => bareSocket(port)));
  let closed = 0;
  for (const socket of sockets) {
    socket.resume().on("close", () => {
      closed++;
    });
  }
  await until(() => closed === 40, "the oldest");
  for (const socket of sockets) if (!socket.destroyed) socket.write(Uint8Array.of(0));
  const good = await BarePeer.connect(alice, port);
  good.socket.resume();
  alice.peers.tick();
  good.write({ type: "pong", ignored: new Uint8Array(0) });
  await pause(20);
  alice.peers.tick();
  alice.transport.flush();
  await until(() => closed === 60, "the rest");
  assert.ok(alice.peers.peer(good.nodeId) !== undefined);
  good.socket.destroy();
});

test("a socket killed in the middle of the handshake, or after it, leaves nothing behind", async () => {
  const alice = start(1);
  const port = await listen(alice);
  for (const bytes of [0, 1, 50]) {
    const socket = await bareSocket(port);
    socket.write(new Uint8Array(bytes));
    socket.resetAndDestroy();
  }
  const peer = await BarePeer.connect(alice, port);
  peer.socket.resetAndDestroy();
  await until(() => alice.channels.disconnected === 1, "disconnected");
  await until(() => alice.lost.length === 4, "all four sockets");
  assert.deepEqual(alice.peers.listPeers(), []);
});

test("a peer that says no more is let go, even when it does not read our last words", async () => {
  const alice = start(1, { closeTimeout: 50 });
  const port = await listen(alice);
  const peer = await BarePeer.connect(alice, port);
  peer.socket.resume();
  peer.socket.end();
  await until(() => alice.channels.disconnected === 1, "disconnected");

  const mute = await BarePeer.connect(alice, port);
  mute.socket.pause();
  alice.gossip.isOn = true;
  mute.write(numbered(1));
  await until(() => alice.gossip.taken > 0, "gossip taken");
  await pause(50);
  alice.peers.disconnect(mute.nodeId);
  alice.transport.flush();
  await until(() => alice.lost.length === 2, "closed although the peer does not read");
  assert.deepEqual(alice.lost, ["tcp-1", "tcp-2"]);
  mute.socket.destroy();
});

test("reconnects after the other node comes back", async () => {
  const alice = start(1);
  const first = start(2);
  const port = await listen(first);
  const { nodeId } = first;
  const reconnector = new Reconnector({
    connect: (address) => alice.transport.connect(address),
    isConnected: (id) => alice.peers.peer(id) !== undefined,
    minDelay: 20,
    maxDelay: 40,
  });
  reconnector.add({ nodeId, host, port });
  await until(() => alice.channels.connected === 1, "connected");
  await first.transport.close();
  await until(() => alice.channels.disconnected === 1, "disconnected");
  const second = start(2);
  await second.transport.listen({ host, port });
  await until(() => alice.channels.connected === 2, "connected again");
  assert.equal(alice.peers.peer(nodeId)?.epoch, 2);
  reconnector.stop();
});
