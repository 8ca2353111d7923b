import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nobleProvider } from "@fulmen/bitcoin/crypto";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { nodeProvider } from "@fulmen/crypto-node";
import { Poly1305 } from "#src/poly1305";

const mac = new Poly1305();
const zeros = (length: number) => "00".repeat(length);
const ones = (length: number) => "ff".repeat(length);

function tagOf(key: string, text: string): string {
  mac.start(fromHex(key));
  mac.update(fromHex(text));
  const tag = new Uint8Array(16);
  mac.finish(tag, 0);
  return toHex(tag);
}

describe("Poly1305", () => {
  // RFC 8439, A.3, 7 to 11: numbers around 2^128 and 2^130 - 5.
  for (const [name, key, text, tag] of [
    ["the sum exceeds 2^130", `02${zeros(31)}`, ones(16), `03${zeros(15)}`],
    [
      "the key's second half makes it exceed 2^128",
      `02${zeros(15)}${ones(16)}`,
      `02${zeros(15)}`,
      `03${zeros(15)}`,
    ],
    [
      "the sum is just above the modulus",
      `01${zeros(31)}`,
      `${ones(16)}f0${ones(15)}11${zeros(15)}`,
      `05${zeros(15)}`,
    ],
    [
      "the sum is the modulus",
      `01${zeros(31)}`,
      `${ones(16)}fb${"fe".repeat(15)}${"01".repeat(16)}`,
      zeros(16),
    ],
    ["the sum is just below 2^130 - 5", `02${zeros(31)}`, `fd${ones(15)}`, `fa${ones(15)}`],
  ] as const) {
    test(name, () => assert.equal(tagOf(key, text), tag));
  }

  test("limbs as large as they get: noble has the same tags", () => {
    const node = nodeProvider();
    const nonce = new Uint8Array(12);
    const all = new Uint8Array(1_000).fill(0xff);
    for (let seed = 0; seed < 200; seed++) {
      const key = new Uint8Array(32).fill(seed);
      // Encrypted twice it would be itself, so that the ciphertext is all ones.
      const plaintext = nobleProvider.chacha20Poly1305Encrypt(key, nonce, all, all).subarray(0, all.length);
      const sealed = nobleProvider.chacha20Poly1305Encrypt(key, nonce, all, plaintext);
      assert.deepEqual(sealed.subarray(0, all.length), all);
      assert.deepEqual(node.chacha20Poly1305Encrypt?.(key, nonce, all, plaintext), sealed);
    }
  });
});
