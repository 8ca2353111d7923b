import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DecodeError } from "@fulmen/lightning/codec";
import { decodeScores, encodeScores, ProbabilisticScorer } from "@fulmen/lightning/routing";
import { fromHex, type ShortChannelId, toHex } from "@fulmen/lightning/util";
import fc from "fast-check";
import { at, line, pathOf, second, third } from "./situations.ts";

const graph = line(1_000_000_000);

/** What a scorer learns. */
const experience = fc.record({
  kind: fc.constantFrom("failed", "carried", "paid", "faded"),
  amount: fc.integer({ min: 1, max: 2_000_000_000 }),
  failed: fc.constantFrom<ShortChannelId>(second, third),
  after: fc.integer({ min: 0, max: 4_000_000 }),
});

function learned(experiences: readonly (typeof experience extends fc.Arbitrary<infer T> ? T : never)[]) {
  const scorer = new ProbabilisticScorer({ graph });
  let now = 1_700_000_000;
  for (const { kind, amount, failed, after } of experiences) {
    now += after;
    if (kind === "failed") scorer.paymentPathFailed(pathOf(amount), failed, at(now));
    else if (kind === "carried") scorer.probeSuccessful(pathOf(amount), at(now));
    else if (kind === "paid") scorer.paymentPathSuccessful(pathOf(amount), at(now));
    else scorer.timePassed(at(now));
  }
  return scorer;
}

/** 250 sat passed both channels, then 500 sat the first one only. These bytes are on users' disks. */
const golden = [
  "0101",
  "0048",
  // Channel 42: at least 500,000 msat; nothing known against the whole capacity.
  "000000000000002a",
  "000000000007a120",
  "0000000000000000",
  "6553f10a".repeat(3),
  // Channel 43: at least 250,000 msat, at most 500,000.
  "000000000000002b",
  "000000000003d090",
  "000000003b9328e0",
  "6553f10a".repeat(3),
  "021c",
  // 42: the lower bound was in buckets 3 and 4, the upper one in bucket 0 twice.
  "0000001800000001",
  "001f0020003f",
  // 43: the lower bound was in bucket 3 twice, the upper one in buckets 0 and 27.
  "0000000808000001",
  "003f001f0020",
].join("");

describe("scores as bytes", () => {
  it("are the same scores when they are read", () => {
    fc.assert(
      fc.property(fc.array(experience, { maxLength: 12 }), (experiences) => {
        const scorer = learned(experiences);
        const bytes = scorer.write();
        const read = decodeScores(bytes);
        assert.deepEqual(encodeScores(read), bytes);
        const again = new ProbabilisticScorer({ graph, scores: read });
        for (const edge of [0, 1, 2, 3]) {
          for (const amount of [1_000, 400_000_000]) {
            const penalty = scorer.penaltiesFor(graph).edgePenalty(edge, amount, 0);
            assert.equal(again.penaltiesFor(graph).edgePenalty(edge, amount, 0), penalty);
          }
        }
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it("stand as they always stood", () => {
    const scorer = new ProbabilisticScorer({ graph });
    scorer.probeSuccessful(pathOf(250_000), at(1_700_000_000));
    scorer.paymentPathFailed(pathOf(500_000), third, at(1_700_000_010));
    assert.equal(toHex(scorer.write()), golden);
  });

  it("are refused when they are cut, garbled or too long", () => {
    const bytes = fromHex(golden);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeScores(bytes.subarray(0, length)), DecodeError, `${length} bytes`);
    }
    assert.throws(() => decodeScores(fromHex(`${golden}00`)), DecodeError);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const garbled = Uint8Array.from(bytes, (byte, i) => (i === place ? byte ^ change : byte));
        try {
          assert.deepEqual(encodeScores(decodeScores(garbled)).subarray(2), garbled.subarray(2));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { seed: 12, numRuns: 500 },
    );
  });

  it("are refused when a channel comes twice, an empty bucket is said to be filled, or there is more than there can be", () => {
    const row = (low: string, min = "0000000000000001") =>
      `00000000000000${low}${min}${"0".repeat(16)}${"00000005".repeat(3)}`;
    const scores = (rows: readonly string[], histories: readonly string[]) => {
      const parts = [rows.join(""), histories.join("")];
      const records = parts.map(
        (hex, i) => `${["00", "02"][i]}${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`,
      );
      return fromHex(`0101${records.join("")}`);
    };
    const none = "0".repeat(16);
    assert.equal(decodeScores(scores([row("2a"), row("2b")], [none, none])).size, 2);
    const refused = [
      scores([row("2a"), row("2a")], [none, none]),
      scores([row("2b"), row("2a")], [none, none]),
      scores([row("2a")], [none, none]),
      scores([row("2a"), row("2b")], [none]),
      scores([row("2a")], ["00000001000000000000"]),
      scores([row("2a", "0020000000000000")], [none]),
      scores([row("2a").slice(2)], [none]),
    ];
    for (const [i, bytes] of refused.entries()) {
      assert.throws(() => decodeScores(bytes), DecodeError, `case ${i}`);
    }
    assert.throws(() => decodeScores(fromHex("0202000002 00".replace(" ", ""))), DecodeError);
  });
});
