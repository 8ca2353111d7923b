import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import {
  InitiatorHandshake,
  NoiseConnection,
  type NoiseError,
  type NoiseKeys,
  ResponderHandshake,
} from "@fulmen/lightning/noise";
import type { Point, Result } from "@fulmen/lightning/util";
import { type HandshakeVector, staticKey, vectors } from "./vectors.ts";

interface Answer {
  readonly send?: Uint8Array;
  readonly keys?: NoiseKeys;
}

/** The side under test as a function from one received act to the answer, and what it sends first. */
function start(vector: HandshakeVector): {
  first: Uint8Array | undefined;
  receive: (act: Uint8Array) => Result<Answer, NoiseError>;
} {
  const us = staticKey(fromHex(vector.localKey));
  const ephemeralKey = fromHex(vector.ephemeralKey);
  if (vector.remote !== undefined) {
    const handshake = new InitiatorHandshake(us, fromHex(vector.remote) as Point, ephemeralKey);
    return {
      first: handshake.actOne(),
      receive(act) {
        const read = handshake.actTwo(act);
        return read.ok ? { ok: true, value: { send: read.value.actThree, keys: read.value.keys } } : read;
      },
    };
  }
  const handshake = new ResponderHandshake(us, ephemeralKey);
  let acts = 0;
  return {
    first: undefined,
    receive(act) {
      acts++;
      if (acts === 2) return handshake.actThree(act);
      const read = handshake.actOne(act);
      return read.ok ? { ok: true, value: { send: read.value } } : read;
    },
  };
}

describe("BOLT 8 appendix A: handshakes", () => {
  for (const vector of vectors.handshakes) {
    test(`${vector.side}: ${vector.name}`, () => {
      const { first, receive } = start(vector);
      let sent = first;
      let last: Result<Answer, NoiseError> | undefined;
      for (const step of vector.steps) {
        if ("send" in step) {
          assert.equal(sent && toHex(sent), step.send);
        } else if ("receive" in step) {
          last = receive(fromHex(step.receive));
          sent = last.ok ? last.value.send : undefined;
        } else if ("sendingKey" in step) {
          assert.ok(last?.ok);
          assert.equal(toHex(last.value.keys?.sendingKey ?? new Uint8Array()), step.sendingKey);
          assert.equal(toHex(last.value.keys?.receivingKey ?? new Uint8Array()), step.receivingKey);
          assert.equal(toHex(last.value.keys?.chainingKey ?? new Uint8Array()), vectors.messages.chainingKey);
        } else {
          assert.deepEqual(last, { ok: false, error: { kind: "noise-error", ...step } });
        }
      }
    });

    // The same bytes, one by one, through a connection: a short read is then only an act that is not yet complete.
    test(`${vector.side}, byte by byte: ${vector.name}`, () => {
      const us = staticKey(fromHex(vector.localKey));
      const ephemeralKey = fromHex(vector.ephemeralKey);
      const outbound =
        vector.remote === undefined
          ? undefined
          : NoiseConnection.outbound(us, fromHex(vector.remote) as Point, ephemeralKey);
      const connection = outbound?.connection ?? NoiseConnection.inbound(us, ephemeralKey);
      let sent = outbound?.actOne;
      let error: NoiseError | undefined;
      for (const step of vector.steps) {
        if ("send" in step) {
          assert.equal(sent && toHex(sent), step.send);
        } else if ("receive" in step) {
          sent = undefined;
          for (const byte of fromHex(step.receive)) {
            const received = connection.receive(Uint8Array.of(byte));
            sent ??= received.reply;
            error ??= received.error;
          }
        } else if ("sendingKey" in step) {
          assert.equal(error, undefined);
          assert.notEqual(connection.remote, undefined);
        } else {
          const expected = step.reason === "bad-length" ? undefined : { kind: "noise-error", ...step };
          assert.deepEqual(error, expected);
          assert.equal(connection.remote, undefined);
        }
      }
    });
  }
});

test("the responder learns who the initiator is", () => {
  const us = staticKey(new Uint8Array(32).fill(0x11));
  const them = staticKey(new Uint8Array(32).fill(0x21));
  const { connection, actOne } = NoiseConnection.outbound(
    us,
    fromHex(them.nodeId) as Point,
    new Uint8Array(32).fill(3),
  );
  const inbound = NoiseConnection.inbound(them, new Uint8Array(32).fill(4));
  assert.equal(connection.remote, undefined);
  const actTwo = inbound.receive(actOne).reply ?? assert.fail("no act two");
  const actThree = connection.receive(actTwo).reply ?? assert.fail("no act three");
  assert.equal(connection.remote, them.nodeId);
  assert.equal(inbound.remote, undefined);
  inbound.receive(actThree);
  assert.equal(inbound.remote, us.nodeId);
});

test("an initiator that expects another node is refused", () => {
  const us = staticKey(new Uint8Array(32).fill(0x11));
  const them = staticKey(new Uint8Array(32).fill(0x21));
  const { actOne } = NoiseConnection.outbound(us, fromHex(us.nodeId) as Point, new Uint8Array(32).fill(3));
  const inbound = NoiseConnection.inbound(them, new Uint8Array(32).fill(4));
  const { reply, error } = inbound.receive(actOne);
  assert.equal(reply, undefined);
  assert.deepEqual(error, { kind: "noise-error", stage: "act-one", reason: "bad-tag" });
});
