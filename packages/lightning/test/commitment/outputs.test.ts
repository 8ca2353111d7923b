import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { standardFlags, verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { p2wsh } from "@fulmen/bitcoin/script";
import { weight } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { type BuiltCommitment, buildCommitment } from "#src/commitment/build";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import { fundingScript } from "#src/commitment/funding";
import { commitmentKeys, type Side } from "#src/commitment/keys";
import { openerCost } from "#src/commitment/load";
import type { FormatName } from "#src/commitment/params";
import { remoteOutputs } from "#src/commitment/remoteOutputs";
import {
  commitmentSighash,
  fundingWitness,
  htlcSighash,
  htlcSuccessWitness,
  htlcTimeoutWitness,
  ownHtlcSighash,
  withWitness,
} from "#src/commitment/signatures";
import type { CommitmentSpec, SpecHtlc } from "#src/commitment/spec";
import { compareBytes, equalBytes, toHex } from "#src/util/bytes";
import { commitmentNumber, htlcId, paymentHashOf } from "#src/util/ids";
import { feeratePerKw, msat, msatToSat, sat, satToMsat, sum } from "#src/util/units";
import { funding, paramsOf, point, signPlainly } from "./bolt3Fixtures.ts";

const at = point("localPerCommitmentPoint");
const keysOf = Object.fromEntries(
  formatNames.map((name) => {
    const params = paramsOf(name);
    return [
      name,
      { local: commitmentKeys(params, "local", at), remote: commitmentKeys(params, "remote", at) },
    ];
  }),
);

const preimages = [0, 1, 2].map((byte) => new Uint8Array(32).fill(byte));
const hashes = preimages.map((preimage) => paymentHashOf(crypto().sha256(preimage)));

const arbitraryHtlcs = fc
  .array(
    fc.record({
      direction: fc.constantFrom("incoming" as const, "outgoing" as const),
      amount: fc.oneof(fc.bigInt({ min: 1n, max: 5_000_000n }), fc.constantFrom(3_000_000n, 3_000_001n)),
      hash: fc.nat(2),
      cltvExpiry: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 499_999_999 })),
    }),
    { maxLength: 30 },
  )
  .map((rows) =>
    rows.map(({ direction, amount, hash, cltvExpiry }, id): SpecHtlc => {
      const paymentHash = hashes[hash];
      assert.ok(paymentHash !== undefined);
      return { direction, id: htlcId(id), amount: msat(amount), paymentHash, cltvExpiry };
    }),
  );

const arbitrary = fc.record({
  format: fc.constantFrom<FormatName>(...formatNames),
  side: fc.constantFrom<Side>("local", "remote"),
  isOpener: fc.boolean(),
  number: fc.integer({ min: 0, max: 2 ** 40 }),
  feerate: fc.bigInt({ min: 0n, max: 3_000n }),
  htlcs: arbitraryHtlcs,
  share: fc.oneof(fc.nat(1_000_000), fc.constantFrom(0, 1_000_000)),
});

type Case = typeof arbitrary extends fc.Arbitrary<infer T> ? T : never;

/** The commitment of a random case; the opener always has 100,000 sat at least. */
function build({ format, side, isOpener, number, feerate, htlcs, share }: Case): {
  built: BuiltCommitment;
  spec: CommitmentSpec;
} {
  const params = { ...paramsOf(format), isOpener };
  const free = satToMsat(funding.capacity) - sum(htlcs.map(({ amount }) => amount)) - 100_000_000n;
  const part = (free * BigInt(share)) / 1_000_000n;
  const toLocal = msat(part + (isOpener ? 100_000_000n : 0n));
  const toRemote = msat(free - part + (isOpener ? 0n : 100_000_000n));
  const keys = keysOf[format]?.[side];
  assert.ok(keys !== undefined);
  const spec = { feerate: feeratePerKw(feerate), toLocal, toRemote, htlcs };
  return {
    spec,
    built: buildCommitment({ params, side, funding, number: commitmentNumber(number), keys, spec }),
  };
}

