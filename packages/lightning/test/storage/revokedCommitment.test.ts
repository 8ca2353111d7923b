import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { encodeTypedSignature, p2wpkhOf } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import type { Transaction, TxOut } from "@fulmen/bitcoin/transaction";
import { formatNames } from "#src/commitment/formats/formatOf";
import { htlcKey } from "#src/commitment/htlc";
import { commitmentKeys } from "#src/commitment/keys";
import { remoteOutputs } from "#src/commitment/remoteOutputs";
import { perCommitmentPoint } from "#src/crypto/keyDerivation";
import { channelPrefix, settledAfter, settledPrefix } from "#src/storage/v1/keys";
import { type RevokedCommitment, revokedCommitment } from "#src/storage/v1/revokedCommitment";
import { equalBytes, noBytes } from "#src/util/bytes";
import { commitmentNumber } from "#src/util/ids";
import { sum } from "#src/util/units";
import { entriesOf } from "./entriesOf.ts";
import { Dice, type Revoked, randomStep, type StoredParty, storedPair } from "./storedPair.ts";

/** Reads a revoked commitment with `after` as the start of the scan of settled HTLCs. */
function read(party: StoredParty, number: number, after: string): RevokedCommitment {
  const id = party.commitments.channelId;
  const live = entriesOf(party.store, channelPrefix(id));
  const settled = entriesOf(party.store, settledPrefix(id), after);
  const found = revokedCommitment([...live, ...settled], commitmentNumber(number));
  if (!found.ok) throw new Error(found.error.text);
  return found.value;
}

/** The record of a revoked commitment, which has the HTLCs that the peer had on it. */
function recordOf(party: StoredParty, revoked: Revoked): RevokedCommitment {
  const had = revoked.htlcs.map((htlc) => (htlcKey(htlc).startsWith("i") ? "o" : "i") + htlc.id).sort();
  const whole = read(party, revoked.number, "");
  assert.deepEqual(whole.htlcs.map(htlcKey).sort(), had);
  const { channelId } = party.commitments;
  assert.deepEqual(read(party, revoked.number, settledAfter(channelId, revoked.number)), whole);
  return whole;
}

/** Those that the peer has revoked as far as `party` has heard. */
function revokedOf(party: StoredParty, peer: StoredParty): readonly Revoked[] {
  return peer.revoked.slice(0, party.commitments.remoteNumber);
}

/** Takes all outputs that the record knows of, from the commitment as the peer had it. */
function penaltyOf(party: StoredParty, record: RevokedCommitment, { built }: Revoked) {
  const keys = commitmentKeys(record.params, "remote", perCommitmentPoint(record.secret));
  const known = remoteOutputs(record.params, keys, record.htlcs);
  const inputs: { readonly index: number; readonly output: TxOut; readonly script: Uint8Array }[] = [];
  const branches: Uint8Array[] = [];
  for (const [index, output] of built.transaction.outputs.entries()) {
    const match = known.find(({ script }) => equalBytes(script, output.script));
    if (match === undefined) continue;
    inputs.push({ index, output, script: match.witnessScript });
    branches.push(match.kind === "to-local" ? Uint8Array.of(1) : keys.revocation);
  }
  const unsigned: Transaction = {
    version: 2,
    inputs: inputs.map(({ index }) => ({
      outPoint: { txid: built.txid, index },
      scriptSig: noBytes,
      sequence: 0xffff_fffd,
      witness: [],
    })),
    outputs: [{ value: sum(inputs.map(({ output }) => output.value)), script: p2wpkhOf(keys.otherPayment) }],
    locktime: 0,
  };
  const signed: Transaction = {
    ...unsigned,
    inputs: unsigned.inputs.map((input, inputIndex) => {
      const spent = inputs[inputIndex];
      const branch = branches[inputIndex];
      if (spent === undefined || branch === undefined) throw new Error("no input");
      const signature = party.signer.signSpend({
        transaction: unsigned,
        inputIndex,
        value: spent.output.value,
        scriptCode: spent.script,
        sighashType: sighashAll,
        key: { kind: "revocation", secret: record.secret },
      });
      const typed = encodeTypedSignature({ signature, sighashType: sighashAll });
      return { ...input, witness: [typed, branch, spent.script] };
    }),
  };
  return {
    transaction: signed,
    prevouts: inputs.map(({ output }) => output),
    indices: inputs.map(({ index }) => index),
  };
}

/** The outputs that are ours with the secret: all but `to_remote` and the anchors. */
function contested({ built }: Revoked): readonly number[] {
  const indices = built.htlcs.map(({ outputIndex }) => outputIndex);
  if (built.toOwner !== undefined) indices.push(built.toOwner.index);
  return indices.sort((a, b) => a - b);
}

describe("revokedCommitment", () => {
  for (const format of formatNames) {
    it(`is enough for the penalty over every revoked commitment of random dances, ${format}`, () => {
      const dice = new Dice(7);
      const pair = storedPair(format, dice);
      const [alice, bob] = pair;
      let htlcs = 0;
      for (let i = 0; i < 300; i++) {
        randomStep(pair, dice);
        if (dice.roll(3) === 0) for (const party of pair) party.persist();
        if (i % 25 > 0) continue;
        alice.persist();
        for (const revoked of revokedOf(alice, bob)) recordOf(alice, revoked);
      }
      for (const party of pair) party.persist();
      for (const [party, peer] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const commitments = revokedOf(party, peer);
        assert.ok(commitments.length >= 8, `only ${commitments.length} revoked`);
        for (const revoked of commitments) {
          const record = recordOf(party, revoked);
          const { transaction, prevouts, indices } = penaltyOf(party, record, revoked);
          assert.deepEqual(indices, contested(revoked));
          assert.deepEqual(verifyTransaction(transaction, prevouts), { ok: true });
          htlcs += indices.length - 1;
        }
      }
      assert.ok(htlcs > 50, `only ${htlcs} HTLC outputs`);
    });
  }

  it("has no secret of a commitment that is not revoked", () => {
    const dice = new Dice(8);
    const pair = storedPair("static-remotekey", dice);
    for (let i = 0; i < 30; i++) randomStep(pair, dice);
    const [alice] = pair;
    alice.persist();
    const { channelId, remoteNumber } = alice.commitments;
    const found = revokedCommitment(entriesOf(alice.store, channelPrefix(channelId)), remoteNumber);
    assert.ok(!found.ok && found.error.kind === "missing");
  });
});
