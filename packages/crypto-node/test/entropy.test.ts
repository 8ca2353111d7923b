import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex } from "@fulmen/bitcoin/primitives";
import { systemEntropy } from "@fulmen/crypto-node";

describe("systemEntropy", () => {
  test("as many bytes as asked for, of their own and never twice", () => {
    const entropy = systemEntropy();
    const seen = new Set<string>();
    for (let i = 0; i < 2_000; i++) {
      const bytes = entropy.randomBytes(16 + (i % 40));
      assert.equal(bytes.length, 16 + (i % 40));
      assert.equal(bytes.buffer.byteLength, bytes.length);
      seen.add(toHex(bytes.subarray(0, 16)));
    }
    assert.equal(seen.size, 2_000);
    assert.equal(entropy.randomBytes(0).length, 0);
    for (const length of [4_096, 4_097, 100_000]) {
      const bytes = entropy.randomBytes(length);
      assert.equal(bytes.length, length);
      assert.ok(bytes.subarray(-64).some((byte) => byte !== 0));
    }
  });
});
