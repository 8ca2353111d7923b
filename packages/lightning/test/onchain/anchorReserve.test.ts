import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FormatName } from "#src/commitment/params";
import {
  type AnchorReserveTerms,
  anchorReserve,
  canSupportAdditionalAnchorChannel,
  defaultAnchorReserveTerms,
  type ReserveCoin,
  reservePerChannel,
  supportableAnchorChannels,
} from "#src/onchain/anchorReserve";
import { feeratePerKw, sat } from "#src/util/units";

const anchors = "anchors-zero-fee-htlc";
const zeroFee = "zero-fee-commitments";
const plain: AnchorReserveTerms = {
  ...defaultAnchorReserveTerms,
  upperBoundFeerate: feeratePerKw(1_000),
  expectedAcceptedHtlcs: 1,
};
const dust = 294n;
/** Of a P2WPKH input: a signature of 72 bytes with its type, a key. */
const coinFee = 272n;

function coin(value: bigint): ReserveCoin {
  return {
    output: { value: sat(value), script: new Uint8Array(22) },
    satisfactionWeight: 4 + 1 + 1 + 72 + 1 + 33,
  };
}

describe("anchor reserve of one channel", () => {
  it("is what all of its transactions weigh", () => {
    // LDK's figure for the same terms, which leaves out that change must be no dust.
    assert.equal(reservePerChannel(plain, anchors), 4_349n + dust);
    // Commitment 776, child 42 + 165 + 124, two HTLC outputs, 703 and 663 and twice change and coin, a coin.
    const weight = 776n + 331n + 344n + 703n + 663n + 2n * (272n + 124n) + coinFee;
    assert.equal(reservePerChannel(plain, zeroFee), weight + dust);
    assert.equal(reservePerChannel(plain, "static-remotekey"), 0n);
  });

  it("grows with feerate and HTLCs, up to what a channel can have", () => {
    const at = (change: Partial<AnchorReserveTerms>, format: FormatName = anchors) =>
      reservePerChannel({ ...plain, ...change }, format);
    assert.equal(at({ upperBoundFeerate: feeratePerKw(50_000) }), 50n * 4_349n + dust);
    assert.equal(at({ expectedAcceptedHtlcs: 2 }) - at({}), 344n + 706n + 666n + 2n * 396n);
    assert.equal(at({ expectedAcceptedHtlcs: 60_000 }), at({ expectedAcceptedHtlcs: 483 }));
    assert.equal(at({ expectedAcceptedHtlcs: 60_000 }, zeroFee), at({ expectedAcceptedHtlcs: 114 }, zeroFee));
    assert.ok(at({ isTaprootWallet: true }) !== at({}));
    assert.ok(reservePerChannel(defaultAnchorReserveTerms, zeroFee) > 300_000n);
  });
});

describe("channels that coins support", () => {
  const reserve = reservePerChannel(plain, anchors);

  it("are one for each coin that suffices, to the satoshi", () => {
    assert.equal(supportableAnchorChannels(plain, [], anchors), 0);
    assert.equal(supportableAnchorChannels(plain, [coin(reserve), coin(reserve)], anchors), 2);
    assert.equal(supportableAnchorChannels(plain, [coin(reserve), coin(reserve - 1n)], anchors), 1);
    assert.equal(supportableAnchorChannels(plain, [coin(100n * reserve)], anchors), 1);
    assert.equal(supportableAnchorChannels(plain, [], "static-remotekey"), Number.POSITIVE_INFINITY);
  });

  it("take twice as much of coins that are too small alone, and nothing of dust", () => {
    const half = coin((reserve - coinFee) / 2n + coinFee + 1n);
    assert.equal(supportableAnchorChannels(plain, [half, half, half], anchors), 0);
    assert.equal(supportableAnchorChannels(plain, [half, half, half, half], anchors), 1);
    assert.equal(supportableAnchorChannels(plain, Array(1_000).fill(coin(coinFee)), anchors), 0);
  });
});

describe("one more channel", () => {
  const one = reservePerChannel(plain, anchors);
  const other = reservePerChannel(plain, zeroFee);
  const ask = (
    coins: readonly bigint[],
    channels: { readonly atHand: readonly FormatName[]; readonly additional: FormatName; spending?: bigint },
    terms = plain,
  ) => {
    const { spending = 0n, ...rest } = channels;
    return canSupportAdditionalAnchorChannel(terms, coins.map(coin), { ...rest, spending: sat(spending) });
  };

  it("is refused with what is needed, reserved and there", () => {
    const atHand: readonly FormatName[] = [anchors, zeroFee, "static-remotekey"];
    assert.equal(anchorReserve(plain, atHand), one + other);
    const needed = one + other + one;
    const coins = [one, other, one - 1n];
    assert.deepEqual(ask(coins, { atHand, additional: anchors }), {
      ok: false,
      error: { kind: "insufficient-anchor-reserve", needed, available: needed - 1n, reserved: one + other },
    });
    assert.ok(ask([one, other, one], { atHand, additional: anchors }).ok);
    assert.ok(ask(coins, { atHand, additional: "static-remotekey" }).ok);
  });

  it("counts the funding that the same coins pay", () => {
    const funding = 500_000n;
    const short = ask([funding, one - 1n], { atHand: [], additional: anchors, spending: funding });
    assert.deepEqual(short, {
      ok: false,
      error: {
        kind: "insufficient-anchor-reserve",
        needed: funding + one,
        available: funding + one - 1n,
        reserved: 0n,
      },
    });
    assert.ok(ask([funding, one], { atHand: [], additional: anchors, spending: funding }).ok);
  });

  it("needs a coin of its own, unless channels may wait for one another", () => {
    const channels = { atHand: [anchors, zeroFee], additional: anchors } as const;
    assert.deepEqual(ask([one * 50n, one], channels), {
      ok: false,
      error: { kind: "too-few-coins", supportable: 2, channels: 3 },
    });
    assert.ok(ask([one * 50n], channels, { ...plain, sharesCoins: true }).ok);
    assert.ok(ask([one * 50n, one, other], channels).ok);
    assert.ok(ask([one * 50n, one, one / 2n, one / 2n, one / 2n, one], channels).ok);
  });
});
