import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import fc from "fast-check";
import { availableToSend } from "#src/commitment/balances";
import type { Commitments } from "#src/commitment/commitments";
import { addHtlc, updateFee } from "#src/commitment/dance";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import type { HtlcState } from "#src/commitment/htlcState";
import {
  acceptIncomingHtlc,
  checkIncomingAdd,
  checkIncomingFee,
  checkOutgoingAdd,
  checkOutgoingFee,
  type LimitsContext,
  sendingState,
} from "#src/commitment/limits";
import { violationText } from "#src/commitment/limitViolation";
import type { ChannelParams, FormatName, PartyParams } from "#src/commitment/params";
import { htlcId, paymentHashOf } from "#src/util/ids";
import { feeratePerKw, type Msat, msat, sat } from "#src/util/units";
import { paramsOf } from "./bolt3Fixtures.ts";
import { startOf } from "./twoParties.ts";

const seeds = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const capacity = 10_000_000_000n;
const hash = paymentHashOf(crypto().sha256(new Uint8Array(32)));
const risky: LimitsContext = { maxDustExposure: msat(capacity) };

interface Setup {
  readonly format?: FormatName;
  readonly isOpener?: boolean;
  readonly localBalance?: bigint;
  readonly feerate?: bigint;
  readonly local?: Partial<PartyParams>;
  readonly remote?: Partial<PartyParams>;
  readonly spliceIn?: bigint;
}

function channel(setup: Setup = {}): Commitments {
  const {
    format = "anchors-zero-fee-htlc",
    isOpener = true,
    localBalance = 5_000_000_000n,
    feerate = 1000n,
  } = setup;
  const base = paramsOf(format);
  const params: ChannelParams = {
    ...base,
    isOpener,
    local: { ...base.local, ...setup.local },
    remote: { ...base.remote, ...setup.remote },
  };
  const start = { params, localBalance: msat(localBalance), feerate: feeratePerKw(feerate) };
  const { spliceIn } = setup;
  return startOf({ ...start, ...(spliceIn !== undefined && { spliceIn }) }, seeds);
}

const htlc = (amount: bigint, cltvExpiry = 500) => ({ amount: msat(amount), cltvExpiry, paymentHash: hash });

/** A channel with HTLCs that are irrevocably committed. */
function withHtlcs(
  commitments: Commitments,
  incoming: readonly bigint[],
  outgoing: readonly bigint[],
): Commitments {
  const rows = [
    ...incoming.map((amount, id) => ({
      amount,
      id,
      direction: "incoming" as const,
      state: "received-add-ack-revocation" as HtlcState,
    })),
    ...outgoing.map((amount, id) => ({
      amount,
      id,
      direction: "outgoing" as const,
      state: "sent-add-ack-revocation" as HtlcState,
    })),
  ];
  return {
    ...commitments,
    htlcs: rows.map(({ amount, id, direction, state }) => ({
      ...htlc(amount),
      direction,
      state,
      id: htlcId(id),
      local: {},
      remote: {},
    })),
    nextLocalHtlcId: htlcId(outgoing.length),
    nextRemoteHtlcId: htlcId(incoming.length),
  };
}

const outgoing = (c: Commitments, amount: bigint, ctx = risky) =>
  checkOutgoingAdd(c, htlc(amount), ctx)?.kind;
const incoming = (c: Commitments, amount: bigint, expiry = 500) =>
  checkIncomingAdd(addHtlc(c, "incoming", htlc(amount, expiry)))?.kind;

function accept(...[commitments, htlc, ctx]: [Commitments, { readonly amount: Msat }, LimitsContext]) {
  return acceptIncomingHtlc(sendingState(commitments, ctx), htlc);
}

