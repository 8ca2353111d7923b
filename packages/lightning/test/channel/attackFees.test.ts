import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { feeratePerKw } from "#src/util/units";
import { defaultFeerates, openPairs } from "./pair.ts";

const openPair = openPairs({ push: 300_000_000n });

describe("update_fee below what we ask for", () => {
  it("closes no channel when it is better than what there is", () => {
    const pair = openPair();
    const { alice, bob } = pair;
    // Fees have risen: what was agreed on is too little by now, and so is what Alice thinks of them.
    bob.ctx = {
      ...bob.ctx,
      feerates: { ...defaultFeerates, minAllowedAnchorChannelRemoteFee: feeratePerKw(5_000) },
    };
    pair.command(alice, { kind: "update-fee", feerate: feeratePerKw(2_000) });
    pair.exchange();
    assert.equal(bob.state.kind, "normal");
    assert.equal(bob.channel.commitments.feerates.at(-1)?.feerate, 2_000n);
  });

  it("closes the channel when it is worse", () => {
    const pair = openPair();
    const { alice, bob } = pair;
    bob.ctx = {
      ...bob.ctx,
      feerates: { ...defaultFeerates, minAllowedAnchorChannelRemoteFee: feeratePerKw(5_000) },
    };
    pair.command(alice, { kind: "update-fee", feerate: feeratePerKw(999) });
    pair.exchange();
    assert.equal(bob.state.kind, "closing");
  });
});
