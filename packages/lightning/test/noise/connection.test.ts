import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, fromHex } from "@fulmen/bitcoin/primitives";
import { NoiseConnection, type NoiseReceived } from "@fulmen/lightning/noise";
import { InvariantError, type Point } from "@fulmen/lightning/util";
import fc from "fast-check";
import { staticKey } from "./vectors.ts";

const us = staticKey(new Uint8Array(32).fill(0x11));
const them = staticKey(new Uint8Array(32).fill(0x21));

function open(): { alice: NoiseConnection; bob: NoiseConnection } {
  const { connection: alice, actOne } = NoiseConnection.outbound(
    us,
    fromHex(them.nodeId) as Point,
    new Uint8Array(32).fill(3),
  );
  const bob = NoiseConnection.inbound(them, new Uint8Array(32).fill(4));
  const actTwo = bob.receive(actOne).reply ?? assert.fail("no act two");
  bob.receive(alice.receive(actTwo).reply ?? assert.fail("no act three"));
  return { alice, bob };
}

/** `bytes` in chunks of the given lengths, over and over. */
function inChunks(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let offset = 0, i = 0; offset < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    chunks.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return chunks;
}

test("messages come out whole, however the network cuts them", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 8 }),
      (messages, lengths) => {
        const { alice, bob } = open();
        const wire = concatBytes(...messages.map((message) => alice.encrypt(message)));
        const received: Uint8Array[] = [];
        for (const chunk of inChunks(wire, lengths)) {
          const { messages: some, error, reply } = bob.receive(chunk);
          assert.equal(error, undefined);
          assert.equal(reply, undefined);
          received.push(...some);
        }
        assert.deepEqual(received, messages);
      },
    ),
    { numRuns: 25, seed: 8 },
  );
});

test("act three and the first messages may arrive in one chunk", () => {
  const { connection: alice, actOne } = NoiseConnection.outbound(
    us,
    fromHex(them.nodeId) as Point,
    new Uint8Array(32).fill(3),
  );
  const bob = NoiseConnection.inbound(them, new Uint8Array(32).fill(4));
  const actTwo = bob.receive(actOne).reply ?? assert.fail("no act two");
  const actThree = alice.receive(actTwo).reply ?? assert.fail("no act three");
  const first = Uint8Array.of(0, 16, 0, 0);
  const { messages, error } = bob.receive(concatBytes(actThree, alice.encrypt(first), alice.encrypt(first)));
  assert.equal(error, undefined);
  assert.deepEqual(messages, [first, first]);
});

test("messages are copies: the chunk may be used again", () => {
  const { alice, bob } = open();
  const wire = alice.encrypt(Uint8Array.of(1, 2, 3));
  const { messages } = bob.receive(wire);
  wire.fill(0);
  assert.deepEqual(messages, [Uint8Array.of(1, 2, 3)]);
});

test("an unfinished piece is a copy: the chunk may be used again", () => {
  const { alice, bob } = open();
  const wire = alice.encrypt(Uint8Array.of(1, 2, 3));
  const chunk = new Uint8Array(20);
  const received: NoiseReceived[] = [];
  for (let offset = 0; offset < wire.length; offset += 20) {
    const part = wire.subarray(offset, offset + 20);
    chunk.set(part);
    received.push(bob.receive(chunk.subarray(0, part.length)));
    chunk.fill(0);
  }
  assert.deepEqual(
    received.flatMap(({ messages }) => messages),
    [Uint8Array.of(1, 2, 3)],
  );
});

test("what came before a fault is delivered; after it, only the fault", () => {
  const { alice, bob } = open();
  const good = alice.encrypt(Uint8Array.of(1));
  const bad = alice.encrypt(Uint8Array.of(2));
  bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
  const next = alice.encrypt(Uint8Array.of(3));
  const error = { kind: "noise-error", stage: "message", reason: "bad-tag" } as const;
  assert.deepEqual(bob.receive(concatBytes(good, bad, next)), {
    reply: undefined,
    messages: [Uint8Array.of(1)],
    error,
  });
  assert.deepEqual(bob.receive(next), { reply: undefined, messages: [], error });
  assert.equal(bob.remote, undefined);
  assert.throws(() => bob.encrypt(Uint8Array.of(1)), InvariantError);
});

test("a touched length prefix closes the connection", () => {
  const { alice, bob } = open();
  const wire = alice.encrypt(Uint8Array.of(1));
  wire[0] = (wire[0] ?? 0) ^ 1;
  assert.deepEqual(bob.receive(wire).error, { kind: "noise-error", stage: "length", reason: "bad-tag" });
});

test("random bytes at any stage end in an error and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 80, maxLength: 200 }), fc.boolean(), (noise, established) => {
      const bob = established ? open().bob : NoiseConnection.inbound(them, new Uint8Array(32).fill(4));
      const { reply, messages, error } = bob.receive(noise);
      assert.equal(reply, undefined);
      assert.deepEqual(messages, []);
      assert.equal(error?.kind, "noise-error");
    }),
    { numRuns: 40, seed: 8 },
  );
});

test("nothing is encrypted before the handshake is done", () => {
  const bob = NoiseConnection.inbound(them, new Uint8Array(32).fill(4));
  assert.throws(() => bob.encrypt(Uint8Array.of(1)), InvariantError);
});
