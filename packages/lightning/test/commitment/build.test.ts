import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standardFlags, verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { compactFromDer, p2wsh } from "@fulmen/bitcoin/script";
import { decodeTransaction, encodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import { formatOf } from "#src/commitment/formats/formatOf";
import { fundingScript } from "#src/commitment/funding";
import { commitmentKeys } from "#src/commitment/keys";
import { obscuredNumber, readObscuredNumber } from "#src/commitment/obscuredNumber";
import {
  commitmentSighash,
  fundingWitness,
  htlcSighash,
  htlcSuccessWitness,
  htlcTimeoutWitness,
  ownHtlcSighash,
  withWitness,
} from "#src/commitment/signatures";
import { fromHex, toHex } from "#src/util/bytes";
import { commitmentNumber } from "#src/util/ids";
import { sum } from "#src/util/units";
import {
  buildVector,
  figure,
  funding,
  fundingFixture,
  paramsOf,
  point,
  preimageOf,
  signPlainly,
  vectorsOf,
} from "./bolt3Fixtures.ts";

const hexOf = (der: string): string => toHex(compactFromDer(fromHex(der)));

describe("BOLT 3, Appendix B", () => {
  it("pays to both funding keys", () => {
    const tx = decodeTransaction(fromHex(fundingFixture["fundingTx"] ?? ""));
    assert.equal(txid(tx), fundingFixture["txid"]);
    const script = fundingScript(funding.remoteKey, funding.localKey);
    assert.deepEqual(script, figure("fundingWitnessScript"));
    assert.deepEqual(tx.outputs[0], { value: funding.capacity, script: p2wsh(script) });
  });
});

describe("commitmentKeys", () => {
  it("derives the keys of Appendix C", () => {
    const keys = commitmentKeys(paramsOf("static-remotekey"), "local", point("localPerCommitmentPoint"));
    const { ownerHtlc, otherHtlc, ownerDelayed, revocation, otherPayment } = keys;
    const derived = { ownerHtlc, otherHtlc, ownerDelayed, revocation, otherPayment };
    assert.deepEqual(derived, {
      ownerHtlc: point("localHtlcPubkey"),
      otherHtlc: point("remoteHtlcPubkey"),
      ownerDelayed: point("localDelayedPubkey"),
      revocation: point("localRevocationPubkey"),
      otherPayment: point("remotePaymentBasepoint"),
    });
  });
});

describe("obscuredNumber", () => {
  const params = paramsOf("static-remotekey");

  it("XORs the number with the factor of Appendix C", () => {
    const factor = 0x2bb0_3852_1914;
    const { locktime, sequence } = obscuredNumber(params, commitmentNumber(0));
    assert.equal(locktime, 0x2000_0000 + (factor % 2 ** 24));
    assert.equal(sequence, 0x8000_0000 + Math.floor(factor / 2 ** 24));
  });

  it("is read back, by both parties", () => {
    const theirs = { ...params, isOpener: false, local: params.remote, remote: params.local };
    for (const number of [0, 1, 42, 2 ** 24 - 1, 2 ** 24, 2 ** 47 + 12345, 2 ** 48 - 1]) {
      const { locktime, sequence } = obscuredNumber(params, commitmentNumber(number));
      const input = { outPoint: funding.outPoint, scriptSig: new Uint8Array(0), sequence, witness: [] };
      const tx = { version: 2, inputs: [input], outputs: [], locktime };
      assert.equal(readObscuredNumber(theirs, tx), number);
      assert.equal(readObscuredNumber(theirs, { ...tx, locktime: 0 }), undefined);
      assert.equal(
        readObscuredNumber(theirs, { ...tx, inputs: [{ ...input, sequence: 0xffff_ffff }] }),
        undefined,
      );
    }
  });
});

for (const name of ["static-remotekey", "anchors-zero-fee-htlc"] as const) {
  const fundingPrevout = { value: funding.capacity, script: p2wsh(figure("fundingWitnessScript")) };

  describe(`BOLT 3, Appendix ${name === "static-remotekey" ? "C" : "F"}: ${name}`, () => {
    for (const vector of vectorsOf[name]) {
      it(`commitment: ${vector.name}, ${vector.feeratePerKw} sat/kW`, () => {
        const built = buildVector(name, vector);
        const hash = commitmentSighash(built, funding.capacity);
        const local = signPlainly(hash, "localFundingPrivkey");
        const remote = signPlainly(hash, "remoteFundingPrivkey");
        assert.equal(toHex(remote), hexOf(vector.remoteSignature));
        if (vector.localSignature !== undefined) assert.equal(toHex(local), hexOf(vector.localSignature));
        const signed = withWitness(built.transaction, fundingWitness(funding, local, remote));
        assert.equal(toHex(encodeTransaction(signed)), vector.commitTx);
        assert.equal(built.txid, txid(signed));
        assert.deepEqual(verifyTransaction(signed, [fundingPrevout], standardFlags), { ok: true });
        assert.equal(built.fee, funding.capacity - sum(signed.outputs.map(({ value }) => value)));
        if (vector.fee !== undefined) assert.equal(built.fee, BigInt(vector.fee));
      });

      it(`HTLC transactions: ${vector.name}, ${vector.feeratePerKw} sat/kW`, () => {
        const built = buildVector(name, vector);
        assert.equal(built.htlcs.length, vector.htlcTxs.length);
        for (const [index, htlc] of built.htlcs.entries()) {
          const expected = vector.htlcTxs[index];
          assert.ok(expected !== undefined);
          if (expected.output !== undefined) assert.equal(htlc.outputIndex, expected.output);
          if (expected.stage !== undefined) assert.equal(htlc.stage, expected.stage);
          const other = signPlainly(htlcSighash(built, index), "remoteHtlcPrivkey");
          assert.equal(toHex(other), hexOf(expected.remoteSignature));
          const owner = signPlainly(ownHtlcSighash(htlc), "localHtlcPrivkey");
          const signatures = { owner, other };
          const witness =
            htlc.stage === "timeout"
              ? htlcTimeoutWitness(formatOf(built.format), htlc, signatures)
              : htlcSuccessWitness(formatOf(built.format), htlc, signatures, preimageOf(Number(htlc.id)));
          const signed = withWitness(htlc.secondStage, witness);
          assert.equal(toHex(encodeTransaction(signed)), expected.tx);
          const prevout = built.transaction.outputs[htlc.outputIndex];
          assert.ok(prevout !== undefined);
          assert.deepEqual(verifyTransaction(signed, [prevout], standardFlags), { ok: true });
        }
      });
    }
  });
}
