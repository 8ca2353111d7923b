import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultUserConfig } from "#src/channel/config";
import type { LocalHtlcFailureReason } from "#src/handlers/event";
import { checkForward, checkUnknownForward, forwardFailure } from "#src/payment/forwardPolicy";
import { msat } from "#src/util/units";
import { failureCodeOf } from "#src/wire/failureCodes";

const height = 1_000;
const config = {
  ...defaultUserConfig.channelConfig,
  forwardingFeeBase: msat(1_000n),
  forwardingFeeProportionalMillionths: 500,
  cltvExpiryDelta: 72,
};
const policy = { configs: [config], htlcMinimum: msat(10n), isBlinded: false, height };

const terms = (amount: bigint, cltvExpiry: number) => ({ amount: msat(amount), cltvExpiry });

describe("what a channel asks for passing HTLCs on", () => {
  const check = (
    incoming: [bigint, number],
    outgoing: [bigint, number],
    changed: Partial<typeof policy> = {},
  ) => checkForward(terms(...incoming), terms(...outgoing), { ...policy, ...changed });

  it("is its fee, to the millisatoshi", () => {
    assert.equal(check([1_001_500n, 1_200], [1_000_000n, 1_100]), undefined);
    assert.equal(check([1_001_499n, 1_200], [1_000_000n, 1_100]), "fee-insufficient");
    assert.equal(check([999n, 1_200], [1_000n, 1_100]), "fee-insufficient");
    assert.equal(check([2n ** 64n - 1n, 1_200], [2n ** 64n - 1n, 1_100]), "fee-insufficient");
    assert.equal(check([1_001_499n, 1_200], [1_000_000n, 1_100], { isBlinded: true }), undefined);
    assert.equal(check([1_001_498n, 1_200], [1_000_000n, 1_100], { isBlinded: true }), "fee-insufficient");
  });

  it("is an amount that the next peer takes, and time, to the block", () => {
    assert.equal(check([1_010n, 1_200], [9n, 1_100]), "amount-below-minimum");
    assert.equal(check([1_010n, 1_200], [10n, 1_100]), undefined);
    assert.equal(check([1_010n, 1_171], [10n, 1_100]), "incorrect-cltv-expiry");
    assert.equal(check([1_010n, 1_172], [10n, 1_100]), undefined);
    // One block is yet to come, 39 are ours.
    const short = { configs: [{ ...config, cltvExpiryDelta: 0 }] };
    assert.equal(check([1_010n, 1_040], [10n, 1_020], short), "cltv-expiry-too-soon");
    assert.equal(check([1_010n, 1_041], [10n, 1_020], short), undefined);
    assert.equal(check([1_010n, 1_100], [10n, 1_004]), "outgoing-cltv-too-soon");
    assert.equal(check([1_010n, 1_100], [10n, 1_005]), undefined);
    assert.equal(check([1_010n, 1_001 + 2_016], [10n, 1_100]), undefined);
    assert.equal(check([1_010n, 1_002 + 2_016], [10n, 1_100]), "cltv-expiry-too-far");
  });

  it("may be what it was before, whole, not the best of both", () => {
    const before = { ...config, forwardingFeeBase: msat(10n), cltvExpiryDelta: 100 };
    const configs = [config, before];
    assert.equal(check([110n, 1_200], [100n, 1_100], { configs }), undefined);
    assert.equal(check([110n, 1_199], [100n, 1_100], { configs }), "fee-insufficient");
    assert.equal(check([1_100n, 1_172], [100n, 1_100], { configs }), undefined);
  });

  it("is no loss and LDK's smallest delta where the channel is not known", () => {
    const unknown = (incoming: [bigint, number], outgoing: [bigint, number]) =>
      checkUnknownForward(terms(...incoming), terms(...outgoing), height);
    assert.equal(unknown([1_000n, 1_200], [1_000n, 1_152]), undefined);
    assert.equal(unknown([999n, 1_200], [1_000n, 1_152]), "fee-insufficient");
    assert.equal(unknown([1_000n, 1_200], [1_000n, 1_153]), "incorrect-cltv-expiry");
  });
});

describe("the answer to a payer", () => {
  it("has BOLT 4's code, the HTLC's figures, and the channel's terms where its code says so", () => {
    const update = Uint8Array.of(1, 2, 3);
    const details = {
      incoming: terms(1_100n, 1_200),
      outgoing: terms(1_000n, 1_100),
      channelUpdate: () => update,
    };
    const codes = new Map<LocalHtlcFailureReason, number>([
      ["unknown-next-peer", 0x4000 | 10],
      ["private-channel-forward", 0x4000 | 10],
      ["channel-closed", 0x4000 | 8],
      ["channel-disabled", 0x1000 | 20],
      ["peer-offline", 0x1000 | 7],
      ["channel-not-ready", 0x1000 | 7],
      ["forwarding-budget", 0x1000 | 7],
      ["htlc-maximum", 0x1000 | 7],
      ["amount-below-minimum", 0x1000 | 11],
      ["fee-insufficient", 0x1000 | 12],
      ["incorrect-cltv-expiry", 0x1000 | 13],
      ["cltv-expiry-too-soon", 0x1000 | 14],
      ["outgoing-cltv-too-soon", 0x1000 | 14],
      ["cltv-expiry-too-far", 21],
      ["forward-expiry-buffer", 0x2000 | 2],
    ]);
    for (const [reason, code] of codes) {
      const failure = forwardFailure(reason, details);
      assert.equal(failureCodeOf(failure), code, reason);
      const told = "channelUpdate" in failure ? failure.channelUpdate : undefined;
      assert.deepEqual(told, (code & 0x1000) !== 0 ? update : undefined, reason);
    }
    const minimum = forwardFailure("amount-below-minimum", details);
    assert.ok(minimum.type === "amount_below_minimum" && minimum.htlcMsat === 1_000n);
    const fee = forwardFailure("fee-insufficient", details);
    assert.ok(fee.type === "fee_insufficient" && fee.htlcMsat === 1_100n);
    const expiry = forwardFailure("incorrect-cltv-expiry", details);
    assert.ok(expiry.type === "incorrect_cltv_expiry" && expiry.cltvExpiry === 1_100);
  });
});
