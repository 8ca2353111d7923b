import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SeededEntropy, SyncStore } from "@fulmen/testkit";
import { kvStoreConformance } from "@fulmen/testkit/conformance";

describe("the store that can be asked without promises", () => {
  kvStoreConformance({ describe, it }, async () => {
    const store = new SyncStore();
    return {
      open: async () => {
        const reopened = new SyncStore();
        reopened.commitNow(store.entries());
        const commit = reopened.commit.bind(reopened);
        reopened.commit = async (batch) => {
          await commit(batch);
          store.commitNow(batch);
        };
        return reopened;
      },
      remove: async () => {},
    };
  });
});

describe("seeded entropy", () => {
  it("is the same for the same seed, different for another, and never repeats", () => {
    const draw = (seed: number) => {
      const entropy = new SeededEntropy(seed);
      return [entropy.randomBytes(32), entropy.randomBytes(32), entropy.randomBytes(70)].map((bytes) =>
        Buffer.from(bytes).toString("hex"),
      );
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
    assert.equal(new Set(draw(1).map((hex) => hex.slice(0, 64))).size, 3);
    assert.equal(draw(1)[2]?.length, 140);
  });
});
