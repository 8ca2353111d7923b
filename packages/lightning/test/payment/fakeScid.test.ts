import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { shortChannelId, shortChannelIdParts, toHex } from "@fulmen/lightning/util";
import fc from "fast-check";
import { createFakeScid, fakeScidKey, isFakeScid } from "#src/payment/fakeScid";

const key = fakeScidKey(new Uint8Array(32).fill(1));
const network = "mainnet";
const eightBytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
const runs = { numRuns: 200, seed: 7 };

describe("fake short channel ids", () => {
  it("are known again, in their namespace only, whatever the randomness", () => {
    fc.assert(
      fc.property(eightBytes, fc.integer({ min: 0, max: 2 ** 24 - 1 }), (random, height) => {
        const id = createFakeScid(key, "phantom", { network, height, random });
        assert.ok(isFakeScid(key, "phantom", { id, network }));
        assert.ok(!isFakeScid(key, "intercept", { id, network }));
        const parts = shortChannelIdParts(id);
        assert.ok(parts.height >= 481_824 && parts.height <= Math.max(481_824, height - 4_320));
        assert.ok(parts.txIndex < 2_500 && parts.outputIndex < 8);
      }),
      runs,
    );
  });

  it("are no other key's but by chance, and none with a higher output index", () => {
    const other = fakeScidKey(new Uint8Array(32).fill(2));
    let known = 0;
    for (let count = 0; count < 400; count++) {
      const random = Uint8Array.from({ length: 8 }, (_, at) => (count * 31 + at * 57) % 256);
      const id = createFakeScid(key, "intercept", { network, height: 800_000, random });
      if (isFakeScid(other, "intercept", { id, network })) known += 1;
      const parts = shortChannelIdParts(id);
      const high = shortChannelId({ ...parts, outputIndex: parts.outputIndex + 256 });
      assert.ok(!isFakeScid(key, "intercept", { id: high, network }));
    }
    assert.ok(known > 20 && known < 90, `${known} of 400`);
  });

  it("start with the first witness outputs, on each network", () => {
    const random = new Uint8Array(8);
    assert.equal(
      shortChannelIdParts(createFakeScid(key, "phantom", { network, height: 0, random })).height,
      481_824,
    );
    const onRegtest = createFakeScid(key, "phantom", { network: "regtest", height: 100, random });
    assert.equal(shortChannelIdParts(onRegtest).height, 1);
    assert.ok(isFakeScid(key, "phantom", { id: onRegtest, network: "regtest" }));
    assert.ok(!isFakeScid(key, "phantom", { id: onRegtest, network }));
  });

  it("have a key that no log shows", () => {
    assert.equal(JSON.stringify({ key }).includes(toHex(key.expose())), false);
  });
});