describe("checkOutgoingAdd and checkIncomingAdd, the limits of BOLT 2", () => {
  it("keep to what the receiver asked for", () => {
    const limits = {
      htlcMinimum: msat(1000),
      maxAcceptedHtlcs: 2,
      maxHtlcValueInFlight: msat(3_000_000),
    };
    const sender = channel({ remote: limits });
    const receiver = channel({ local: limits });
    for (const [check, c] of [
      [outgoing, sender],
      [incoming, receiver],
    ] as const) {
      assert.equal(check(c, 0n), "amount-zero");
      assert.equal(check(c, 999n), "below-htlc-minimum");
      assert.equal(check(c, 1000n), undefined);
      assert.equal(check(c, 3_000_000n), undefined);
      assert.equal(check(c, 3_000_001n), "too-much-in-flight");
    }
    assert.equal(outgoing(withHtlcs(sender, [5_000_000n, 1n, 1n], [1n]), 1000n), undefined);
    assert.equal(outgoing(withHtlcs(sender, [], [1n, 1n]), 1000n), "too-many-htlcs");
    assert.equal(incoming(withHtlcs(receiver, [1n, 1n], []), 1000n), "too-many-htlcs");
    assert.equal(incoming(withHtlcs(receiver, [1n], [5_000_000n, 1n, 1n]), 1000n), undefined);
  });

  it("refuse an expiry that is a time", () => {
    const c = channel();
    assert.equal(checkOutgoingAdd(c, htlc(1000n, 500_000_000), risky)?.kind, "expiry-not-a-height");
    assert.equal(incoming(c, 1000n, 500_000_000), "expiry-not-a-height");
    assert.equal(incoming(c, 1000n, 499_999_999), undefined);
  });

  it("leave the sender its reserve, on every funding", () => {
    const remote = { channelReserve: sat(100_000) };
    const c = channel({ isOpener: false, localBalance: 500_000_000n, remote });
    assert.equal(outgoing(c, 400_000_000n), undefined);
    assert.equal(outgoing(c, 400_000_001n), "below-reserve");
    // A splice-out leaves less on the second funding.
    const [first] = c.fundings;
    assert.ok(first !== undefined);
    const splicedOut = { ...first, localBalance: msat(first.localBalance - 50_000_000n) };
    const spliced = { ...c, fundings: [first, splicedOut] };
    assert.equal(outgoing(spliced, 350_000_000n), undefined);
    assert.equal(outgoing(spliced, 350_000_001n), "below-reserve");
    const receiver = channel({ localBalance: capacity - 500_000_000n, local: remote });
    assert.equal(incoming(receiver, 400_000_000n), undefined);
    assert.equal(incoming(receiver, 400_000_001n), "below-reserve");
  });

  it("have a refusal say the numbers", () => {
    const refused = checkOutgoingAdd(channel({ remote: { htlcMinimum: msat(1000) } }), htlc(5n), risky);
    assert.equal(refused && violationText(refused), "5 msat is below the HTLC minimum of 1000 msat");
  });
});

