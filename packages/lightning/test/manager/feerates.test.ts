import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { feeratePerKw } from "@fulmen/lightning/util";
import { FeerateTracker } from "#src/manager/feerates";

describe("feerates", () => {
  it("asks of peers the least that was asked within 144 blocks", () => {
    let rate = 300;
    const tracker = new FeerateTracker({ feerate: () => feeratePerKw(rate) });
    assert.equal(tracker.at(1_000).minAllowedNonAnchorChannelRemoteFee, 300n);
    rate = 5_000;
    for (let height = 1_001; height <= 1_143; height++) {
      const { minAllowedNonAnchorChannelRemoteFee, minAllowedAnchorChannelRemoteFee } = tracker.at(height);
      assert.equal(minAllowedNonAnchorChannelRemoteFee, 300n, `height ${height}`);
      assert.equal(minAllowedAnchorChannelRemoteFee, 300n, `height ${height}`);
    }
    assert.equal(tracker.at(1_144).minAllowedNonAnchorChannelRemoteFee, 5_000n);
  });

  it("takes one low estimate at a height for the whole of it, and our own feerates as they are now", () => {
    let rate = 253;
    const tracker = new FeerateTracker({ feerate: () => feeratePerKw(rate) });
    tracker.at(10);
    rate = 2_000;
    const feerates = tracker.at(10);
    assert.equal(feerates.minAllowedAnchorChannelRemoteFee, 253n);
    assert.equal(feerates.anchorChannelFee, 2_000n);
  });
});
