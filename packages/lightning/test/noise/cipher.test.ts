import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { maxMessageLength, NoiseCipher } from "@fulmen/lightning/noise";
import { InvariantError } from "@fulmen/lightning/util";
import { vectors } from "./vectors.ts";

const { chainingKey, sendingKey, receivingKey, message, outputs } = vectors.messages;

function sender(): NoiseCipher {
  return new NoiseCipher({
    chainingKey: fromHex(chainingKey),
    sendingKey: fromHex(sendingKey),
    receivingKey: fromHex(receivingKey),
  });
}

function receiver(): NoiseCipher {
  return new NoiseCipher({
    chainingKey: fromHex(chainingKey),
    sendingKey: fromHex(receivingKey),
    receivingKey: fromHex(sendingKey),
  });
}

describe("BOLT 8 appendix A: messages, over two rotations of the key", () => {
  const plaintext = fromHex(message);
  const encrypting = sender();
  const wires = Array.from({ length: 1002 }, () => encrypting.encrypt(plaintext));

  for (const { number, wire } of outputs) {
    test(`message ${number}`, () => {
      assert.equal(toHex(wires[number] ?? new Uint8Array()), wire);
    });
  }

  test("the receiver follows all of them", () => {
    const decrypting = receiver();
    for (const wire of wires) {
      assert.equal(decrypting.decryptLength(wire.subarray(0, 18)), plaintext.length);
      assert.deepEqual(decrypting.decryptMessage(wire.subarray(18)), plaintext);
    }
  });
});

test("the two directions rotate their keys apart from each other", () => {
  const [alice, bob] = [sender(), receiver()];
  for (let i = 0; i < 600; i++) {
    const wire = alice.encrypt(fromHex(message));
    assert.equal(bob.decryptLength(wire.subarray(0, 18)), 5);
    assert.equal(toHex(bob.decryptMessage(wire.subarray(18)) ?? new Uint8Array()), message);
  }
  const wire = bob.encrypt(Uint8Array.of(1, 2, 3));
  assert.equal(alice.decryptLength(wire.subarray(0, 18)), 3);
  assert.deepEqual(alice.decryptMessage(wire.subarray(18)), Uint8Array.of(1, 2, 3));
});

test("the shortest and the longest message", () => {
  const [alice, bob] = [sender(), receiver()];
  for (const length of [0, 1, 255, 256, maxMessageLength]) {
    const plaintext = new Uint8Array(length).fill(0xab);
    const wire = alice.encrypt(plaintext);
    assert.equal(wire.length, length + 34);
    assert.equal(bob.decryptLength(wire.subarray(0, 18)), length);
    assert.deepEqual(bob.decryptMessage(wire.subarray(18)), plaintext);
  }
  assert.throws(() => alice.encrypt(new Uint8Array(maxMessageLength + 1)), InvariantError);
});

test("a touched prefix, a touched body and a replay are not the peer's", () => {
  const [alice, bob] = [sender(), receiver()];
  const wire = alice.encrypt(fromHex(message));
  for (let i = 0; i < 18; i++) {
    const touched = wire.slice(0, 18);
    touched[i] = (touched[i] ?? 0) ^ 1;
    assert.equal(bob.decryptLength(touched), undefined);
  }
  assert.equal(bob.decryptLength(wire.subarray(0, 18)), 5);
  for (let i = 18; i < wire.length; i++) {
    const touched = wire.slice(18);
    touched[i - 18] = (touched[i - 18] ?? 0) ^ 1;
    assert.equal(bob.decryptMessage(touched), undefined);
  }
  assert.deepEqual(bob.decryptMessage(wire.subarray(18)), fromHex(message));
  assert.equal(bob.decryptLength(wire.subarray(0, 18)), undefined);
});

test("messages encrypted together are those encrypted one by one, in one buffer", () => {
  const some = [new Uint8Array(0), fromHex(message), new Uint8Array(700).fill(7)];
  const one = sender();
  assert.equal(toHex(sender().encryptAll(some)), some.map((plain) => toHex(one.encrypt(plain))).join(""));
  assert.equal(sender().encryptAll([]).length, 0);
});