describe("the opener's fee", () => {
  it("is kept by an opener that sends: twice the feerate and one more HTLC without anchors, anchors otherwise", () => {
    const reserve = 10_000_000n;
    const legacy = channel({ format: "static-remotekey", localBalance: 1_000_000_000n, feerate: 1000n });
    const legacyCost = 2n * (724n + 2n * 172n) * 1000n;
    assert.equal(outgoing(legacy, 1_000_000_000n - reserve - legacyCost), undefined);
    assert.equal(outgoing(legacy, 1_000_000_000n - reserve - legacyCost + 1n), "opener-cannot-afford-fee");
    const anchors = channel({ localBalance: 1_000_000_000n, feerate: 1000n });
    const anchorsCost = (1124n + 2n * 172n + 660n) * 1000n;
    assert.equal(outgoing(anchors, 1_000_000_000n - reserve - anchorsCost), undefined);
    assert.equal(outgoing(anchors, 1_000_000_000n - reserve - anchorsCost + 1n), "opener-cannot-afford-fee");
  });

  it("lets a non-opener send dust only, when the opener cannot pay for another output", () => {
    const remoteBalance = 10_000_000n + (1124n + 660n + 171n) * 1000n;
    const c = channel({ isOpener: false, localBalance: capacity - remoteBalance });
    assert.equal(outgoing(c, 546_000n), "opener-cannot-afford-fee");
    assert.equal(outgoing(c, 545_999n), undefined);
    const c2 = channel({ isOpener: false, localBalance: capacity - remoteBalance - 1000n });
    assert.equal(outgoing(c2, 546_000n), undefined);
  });

  it("counts an HTLC that is trimmed only after a rise of the feerate (LDK #3933)", () => {
    // 1,500 sat is trimmed at the buffered feerate of 3,530 sat/kW, but has an output at 1,000 sat/kW.
    const format = "static-remotekey";
    const cost = (724n + 172n) * 1000n;
    const amount = 1_500_000n;
    const short = channel({
      format,
      isOpener: false,
      localBalance: capacity - (10_000_000n + cost + amount - 1n),
    });
    const enough = channel({
      format,
      isOpener: false,
      localBalance: capacity - (10_000_000n + cost + amount),
    });
    assert.equal(incoming(short, amount), "opener-cannot-afford-fee");
    assert.equal(incoming(enough, amount), undefined);
  });

  it("is reckoned with the anchors when an opener without a reserve raises the feerate (LDK #3796)", () => {
    const cost = 2000n * (1124n + 2n * 172n);
    const remote = { channelReserve: sat(0) };
    const short = channel({ localBalance: cost + 660_000n - 1n, remote });
    const enough = channel({ localBalance: cost + 660_000n, remote });
    assert.equal(checkOutgoingFee(short, feeratePerKw(2000), risky)?.kind, "opener-cannot-afford-fee");
    assert.equal(checkOutgoingFee(enough, feeratePerKw(2000), risky), undefined);
  });

  it("must be left to us whole by a peer's HTLC, our reserve need not", () => {
    const cost = (1124n + 172n + 660n) * 1000n;
    assert.equal(incoming(channel({ localBalance: cost - 1n }), 1_000_000n), "opener-cannot-afford-fee");
    assert.equal(incoming(channel({ localBalance: cost }), 1_000_000n), undefined);
    // Dust takes no output: what is short was short before.
    assert.equal(incoming(channel({ localBalance: cost - 1n }), 545_999n), undefined);
    const c = addHtlc(channel({ localBalance: cost }), "incoming", htlc(1_000_000n));
    assert.equal(accept(c, htlc(1_000_000n), risky)?.kind, "opener-cannot-afford-fee");
  });

  it("must keep a buffer for what a peer that opened adds, or its HTLC is failed", () => {
    const format = "static-remotekey";
    const bufferCost = 2n * (724n + 2n * 172n) * 1000n;
    const amount = 10_000_000n;
    for (const [missing, expected] of [
      [1n, "opener-cannot-afford-fee"],
      [0n, undefined],
    ] as const) {
      const remoteBalance = 10_000_000n + bufferCost + amount - missing;
      const c = channel({ format, isOpener: false, localBalance: capacity - remoteBalance });
      assert.equal(incoming(c, amount), undefined);
      const committed = withHtlcs(c, [amount], []);
      assert.equal(accept(committed, htlc(amount), risky)?.kind, expected);
    }
  });
});

