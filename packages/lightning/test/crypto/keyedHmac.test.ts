import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import fc from "fast-check";
import { KeyedHmac } from "#src/crypto/keyedHmac";

describe("an HMAC of many messages", () => {
  it("is that of each alone", () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), messages, (key, all) => {
        const hmac = new KeyedHmac(key, Math.max(...all.map(({ length }) => length)));
        for (const message of all) {
          hmac.message.set(message);
          assert.deepEqual(hmac.digest(message.length), crypto().hmacSha256(key, message));
        }
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});