const fundingPrevout = {
  value: funding.capacity,
  script: p2wsh(fundingScript(funding.localKey, funding.remoteKey)),
};

describe("buildCommitment", () => {
  it("spends the capacity: outputs and fee, in order, nothing below dust", () => {
    fc.assert(
      fc.property(arbitrary, (c) => {
        const { built, spec } = build(c);
        const format = formatOf(c.format);
        const { outputs } = built.transaction;
        assert.equal(sum(outputs.map(({ value }) => value)) + built.fee, funding.capacity);
        for (const [i, { value, script }] of outputs.entries()) {
          const before = outputs[i - 1];
          if (before === undefined) continue;
          const order =
            before.value === value ? compareBytes(before.script, script) : before.value < value ? -1 : 1;
          assert.ok(order <= 0, "BIP 69");
        }
        const trimmed = spec.htlcs.filter(({ id }) => !built.htlcs.some((htlc) => htlc.id === id));
        let lost: bigint = sum(trimmed.map(({ amount }) => amount));
        for (const { id, value } of built.htlcs) {
          const htlc = spec.htlcs.find((row) => row.id === id);
          lost += (htlc?.amount ?? 0n) - satToMsat(value);
        }
        const { toOwner, toOther } = built;
        const openerIsOwner = c.isOpener === (c.side === "local");
        const cost = openerCost(format, spec.feerate, built.htlcs.length);
        const shares = c.side === "local" ? [spec.toLocal, spec.toRemote] : [spec.toRemote, spec.toLocal];
        const [ownerShare = 0n, otherShare = 0n] = shares;
        const ownerCost = openerIsOwner ? cost : 0n;
        const otherCost = openerIsOwner ? 0n : cost;
        const expected = [ownerShare - ownerCost, otherShare - otherCost].map((left) => left / 1000n);
        for (const [i, output] of [toOwner, toOther].entries()) {
          const value = expected[i] ?? 0n;
          if (value >= 546n) assert.equal(output?.value, value);
          else assert.equal(output, undefined);
        }
        const anchors = [built.ownerAnchor, built.otherAnchor, built.sharedAnchor];
        const anchorsPaid = satToMsat(sum(anchors.map((anchor) => anchor?.value ?? sat(0))));
        const left = [toOwner?.value ?? 0n, toOther?.value ?? 0n].map((value) => value * 1000n);
        const mainLost = ownerShare + otherShare - (left[0] ?? 0n) - (left[1] ?? 0n) - anchorsPaid;
        assert.equal(built.fee * 1000n, lost + mainLost);
        const unclaimed = built.fee + (built.sharedAnchor?.value ?? 0n);
        if (c.format === "zero-fee-commitments") {
          assert.equal(built.sharedAnchor?.value, unclaimed < 240n ? unclaimed : 240n);
        } else {
          assert.equal(built.sharedAnchor, undefined);
        }
        if (c.format === "anchors-zero-fee-htlc") {
          assert.equal(built.ownerAnchor !== undefined, toOwner !== undefined || built.htlcs.length > 0);
          assert.equal(built.otherAnchor !== undefined, toOther !== undefined || built.htlcs.length > 0);
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("trims by the owner's dust limit and the second stage's fee", () => {
    fc.assert(
      fc.property(arbitrary, (c) => {
        const { built, spec } = build(c);
        for (const { direction, id, amount } of spec.htlcs) {
          const offered = (direction === "outgoing") === (c.side === "local");
          const perKw = c.format === "static-remotekey" ? (offered ? 663n : 703n) : 0n;
          const secondStageValue = msatToSat(amount) - (spec.feerate * perKw) / 1000n;
          const htlc = built.htlcs.find((candidate) => candidate.id === id);
          assert.equal(htlc !== undefined, secondStageValue >= 546n);
          if (htlc === undefined) continue;
          assert.equal(htlc.secondStage.outputs[0]?.value, secondStageValue);
          assert.equal(htlc.stage, offered ? "timeout" : "success");
          assert.equal(built.transaction.outputs[htlc.outputIndex]?.value, htlc.value);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it("keeps twins of one hash and amount in the order of their expiries, whatever the order of the table", () => {
    const [hash] = hashes;
    assert.ok(hash !== undefined);
    const twin = (id: number, cltvExpiry: number, amount: number): SpecHtlc => {
      return { direction: "outgoing", id: htlcId(id), amount: msat(amount), paymentHash: hash, cltvExpiry };
    };
    const twins = [
      twin(0, 700, 5_000_000),
      twin(1, 500, 5_000_999),
      twin(2, 600, 5_000_001),
      twin(3, 500, 5_000_000),
    ];
    const base = { side: "local", isOpener: true, number: 7, feerate: 253n, share: 500_000 } as const;
    for (const format of formatNames) {
      const { built } = build({ ...base, format, htlcs: twins });
      const reversed = build({ ...base, format, htlcs: [...twins].reverse() }).built;
      const summary = built.htlcs.map(({ id, secondStage }) => [id, secondStage.locktime]);
      assert.deepEqual(summary, [
        [1n, 500],
        [3n, 500],
        [2n, 600],
        [0n, 700],
      ]);
      assert.deepEqual(built.htlcs, reversed.htlcs);
      assert.equal(new Set(built.htlcs.map(({ outputIndex }) => outputIndex)).size, 4);
      const scripts = built.htlcs.map(({ outputIndex }) =>
        toHex(built.transaction.outputs[outputIndex]?.script ?? hashless),
      );
      assert.equal(new Set(scripts).size, 1);
    }
  });

  it("lets an opener that cannot pay the whole fee pay what it has", () => {
    const params = paramsOf("static-remotekey");
    const keys = keysOf["static-remotekey"]?.local;
    assert.ok(keys !== undefined);
    const spec = {
      feerate: feeratePerKw(10_000),
      toLocal: msat(5_000_000),
      toRemote: msat(satToMsat(funding.capacity) - 5_000_000n),
      htlcs: [],
    };
    const built = buildCommitment({
      params,
      side: "local",
      funding,
      number: commitmentNumber(1),
      keys,
      spec,
    });
    assert.equal(built.fee, 5000n);
    assert.equal(built.toOwner, undefined);
  });
});

const hashless = new Uint8Array(0);

for (const format of formatNames) {
  describe(`signed transactions, ${format}`, () => {
    const base = {
      format,
      side: "local",
      isOpener: true,
      number: 42,
      feerate: 1000n,
      share: 500_000,
    } as const;
    const htlc = (id: number, direction: SpecHtlc["direction"]): SpecHtlc => {
      const paymentHash = hashes[id % 3];
      assert.ok(paymentHash !== undefined);
      return {
        direction,
        id: htlcId(id),
        amount: msat(10_000_000 + id),
        paymentHash,
        cltvExpiry: 499_999_999,
      };
    };

    for (const count of [0, 1, 8, 200]) {
      it(`weigh what the fee is reckoned for, with ${count} HTLCs`, () => {
        const htlcs = Array.from({ length: count }, (_, id) =>
          htlc(id, id % 2 === 0 ? "incoming" : "outgoing"),
        );
        const { built } = build({ ...base, htlcs });
        const hash = commitmentSighash(built, funding.capacity);
        const sign = (key: string) => signPlainly(hash, key);
        const witness = fundingWitness(funding, sign("localFundingPrivkey"), sign("remoteFundingPrivkey"));
        const signed = withWitness(built.transaction, witness);
        assert.deepEqual(verifyTransaction(signed, [fundingPrevout], standardFlags), { ok: true });
        const { weights } = formatOf(built.format);
        const signatures = (witness[1]?.length ?? 0) + (witness[2]?.length ?? 0);
        // BOLT 3 takes three bytes for the number of outputs with anchors, one without.
        const countBytes = format === "anchors-zero-fee-htlc" ? 2 : 0;
        const predicted = weights.commitment + weights.htlcOutput * count - 4 * countBytes;
        assert.equal(weight(signed) + 146 - signatures, predicted);
      });
    }

    it("are relayed with the most HTLCs of both sides", () => {
      const { maxAcceptedHtlcs, version, weights } = formatOf(format);
      // BIP 431 for version 3, Bitcoin Core's MAX_STANDARD_TX_WEIGHT for others.
      const most = version === 3 ? 40_000 : 400_000;
      assert.ok(weights.commitment + weights.htlcOutput * 2 * maxAcceptedHtlcs <= most);
      if (version === 3) {
        assert.ok(weights.commitment + weights.htlcOutput * 2 * (maxAcceptedHtlcs + 1) > most);
      }
    });

    it("of the second stage weigh what BOLT 3 expects", () => {
      const { built } = build({ ...base, htlcs: [htlc(0, "incoming"), htlc(1, "outgoing")] });
      for (const [index, output] of built.htlcs.entries()) {
        const owner = signPlainly(ownHtlcSighash(output), "localHtlcPrivkey");
        const other = signPlainly(htlcSighash(built, index), "remoteHtlcPrivkey");
        const preimage = preimages[Number(output.id) % 3];
        assert.ok(preimage !== undefined);
        const witness =
          output.stage === "timeout"
            ? htlcTimeoutWitness(formatOf(built.format), output, { owner, other })
            : htlcSuccessWitness(formatOf(built.format), output, { owner, other }, preimage);
        const signed = withWitness(output.secondStage, witness);
        const prevout = built.transaction.outputs[output.outputIndex];
        assert.ok(prevout !== undefined);
        assert.deepEqual(verifyTransaction(signed, [prevout], standardFlags), { ok: true });
        const signatures = (witness[1]?.length ?? 0) + (witness[2]?.length ?? 0);
        const { htlcTimeout, htlcSuccess } = formatOf(built.format).weights;
        // BOLT 3, Appendix A: really one less, but the number stays "for historical reasons".
        const predicted = output.stage === "timeout" ? htlcTimeout : htlcSuccess - 1;
        assert.equal(weight(signed) + 146 - signatures, predicted);
      }
    });
  });
}

describe("remoteOutputs", () => {
  it("names every output of the peer's commitment but to_remote and the anchors", () => {
    fc.assert(
      fc.property(arbitrary, (c) => {
        const { built, spec } = build({ ...c, side: "remote" });
        const keys = keysOf[c.format]?.remote;
        assert.ok(keys !== undefined);
        const candidates = remoteOutputs(paramsOf(c.format), keys, spec.htlcs);
        const { toOther, ownerAnchor, otherAnchor, sharedAnchor } = built;
        const others = [toOther, ownerAnchor, otherAnchor, sharedAnchor].map((output) => output?.index);
        for (const [index, output] of built.transaction.outputs.entries()) {
          const found = candidates.filter(({ script }) => equalBytes(script, output.script));
          if (others.includes(index)) {
            assert.equal(found.length, 0);
          } else if (index === built.toOwner?.index) {
            assert.deepEqual(
              found.map(({ kind }) => kind),
              ["to-local"],
            );
          } else {
            const htlc = built.htlcs.find(({ outputIndex }) => outputIndex === index);
            assert.ok(htlc !== undefined);
            const same = found.find(
              (candidate) => candidate.kind !== "to-local" && candidate.htlc.id === htlc.id,
            );
            assert.ok(same !== undefined && same.kind !== "to-local");
            assert.equal(same.value, output.value);
            assert.equal(same.kind, htlc.stage === "timeout" ? "offered" : "received");
            assert.deepEqual(same.witnessScript, htlc.witnessScript);
            const script = htlc.secondStage.outputs[0]?.script;
            assert.ok(script !== undefined && equalBytes(script, candidates[0]?.script ?? hashless));
          }
        }
      }),
      { seed: 5, numRuns: 150 },
    );
  });
});