describe("dust exposure", () => {
  it("bounds what is sent below the thresholds, not what is above (CVE-2021-41591)", () => {
    const ctx = { maxDustExposure: msat(1_000_000) };
    const c = withHtlcs(channel(), [300_000n], [400_000n]);
    assert.equal(outgoing(c, 300_000n, ctx), undefined);
    assert.equal(outgoing(c, 300_001n, ctx), "dust-exposure");
    assert.equal(outgoing(c, 546_000n, ctx), undefined);
  });

  it("counts HTLCs without anchors that a rise of the feerate would trim", () => {
    const ctx = { maxDustExposure: msat(5_000_000) };
    const c = withHtlcs(channel({ format: "static-remotekey" }), [2_000_000n], [2_000_000n]);
    // Trimmed at 1,000 sat/kW: below 546 + 663 sat on our commitment. At 3,530 sat/kW: below 546 + 2,340 sat.
    assert.equal(outgoing(c, 1_000_000n, ctx), undefined);
    assert.equal(outgoing(c, 1_000_001n, ctx), "dust-exposure");
    assert.equal(outgoing(c, 4_000_000n, ctx), undefined);
  });

  it("has an incoming HTLC failed when it is dust and there is too much", () => {
    const ctx = { maxDustExposure: msat(1_000_000) };
    const c = withHtlcs(channel(), [500_000n, 500_001n, 600_000n], []);
    assert.equal(accept(c, htlc(500_001n), ctx)?.kind, "dust-exposure");
    assert.equal(accept(c, htlc(600_000n), ctx), undefined);
    assert.equal(accept(c, htlc(500_001n), { maxDustExposure: msat(1_000_001) }), undefined);
  });

  it("has a feerate refused that trims too much, on either side (CVE-2021-41592)", () => {
    const ctx = { maxDustExposure: msat(5_000_000) };
    const amounts = [3_000_000n, 3_000_000n, 3_000_000n];
    const ours = withHtlcs(channel({ format: "static-remotekey" }), amounts, []);
    assert.equal(checkOutgoingFee(ours, feeratePerKw(1250), ctx)?.kind, "dust-exposure");
    assert.equal(checkOutgoingFee(ours, feeratePerKw(900), ctx), undefined);
    const theirs = withHtlcs(channel({ format: "static-remotekey", isOpener: false }), amounts, []);
    const bounds = { minimum: feeratePerKw(253) };
    assert.equal(checkIncomingFee(theirs, feeratePerKw(10_000), { ...ctx, bounds })?.kind, "dust-exposure");
    assert.equal(checkIncomingFee(theirs, feeratePerKw(900), { ...ctx, bounds }), undefined);
    const anchors = withHtlcs(channel({ isOpener: false }), amounts, []);
    assert.equal(checkIncomingFee(anchors, feeratePerKw(10_000), { ...ctx, bounds }), undefined);
  });

  it("counts fees beyond the limiting feerate on the peer's commitment", () => {
    const ctx = { maxDustExposure: msat(2_000_000), exposureFeerate: feeratePerKw(9_000) };
    // An excess of 1,000 sat/kW: 1,124 sat, and 172 sat for each HTLC with an output.
    const c = channel({ feerate: 10_000n });
    assert.equal(outgoing(withHtlcs(c, Array(5).fill(10_000_000n), []), 10_000_000n, ctx), "dust-exposure");
    assert.equal(outgoing(withHtlcs(c, Array(4).fill(10_000_000n), []), 10_000_000n, ctx), undefined);
  });
});

describe("checkOutgoingFee and checkIncomingFee", () => {
  it("are for the opener only, within bounds", () => {
    const bounds = { minimum: feeratePerKw(253), maximum: feeratePerKw(5000) };
    const check = (c: Commitments, feerate: number) =>
      checkIncomingFee(c, feeratePerKw(feerate), { ...risky, bounds })?.kind;
    assert.equal(check(channel(), 1000), "not-opener");
    assert.equal(
      checkOutgoingFee(channel({ isOpener: false }), feeratePerKw(1000), risky)?.kind,
      "not-opener",
    );
    const c = channel({ isOpener: false });
    assert.equal(check(c, 252), "feerate-too-low");
    assert.equal(check(c, 5001), "feerate-too-high");
    assert.equal(check(c, 5000), undefined);
  });

  it("leave the peer its reserve", () => {
    const cost = 2000n * 1124n + 660_000n;
    const bounds = { minimum: feeratePerKw(253) };
    for (const [missing, expected] of [
      [1n, "opener-cannot-afford-fee"],
      [0n, undefined],
    ] as const) {
      const c = channel({ isOpener: false, localBalance: capacity - (10_000_000n + cost - missing) });
      assert.equal(checkIncomingFee(c, feeratePerKw(2000), { ...risky, bounds })?.kind, expected);
      const applied = updateFee(c, feeratePerKw(2000));
      assert.equal(checkIncomingFee(applied, feeratePerKw(2000), { ...risky, bounds })?.kind, expected);
    }
  });
});

