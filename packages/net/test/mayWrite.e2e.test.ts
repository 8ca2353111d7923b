import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ChannelId, FeeratePerKw } from "@fulmen/lightning/util";
import type { LightningMessage } from "@fulmen/lightning/wire";
import { host, type NetNode, pause, startNode, until } from "./nodes.ts";

const started: NetNode[] = [];
after(() => Promise.all(started.map(({ transport }) => transport.close())));

const channelId = "ab".repeat(32) as ChannelId;

function numbered(n: number): LightningMessage {
  return { type: "update_fee", channelId, feeratePerKw: BigInt(n) as FeeratePerKw };
}

/** Alice, who speaks only when she may, connected to Bob. */
async function pair() {
  const gate = { isOpen: true };
  const alice = startNode(1, { mayWrite: () => gate.isOpen });
  const bob = startNode(2);
  started.push(alice, bob);
  const { port } = await bob.transport.listen({ host, port: 0 });
  const dialled = await alice.transport.connect({ nodeId: bob.nodeId, host, port });
  assert.ok(dialled.ok);
  await until(() => alice.channels.connected === 1 && bob.channels.connected === 1, "connected");
  const send = (...messages: readonly LightningMessage[]): void => {
    alice.channels.events = messages.map((message) => ({
      kind: "send-message",
      nodeId: bob.nodeId,
      message,
    }));
    alice.transport.flush();
  };
  return { gate, alice, bob, port, send, closed: dialled.value.closed };
}

test("what may not be said is kept back, whoever else speaks, and sent in order when it may", async () => {
  const { gate, alice, bob, send } = await pair();
  send(numbered(1));
  gate.isOpen = false;
  send(numbered(2));
  send(numbered(3));
  // What comes in makes the transport flush, too.
  bob.channels.events = [{ kind: "send-message", nodeId: alice.nodeId, message: numbered(9) }];
  bob.transport.flush();
  await until(() => alice.channels.messages.length === 1, "Bob's message");
  await pause(50);
  assert.deepEqual(bob.channels.messages, [numbered(1)]);
  gate.isOpen = true;
  alice.transport.flush();
  await until(() => bob.channels.messages.length === 3, "all messages");
  assert.deepEqual(bob.channels.messages, [numbered(1), numbered(2), numbered(3)]);
});

test("between two pieces of what waits it is asked again", async () => {
  const { alice, bob, send, gate } = await pair();
  const message: LightningMessage = { type: "warning", channelId, data: new Uint8Array(60_000) };
  const messages = Array.from({ length: 200 }, () => message);
  bob.channels.pauses = true;
  send(...messages);
  await pause(50);
  gate.isOpen = false;
  bob.channels.pauses = false;
  bob.transport.flush();
  // What had left before arrives first, however slow the machine is.
  let arrived = -1;
  while (arrived !== bob.channels.messages.length) {
    arrived = bob.channels.messages.length;
    await pause(100);
  }
  assert.ok(arrived < 200, "not all of it had left");
  await pause(50);
  assert.equal(bob.channels.messages.length, arrived);
  gate.isOpen = true;
  alice.transport.flush();
  await until(() => bob.channels.messages.length === 200, "the rest");
});

test("a connection that is closed is closed without last words", async () => {
  const { alice, bob, gate, closed } = await pair();
  gate.isOpen = false;
  alice.channels.events = [
    {
      kind: "handle-error",
      nodeId: bob.nodeId,
      action: { kind: "disconnect", message: { type: "error", channelId, data: Uint8Array.of(0x78) } },
    },
  ];
  alice.transport.flush();
  await closed;
  await until(() => bob.channels.disconnected === 1, "disconnected");
  assert.deepEqual(bob.channels.messages, []);
});

test("without a word no connection comes about", async () => {
  const { alice, bob, gate, closed } = await pair();
  alice.peers.disconnect(bob.nodeId);
  alice.transport.flush();
  await closed;
  gate.isOpen = false;
  const { port } = await bob.transport.listen({ host, port: 0 });
  const dialled = await alice.transport.connect({ nodeId: bob.nodeId, host, port });
  assert.ok(dialled.ok);
  await pause(50);
  assert.equal(bob.channels.connected, 1);
  gate.isOpen = true;
  alice.transport.flush();
  await until(() => bob.channels.connected === 2, "connected again");
});
