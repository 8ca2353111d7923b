import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CommitmentNumber,
  commitmentNumber,
  htlcId,
  msat,
  type PaymentHash,
} from "@fulmen/lightning/util";
import { allPastHtlcs, type PastHtlc, type PastHtlcs, pastHtlcsOn, withPast } from "#src/onchain/pastHtlcs";

/** As large as their fields get, now and then. */
function pastHtlc(index: number): PastHtlc {
  const entered = index % 7 === 0 ? 2 ** 48 - 100 + index : index;
  return {
    htlc: {
      direction: index % 2 === 0 ? "incoming" : "outgoing",
      id: htlcId(index % 5 === 0 ? 2n ** 64n - 1n - BigInt(index) : index),
      amount: msat(index % 3 === 0 ? 2n ** 64n - 1n : 1_000_000n + BigInt(index)),
      paymentHash: index.toString(16).padStart(64, "a") as PaymentHash,
      cltvExpiry: index % 4 === 0 ? 2 ** 32 - 1 : 800_000,
    },
    entered: commitmentNumber(entered),
    left: commitmentNumber(entered + 2),
  };
}

function partsOf(past: PastHtlcs | undefined): readonly number[] {
  const lengths: number[] = [];
  for (let part = past; part !== undefined; part = part.before) lengths.push(part.packed.length);
  return lengths;
}

describe("past HTLCs", () => {
  it("come back as they were, the latest first, and stay in the lists that they were added to", () => {
    const lists: (PastHtlcs | undefined)[] = [undefined];
    const all = Array.from({ length: 60 }, (_, index) => pastHtlc(index));
    for (const one of all) lists.push(withPast(lists.at(-1), [one]));
    for (const [length, list] of lists.entries()) {
      assert.deepEqual(allPastHtlcs(list), all.slice(0, length).toReversed());
    }
  });

  it("are found by the commitments that they were on", () => {
    const all = Array.from({ length: 60 }, (_, index) => pastHtlc(index));
    const past = withPast(withPast(undefined, all.slice(0, 40)), all.slice(40));
    const on = (number: number) => pastHtlcsOn(past, number as CommitmentNumber);
    assert.deepEqual(on(11), [pastHtlc(10).htlc, pastHtlc(11).htlc]);
    assert.deepEqual(on(2 ** 48 - 52), []);
    assert.deepEqual(on(2 ** 48 - 51), [pastHtlc(49).htlc]);
    assert.deepEqual(on(2 ** 48 - 50), [pastHtlc(49).htlc]);
    assert.deepEqual(on(2 ** 48 - 49), []);
    assert.deepEqual(pastHtlcsOn(undefined, commitmentNumber(1)), []);
  });

  it("take up 69 bytes each, in few parts", () => {
    let past: PastHtlcs | undefined;
    for (let index = 0; index < 3_000; index++) past = withPast(past, [pastHtlc(index % 60)]);
    const parts = partsOf(past);
    assert.equal(
      parts.reduce((sum, length) => sum + length, 0),
      3_000 * 69,
    );
    assert.ok(parts.length <= 12, `${parts.length} parts`);
    assert.equal(withPast(past, []), past);
  });
});