describe("a commitment without outputs", () => {
  it("is refused when the reserve is zero", () => {
    const remote = { channelReserve: sat(0) };
    const c = channel({
      isOpener: false,
      localBalance: capacity - 2_300_000n,
      remote,
      local: { channelReserve: sat(0) },
    });
    // The opener has 2,300 sat: 1,784 of them for fee and anchors, the rest is dust.
    assert.equal(
      outgoing({ ...c, htlcs: withHtlcs(c, [], [capacity - 2_300_000n - 500_000n]).htlcs }, 1n),
      undefined,
    );
    const all = withHtlcs(channel({ isOpener: false, localBalance: 1_000_000n, remote }), [], []);
    const poor = { ...all, fundings: all.fundings.map((f) => ({ ...f, remoteBalance: msat(2_000_000n) })) };
    assert.equal(outgoing(poor, 545_000n), "no-output-left");
    assert.equal(outgoing(poor, 454_000n), undefined);
  });

  it("is not made by dust HTLCs of both sides that cross", () => {
    const none = { channelReserve: sat(0), maxAcceptedHtlcs: 4 };
    const format = "zero-fee-commitments";
    const [ours, theirs] = [700_000n, 1_000_000n];
    const withShares = (isOpener: boolean, localBalance: bigint, remoteBalance: bigint): Commitments => {
      const c = channel({ format, isOpener, localBalance, local: none, remote: none, feerate: 0n });
      return { ...c, fundings: c.fundings.map((f) => ({ ...f, remoteBalance: msat(remoteBalance) })) };
    };
    // Each side tries to spend all it has in two pieces of dust, and sees none of the other's.
    const spent = (mine: Commitments, balance: bigint): bigint => {
      const half = balance / 2n;
      if (outgoing(mine, half) !== undefined) return 0n;
      return outgoing(withHtlcs(mine, [], [half]), half) === undefined ? 2n * half : half;
    };
    const left = [
      ours - spent(withShares(true, ours, theirs), ours),
      theirs - spent(withShares(false, theirs, ours), theirs),
    ];
    assert.ok(
      left.some((share) => share >= 546_000n),
      `${left} msat left`,
    );
    const rich = withShares(true, ours, 5n * 546_000n);
    assert.equal(outgoing(rich, ours / 2n), undefined);
    assert.equal(outgoing(withHtlcs(rich, [], [ours / 2n]), ours / 2n), undefined);
  });
});

