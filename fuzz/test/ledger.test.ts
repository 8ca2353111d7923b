import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ledger } from "#src/model/ledger";

/** A-B and B-C of 1,000 sat each, all on the first side, and an order of 100,000 msat from A to C. */
function books(): Ledger {
  const ledger = new Ledger({ base: 10n, millionths: 20_000n });
  ledger.opened("ab", { first: "a", second: "b", capacity: 1_000n, balance: 1_000_000n });
  ledger.opened("bc", { first: "b", second: "c", capacity: 1_000n, balance: 1_000_000n });
  ledger.ordered("p", { payer: "a", payee: "c", amount: 100_000n, isRelayed: false });
  return ledger;
}

const forwarded = {
  kind: "payment-forwarded",
  prevHtlcs: [{ channelId: "ab", amount: 102_010n }],
  nextHtlcs: [{ channelId: "bc", amount: 100_000n }],
  totalFeeEarned: 2_010n,
};
const claimable = { kind: "payment-claimable", paymentHash: "p" };
const claimed = {
  kind: "payment-claimed",
  paymentHash: "p",
  amount: 100_000n,
  htlcs: [{ channelId: "bc", value: 100_000n }],
};
const sent = { kind: "payment-sent", paymentHash: "p", amount: 100_000n, feePaid: 2_010n };
const failed = { kind: "payment-failed", paymentHash: "p" };

function paid(): Ledger {
  const ledger = books();
  ledger.told("c", claimable);
  ledger.told("c", claimed);
  ledger.told("b", forwarded);
  ledger.told("a", sent);
  return ledger;
}

const balances = (ledger: Ledger): readonly bigint[] =>
  ledger.statements.flatMap(({ shares }) => shares.map(({ balance }) => balance));

describe("the ledger", () => {
  it("moves the amount to the payee and the fee to the forwarder", () => {
    const ledger = paid();
    ledger.checkEnded();
    assert.deepEqual(balances(ledger), [897_990n, 102_010n, 900_000n, 100_000n]);
    const none = { failed: 0, lost: 0, split: 0, relayed: 0 };
    assert.deepEqual(ledger.counts, { ...none, ordered: 1, sent: 1, forwards: 1 });
  });

  it("gives who relays a payment in parts its fee once", () => {
    const ledger = books();
    ledger.ordered("r", { payer: "a", payee: "c", amount: 100_000n, isRelayed: true });
    ledger.told("c", {
      ...claimed,
      paymentHash: "r",
      htlcs: [
        { channelId: "bc", value: 60_000n },
        { channelId: "bc", value: 40_000n },
      ],
    });
    ledger.told("b", {
      ...forwarded,
      prevHtlcs: [
        { channelId: "ab", amount: 100_000n },
        { channelId: "ab", amount: 2_010n },
      ],
      nextHtlcs: [
        { channelId: "bc", amount: 60_000n },
        { channelId: "bc", amount: 40_000n },
      ],
    });
    ledger.told("a", { ...sent, paymentHash: "r" });
    ledger.told("a", failed);
    ledger.checkEnded();
    assert.deepEqual(balances(ledger), [897_990n, 102_010n, 900_000n, 100_000n]);
    assert.equal(ledger.counts.relayed, 1);
  });

  it("moves nothing for a payment that failed", () => {
    const ledger = books();
    ledger.told("c", claimable);
    ledger.told("a", failed);
    ledger.checkEnded();
    assert.deepEqual(balances(ledger), [1_000_000n, 0n, 1_000_000n, 0n]);
  });

  it("complains of a payment that does not end, or ends twice", () => {
    assert.throws(() => books().checkEnded(), /0 times, failed 0 times/);
    const both = paid();
    both.told("a", failed);
    assert.throws(() => both.checkEnded(), /sent 1 times, failed 1 times/);
    const twice = paid();
    twice.told("a", sent);
    assert.throws(() => twice.checkEnded(), /sent 2 times/);
  });

  it("complains of a payment that was claimed and not sent, or the other way round", () => {
    const stolen = books();
    stolen.told("c", claimable);
    stolen.told("c", claimed);
    stolen.told("a", failed);
    assert.throws(() => stolen.checkEnded(), /claimed 1 times/);
    const faked = books();
    faked.told("a", sent);
    assert.throws(() => faked.checkEnded(), /claimed 0 times/);
  });

  it("complains of wrong amounts and fees", () => {
    const cheap = books();
    cheap.told("c", claimed);
    cheap.told("b", forwarded);
    cheap.told("a", { ...sent, feePaid: 2_009n });
    assert.throws(() => cheap.checkEnded(), /2010 were due/);
    assert.throws(() => books().told("a", { ...sent, amount: 99_999n }), /100000 were due/);
    assert.throws(() => books().told("c", { ...claimed, amount: 99_999n }), /99999 msat, 100000 in parts/);
    assert.throws(
      () => books().told("b", { ...forwarded, prevHtlcs: [{ channelId: "ab", amount: 102_009n }] }),
      /are due/,
    );
    assert.throws(() => books().told("b", { ...forwarded, totalFeeEarned: 2_011n }), /are due/);
  });

  it("adds up the parts of a payment, and the fees for each of them", () => {
    const part = (value: bigint) => ({ channelId: "bc", value });
    const ledger = books();
    ledger.told("c", { ...claimed, htlcs: [part(60_000n), part(40_000n)] });
    for (const [value, fee] of [
      [60_000n, 1_210n],
      [40_000n, 810n],
    ] as const)
      ledger.told("b", {
        ...forwarded,
        prevHtlcs: [{ channelId: "ab", amount: value + fee }],
        nextHtlcs: [{ channelId: "bc", amount: value }],
        totalFeeEarned: fee,
      });
    ledger.told("a", { ...sent, feePaid: 2_020n });
    ledger.checkEnded();
    assert.deepEqual(balances(ledger), [897_980n, 102_020n, 900_000n, 100_000n]);
    assert.equal(ledger.counts.split, 1);
    assert.throws(() => books().told("c", { ...claimed, htlcs: [part(60_000n)] }), /60000 in parts/);
  });

  it("complains of what was forwarded twice for one claim", () => {
    const ledger = paid();
    ledger.told("b", forwarded);
    assert.throws(() => ledger.checkEnded(), /200000 msat forwarded, 100000 msat claimed/);
  });

  it("complains of strangers' payments and channels", () => {
    assert.throws(() => books().told("b", sent), /not payer/);
    assert.throws(() => books().told("c", { ...claimed, paymentHash: "q" }), /not payee/);
    assert.throws(
      () => books().told("b", { ...forwarded, nextHtlcs: [{ channelId: "xy", amount: 100_000n }] }),
      /never opened/,
    );
  });

  it("lets a crash undo an order that was not stored, and no other", () => {
    const lost = books();
    lost.died("a");
    lost.stored("a", () => false);
    lost.checkEnded();
    assert.equal(lost.counts.lost, 1);
    lost.told("a", sent);
    assert.throws(() => lost.checkEnded(), /though it was lost|claimed 0 times/);
    assert.throws(() => books().stored("a", () => false), /vanished/);
    const stored = books();
    stored.stored("a", () => true);
    stored.died("a");
    assert.throws(() => stored.checkEnded(), /sent 0 times, failed 0 times/);
  });
});
