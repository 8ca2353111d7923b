import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standardFlags, verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { p2tr, p2wpkh, p2wsh } from "@fulmen/bitcoin/script";
import { weight } from "@fulmen/bitcoin/transaction";
import {
  type BuiltClosing,
  buildClosingTransaction,
  type ClosingTerms,
  closingWeight,
} from "#src/commitment/closing";
import { fundingScript } from "#src/commitment/funding";
import { closingSighash, fundingWitness, withWitness } from "#src/commitment/signatures";
import type { Script } from "#src/util/bytes";
import { msat, sat } from "#src/util/units";
import { funding, signPlainly } from "./bolt3Fixtures.ts";

const localScript = p2wpkh(new Uint8Array(20).fill(1)) as Script;
const remoteScript = p2tr(new Uint8Array(32).fill(2)) as Script;
const terms: ClosingTerms = {
  outPoint: funding.outPoint,
  isOpener: true,
  toLocal: msat(7_000_000_999),
  toRemote: msat(2_999_999_001),
  localScript,
  remoteScript,
  fee: sat(1000),
  dustLimit: sat(546),
};

function build(changes: Partial<ClosingTerms> = {}): BuiltClosing {
  const built = buildClosingTransaction({ ...terms, ...changes });
  assert.ok(!("kind" in built));
  return built;
}

describe('buildClosingTransaction (BOLT 3, "Legacy Closing Transaction")', () => {
  it("rounds down, takes the fee from the opener and orders the outputs", () => {
    const { transaction, localOutput, remoteOutput } = build();
    assert.deepEqual(transaction.outputs, [
      { value: 2_999_999n, script: remoteScript },
      { value: 6_999_000n, script: localScript },
    ]);
    assert.deepEqual([localOutput, remoteOutput], [1, 0]);
    assert.deepEqual(
      [transaction.version, transaction.locktime, transaction.inputs[0]?.sequence],
      [2, 0, 0xffff_ffff],
    );
    const theirs = build({ isOpener: false });
    assert.deepEqual(
      theirs.transaction.outputs.map(({ value }) => value),
      [2_998_999n, 7_000_000n],
    );
  });

  it("orders equal values by script", () => {
    const { localOutput } = build({ toLocal: msat(5_001_000_000), toRemote: msat(5_000_000_000) });
    assert.equal(localOutput, 0);
  });

  it("leaves out what is below the dust limit after the fee, or what its owner does not want", () => {
    const poor = { toRemote: msat(545_999), toLocal: msat(9_999_454_001) };
    assert.deepEqual(
      build(poor).transaction.outputs.map(({ script }) => script),
      [localScript],
    );
    assert.equal(build(poor).remoteOutput, undefined);
    assert.equal(build({ ...poor, toRemote: msat(546_000) }).remoteOutput, 0);
    const opener = { toLocal: msat(1_545_999) };
    assert.equal(build(opener).localOutput, undefined);
    assert.equal(build({ ...opener, toLocal: msat(1_546_000) }).localOutput, 0);
    assert.equal(build({ omit: "local" }).localOutput, undefined);
    assert.equal(build({ omit: "remote" }).remoteOutput, undefined);
  });

  it("is refused when the opener cannot pay, or nothing is left", () => {
    const short = buildClosingTransaction({ ...terms, toLocal: msat(999_999) });
    assert.deepEqual(short, { kind: "opener-cannot-afford-fee", fee: 1000n, balance: 999n });
    const none = buildClosingTransaction({ ...terms, toRemote: msat(1000), omit: "local" });
    assert.deepEqual(none, { kind: "no-output-left", dustLimit: 546n });
  });

  it("is valid with both signatures and weighs what was expected", () => {
    const { transaction } = build();
    const hash = closingSighash(transaction, funding);
    const local = signPlainly(hash, "localFundingPrivkey");
    const remote = signPlainly(hash, "remoteFundingPrivkey");
    const witness = fundingWitness(funding, local, remote);
    const signed = withWitness(transaction, witness);
    const prevout = {
      value: funding.capacity,
      script: p2wsh(fundingScript(funding.localKey, funding.remoteKey)),
    };
    assert.deepEqual(verifyTransaction(signed, [prevout], standardFlags), { ok: true });
    const signatures = (witness[1]?.length ?? 0) + (witness[2]?.length ?? 0);
    assert.equal(weight(signed) + 146 - signatures, closingWeight([localScript, remoteScript]));
  });
});