describe("availableToSend", () => {
  it("is the least and the largest amount that checkOutgoingAdd takes", () => {
    const amount = fc.oneof(
      fc.bigInt({ min: 1n, max: 6_000_000n }),
      fc.bigInt({ min: 1n, max: 900_000_000n }),
    );
    const setup = fc.record({
      format: fc.constantFrom(...formatNames),
      isOpener: fc.boolean(),
      localBalance: fc.oneof(
        fc.bigInt({ min: 0n, max: 30_000_000n }),
        fc.bigInt({ min: 0n, max: 5_000_000_000n }),
        fc.bigInt({ min: 5_000_000_000n, max: 8_000_000_000n }),
      ),
      remoteShare: fc.bigInt({ min: 0n, max: 20_000_000n }),
      tight: fc.boolean(),
      feerate: fc.bigInt({ min: 253n, max: 20_000n }),
      pendingFee: fc.option(fc.bigInt({ min: 253n, max: 20_000n })),
      maxDustExposure: fc.bigInt({ min: 0n, max: 10_000_000n }),
      exposureFeerate: fc.option(fc.bigInt({ min: 253n, max: 20_000n })),
      htlcMinimum: fc.constantFrom(0n, 1n, 1000n, 1_000_000n),
      reserve: fc.constantFrom(0n, 354n, 10_000n),
      dustLimits: fc.tuple(fc.bigInt({ min: 354n, max: 3000n }), fc.bigInt({ min: 354n, max: 3000n })),
      incoming: fc.array(amount, { maxLength: 4 }),
      outgoing: fc.array(amount, { maxLength: 4 }),
      spliceIn: fc.option(fc.bigInt({ min: 0n, max: 10_000n }), { nil: undefined }),
      probes: fc.array(fc.nat(1_000_000), { minLength: 3, maxLength: 3 }),
    });
    let ranges = 0;
    let raised = 0;
    fc.assert(
      fc.property(setup, (s) => {
        const total = (amounts: readonly bigint[]) => amounts.reduce((a, b) => a + b, 0n);
        const local = s.localBalance + total(s.outgoing);
        const base = channel({
          ...s,
          spliceIn: s.spliceIn ?? 0n,
          localBalance: 0n,
          local: { dustLimit: sat(s.dustLimits[0]), channelReserve: sat(s.reserve) },
          remote: {
            dustLimit: sat(s.dustLimits[1]),
            channelReserve: sat(s.reserve),
            htlcMinimum: msat(s.htlcMinimum),
          },
        });
        const remote = (s.tight ? s.remoteShare : 1_000_000_000n) + total(s.incoming);
        const funded = {
          ...base,
          fundings: base.fundings.map((f) => ({
            ...f,
            localBalance: msat(local + f.localBalance),
            remoteBalance: msat(remote),
          })),
        };
        const pending = s.pendingFee === null ? funded : updateFee(funded, feeratePerKw(s.pendingFee));
        const c = withHtlcs(pending, s.incoming, s.outgoing);
        const ctx: LimitsContext = {
          maxDustExposure: msat(s.maxDustExposure),
          ...(s.exposureFeerate !== null && { exposureFeerate: feeratePerKw(s.exposureFeerate) }),
        };
        const passes = (value: bigint) => outgoing(c, value, ctx) === undefined;
        const { min, max } = availableToSend(c, ctx);
        assert.ok(min >= 1n && min >= s.htlcMinimum);
        if (max < min) {
          for (const probe of s.probes) assert.ok(!passes(min + BigInt(probe) * 5000n));
          return;
        }
        ranges++;
        if (min > 1_000_000n) raised++;
        assert.ok(passes(min) && passes(max), `${min}..${max}`);
        assert.ok(!passes(max + 1n), `${max} is not the largest`);
        for (const probe of s.probes) {
          const between = min + ((max - min) * BigInt(probe)) / 1_000_000n;
          assert.ok(passes(between), `${between} in ${min}..${max}`);
          assert.ok(!passes(max + 1n + BigInt(probe) * 5000n), "above the largest");
        }
      }),
      { seed: 3796, numRuns: 300 },
    );
    assert.ok(ranges > 100 && raised > 5, `${ranges} ranges, ${raised} of them begin above dust`);
  });

  it("prefers large HTLCs to dust when both but nothing between is possible", () => {
    const ctx = { maxDustExposure: msat(500_000) };
    assert.deepEqual(availableToSend(withHtlcs(channel(), [], [400_000n]), ctx).min, 546_000n);
  });

  it("is empty with the least amount as a hint, when nothing can be sent", () => {
    const c = channel({ localBalance: 1_000_000n, remote: { htlcMinimum: msat(5000) } });
    assert.deepEqual(availableToSend(c, risky), { min: 5000n as Msat, max: 0n as Msat });
  });
});

