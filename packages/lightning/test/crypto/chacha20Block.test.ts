import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { concatBytes, fromHex, toHex } from "@fulmen/lightning/util";
import { chacha20FromBlock } from "#src/crypto/chacha20Block";

const key = Uint8Array.from({ length: 32 }, (_, index) => index);
const nonce = fromHex("000000090000004a00000000");

describe("chacha20FromBlock", () => {
  it("gives the block of RFC 8439, section 2.3.2", () => {
    const stream = chacha20FromBlock(key, concatBytes(Uint8Array.of(1, 0, 0, 0), nonce), new Uint8Array(64));
    assert.equal(
      toHex(stream),
      "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e" +
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
    );
  });

  it("is the provider's stream, from any block of it", () => {
    const data = Uint8Array.from({ length: 300 }, (_, index) => (index * 7) % 256);
    const whole = crypto().chacha20(key, nonce, data);
    for (const block of [0, 1, 2, 4]) {
      const from = Uint8Array.of(block, 0, 0, 0);
      const part = chacha20FromBlock(key, concatBytes(from, nonce), data.subarray(block * 64));
      assert.equal(toHex(part), toHex(whole.subarray(block * 64)));
    }
  });

  it("goes from the last block on to the first, and keeps its arguments as they were", () => {
    const last = concatBytes(new Uint8Array(4).fill(0xff), nonce);
    const data = new Uint8Array(128);
    const stream = chacha20FromBlock(key, last, data);
    assert.equal(toHex(stream.subarray(64)), toHex(crypto().chacha20(key, nonce, new Uint8Array(64))));
    assert.equal(toHex(data), "00".repeat(128));
  });

  it("refuses keys and nonces of other lengths", () => {
    assert.throws(() => chacha20FromBlock(key, nonce, new Uint8Array(1)), /InvariantError/);
    assert.throws(
      () => chacha20FromBlock(key.subarray(1), new Uint8Array(16), new Uint8Array(1)),
      /InvariantError/,
    );
  });
});