describe("zero-fee commitments", () => {
  const format = "zero-fee-commitments";
  const reserve = 10_000_000n;

  it("let the opener spend all but its reserve", () => {
    const c = channel({ format, feerate: 0n, localBalance: 1_000_000_000n });
    assert.equal(outgoing(c, 1_000_000_000n - reserve), undefined);
    assert.equal(outgoing(c, 1_000_000_000n - reserve + 1n), "below-reserve");
    const theirs = channel({ format, feerate: 0n, isOpener: false, localBalance: capacity - 1_000_000_000n });
    assert.equal(incoming(theirs, 1_000_000_000n - reserve), undefined);
    assert.equal(incoming(theirs, 1_000_000_000n - reserve + 1n), "below-reserve");
  });

  it("let us pay an opener that has less than its reserve, and nothing to pay", () => {
    const setup = { isOpener: false, localBalance: capacity - 1_000_000n };
    assert.equal(outgoing(channel({ ...setup, format, feerate: 0n }), 1_000_000n), undefined);
    assert.equal(outgoing(channel(setup), 1_000_000n), "opener-cannot-afford-fee");
    assert.equal(accept(channel({ ...setup, format, feerate: 0n }), htlc(1n), risky), undefined);
  });

  it("keep an output that belongs to someone", () => {
    const none = { channelReserve: sat(0), dustLimit: sat(2000) };
    const poor = channel({ format, feerate: 0n, localBalance: 3_000_000n, local: none, remote: none });
    const c = { ...poor, fundings: poor.fundings.map((f) => ({ ...f, remoteBalance: msat(1_000_000n) })) };
    assert.equal(outgoing(c, 1_500_000n), "no-output-left");
    assert.equal(outgoing(c, 1_000_000n), undefined);
    const theirs = channel({
      format,
      feerate: 0n,
      isOpener: false,
      localBalance: 1_000_000n,
      local: none,
      remote: none,
    });
    const rich = {
      ...theirs,
      fundings: theirs.fundings.map((f) => ({ ...f, remoteBalance: msat(3_000_000n) })),
    };
    // The shared anchor is an output: a peer that leaves no other one breaks no rule.
    assert.equal(incoming(rich, 1_500_000n), undefined);
    const plain = { ...rich, params: { ...rich.params, format: "static-remotekey" as const } };
    assert.equal(incoming(plain, 1_500_000n), "no-output-left");
    assert.equal(incoming(plain, 1_000_000n), undefined);
  });

  it("have no feerate to set", () => {
    const ours = channel({ format, feerate: 0n });
    const theirs = channel({ format, feerate: 0n, isOpener: false });
    const bounds = { minimum: feeratePerKw(0) };
    for (const feerate of [feeratePerKw(0), feeratePerKw(253)]) {
      assert.deepEqual(checkOutgoingFee(ours, feerate, risky), { kind: "no-feerate" });
      assert.deepEqual(checkIncomingFee(theirs, feerate, { ...risky, bounds }), { kind: "no-feerate" });
    }
  });

  it("are trimmed by the dust limit alone, and only what is trimmed is exposed", () => {
    const ctx = { maxDustExposure: msat(1_000_000) };
    const c = withHtlcs(channel({ format, feerate: 0n }), [545_999n], [400_000n]);
    assert.equal(outgoing(c, 54_001n, ctx), undefined);
    assert.equal(outgoing(c, 54_002n, ctx), "dust-exposure");
    assert.equal(outgoing(c, 546_000n, { ...ctx, exposureFeerate: feeratePerKw(0) }), undefined);
  });
});

describe("formatOf", () => {
  it('has the weights of BOLT 3, "Fee Calculation"', () => {
    assert.deepEqual(formatOf("static-remotekey").weights, {
      commitment: 724,
      htlcOutput: 172,
      htlcTimeout: 663,
      htlcSuccess: 703,
    });
    assert.deepEqual(formatOf("anchors-zero-fee-htlc").weights, {
      commitment: 1124,
      htlcOutput: 172,
      htlcTimeout: 666,
      htlcSuccess: 706,
    });
  });

  it('reckons the example of BOLT 3, "Fee Calculation"', () => {
    const format = formatOf("static-remotekey");
    const feerate = feeratePerKw(5000);
    assert.equal(format.htlcFee("timeout", feerate), 3315n);
    assert.equal(format.htlcFee("success", feerate), 3515n);
    assert.equal(format.trimThreshold("timeout", feerate, sat(546)), 3861n);
    assert.equal(format.commitmentFee(feerate, 2), 5340n);
  });
});
