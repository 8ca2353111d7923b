import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { encodeTypedSignature, hash160, p2pkh, p2wsh } from "@fulmen/bitcoin/script";
import { sighashAll } from "@fulmen/bitcoin/sighash";
import { type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import { type BuiltCommitment, buildCommitment } from "#src/commitment/build";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import { type FundingOutput, fundingScript } from "#src/commitment/funding";
import { type CommitmentKeys, commitmentKeys } from "#src/commitment/keys";
import type { ChannelParams, FormatName, PartyParams } from "#src/commitment/params";
import {
  fundingWitness,
  htlcSuccessWitness,
  htlcTimeoutWitness,
  withWitness,
} from "#src/commitment/signatures";
import type { CommitmentSpec } from "#src/commitment/spec";
import type { SigningAnswer } from "#src/sign/channelSigner";
import type { InMemorySigner } from "#src/sign/inMemorySigner";
import { KeysManager } from "#src/sign/keysManager";
import type { OutputSpendKey } from "#src/sign/outputSpend";
import { noBytes, type Point } from "#src/util/bytes";
import { commitmentNumber, htlcId, paymentHashOf, type Txid } from "#src/util/ids";
import { feeratePerKw, msat, sat } from "#src/util/units";

const aliceKeys = new KeysManager(new Uint8Array(32).fill(1));
const bobKeys = new KeysManager(new Uint8Array(32).fill(2));
const alice = aliceKeys.deriveChannelSigner(new Uint8Array(32).fill(3));
const bob = bobKeys.deriveChannelSigner(new Uint8Array(32).fill(4));

const delay = 144;
const number = commitmentNumber(3);
const point = alice.point(number);
const preimage = new Uint8Array(32).fill(7);
const paymentHash = paymentHashOf(crypto().sha256(preimage));
const cltvExpiry = 500;

/** The funding output as Alice sees it. */
const funding: FundingOutput = {
  outPoint: { txid: "22".repeat(32) as Txid, index: 1 },
  capacity: sat(1_000_000),
  localKey: alice.fundingKey,
  remoteKey: bob.fundingKey,
};
const fundingFromBob: FundingOutput = { ...funding, localKey: bob.fundingKey, remoteKey: alice.fundingKey };
const fundingTxOut: TxOut = {
  value: funding.capacity,
  script: p2wsh(fundingScript(funding.localKey, funding.remoteKey)),
};

function party({ basepoints }: InMemorySigner): PartyParams {
  return {
    dustLimit: sat(546),
    maxHtlcValueInFlight: msat(10n ** 9n),
    channelReserve: sat(10_000),
    htlcMinimum: msat(1),
    toSelfDelay: delay,
    maxAcceptedHtlcs: 483,
    basepoints,
  };
}

/** Alice's commitment, as she builds it and as Bob does, with an HTLC in each direction. */
function commitmentOf(format: FormatName): {
  readonly built: BuiltCommitment;
  readonly keys: CommitmentKeys;
  readonly fromBob: BuiltCommitment;
} {
  const htlc = { id: htlcId(0), paymentHash, cltvExpiry };
  const feerate = feeratePerKw(1000);
  const ours: ChannelParams = { format, isOpener: true, local: party(alice), remote: party(bob) };
  const spec: CommitmentSpec = {
    feerate,
    toLocal: msat(500_000_000),
    toRemote: msat(400_000_000),
    htlcs: [
      { ...htlc, direction: "outgoing", amount: msat(60_000_000) },
      { ...htlc, direction: "incoming", amount: msat(40_000_000) },
    ],
  };
  const theirs: ChannelParams = { format, isOpener: false, local: ours.remote, remote: ours.local };
  const mirrored: CommitmentSpec = {
    feerate,
    toLocal: spec.toRemote,
    toRemote: spec.toLocal,
    htlcs: spec.htlcs.map((one) => ({
      ...one,
      direction: one.direction === "incoming" ? "outgoing" : "incoming",
    })),
  };
  const keys = commitmentKeys(ours, "local", point);
  return {
    built: buildCommitment({ params: ours, side: "local", funding, number, keys, spec }),
    keys,
    fromBob: buildCommitment({
      params: theirs,
      side: "remote",
      funding: fundingFromBob,
      number,
      keys: commitmentKeys(theirs, "remote", point),
      spec: mirrored,
    }),
  };
}

function answer<K extends SigningAnswer["kind"]>(
  given: SigningAnswer,
  kind: K,
): Extract<SigningAnswer, { kind: K }> {
  assert.equal(given.kind, kind);
  return given as Extract<SigningAnswer, { kind: K }>;
}

interface SpendPath {
  readonly signer: InMemorySigner;
  readonly key: OutputSpendKey;
  readonly witnessScript: Uint8Array;
  readonly sequence?: number;
  readonly locktime?: number;
  readonly witness: (signature: Uint8Array) => readonly Uint8Array[];
}

/** Spends one output by the path given and runs the scripts. */
function verdict(parent: Transaction, index: number, path: SpendPath): ReturnType<typeof verifyTransaction> {
  const output = parent.outputs[index] ?? assert.fail("no such output");
  const transaction: Transaction = {
    version: 2,
    inputs: [
      {
        outPoint: { txid: txid(parent), index },
        scriptSig: noBytes,
        sequence: path.sequence ?? 0xffff_fffd,
        witness: [],
      },
    ],
    outputs: [{ value: sat(300), script: aliceKeys.shutdownScript() }],
    locktime: path.locktime ?? 0,
  };
  const signature = path.signer.signSpend({
    transaction,
    inputIndex: 0,
    value: output.value,
    scriptCode: path.witnessScript,
    sighashType: sighashAll,
    key: path.key,
  });
  const witness = path.witness(encodeTypedSignature({ signature, sighashType: sighashAll }));
  return verifyTransaction(withWitness(transaction, witness), [output]);
}

const good = { ok: true };
const one = Uint8Array.of(1);
const revocation: OutputSpendKey = {
  kind: "revocation",
  secret: answer(
    alice.sign({ kind: "revocation", number, pointNumber: commitmentNumber(5), next: [] }),
    "revocation",
  ).secret,
};

for (const format of formatNames) {
  describe(format, () => {
    const { built, keys, fromBob } = commitmentOf(format);
    const { signatures } = answer(
      bob.sign({
        kind: "counterparty-commitment",
        number,
        point,
        commitments: [{ funding: fundingFromBob, built: fromBob }],
        preimages: [],
      }),
      "counterparty-commitment",
    );
    const [fromBobsSigner = assert.fail("no signatures")] = signatures;
    const owner = answer(
      alice.sign({ kind: "holder-commitment", number, funding, built }),
      "holder-commitment",
    );
    const toOwner = built.toOwner ?? assert.fail("no to_local");
    const toOther = built.toOther ?? assert.fail("no to_remote");

    test("both signatures spend the funding output", () => {
      const witness = fundingWitness(funding, owner.signature, fromBobsSigner.signature);
      assert.deepEqual(verifyTransaction(withWitness(built.transaction, witness), [fundingTxOut]), good);
    });

    test("second-stage transactions, and then their delayed outputs", () => {
      assert.equal(built.htlcs.length, 2);
      for (const [i, htlc] of built.htlcs.entries()) {
        const output = built.transaction.outputs[htlc.outputIndex] ?? assert.fail("no output");
        const both = {
          other: fromBobsSigner.htlcSignatures[i] ?? assert.fail("no signature"),
          owner: alice.signSpend({
            transaction: htlc.secondStage,
            inputIndex: 0,
            value: htlc.value,
            scriptCode: htlc.witnessScript,
            sighashType: sighashAll,
            key: { kind: "htlc", point },
          }),
        };
        const witness =
          htlc.stage === "timeout"
            ? htlcTimeoutWitness(formatOf(built.format), htlc, both)
            : htlcSuccessWitness(formatOf(built.format), htlc, both, preimage);
        const second = withWitness(htlc.secondStage, witness);
        assert.deepEqual(verifyTransaction(second, [output]), good);
        const witnessScript = toOwner.witnessScript ?? assert.fail("no script");
        const delayed: SpendPath = {
          signer: alice,
          key: { kind: "delayed-payment", point },
          witnessScript,
          sequence: delay,
          witness: (signature) => [signature, noBytes, witnessScript],
        };
        assert.deepEqual(verdict(second, 0, delayed), good);
        assert.equal(verdict(second, 0, { ...delayed, sequence: delay - 1 }).ok, false);
        const penalty: SpendPath = {
          signer: bob,
          key: revocation,
          witnessScript,
          witness: (signature) => [signature, one, witnessScript],
        };
        assert.deepEqual(verdict(second, 0, penalty), good);
      }
    });

    test("to_local, delayed for the owner and at once for the peer who knows the secret", () => {
      const witnessScript = toOwner.witnessScript ?? assert.fail("no script");
      const delayed: SpendPath = {
        signer: alice,
        key: { kind: "delayed-payment", point },
        witnessScript,
        sequence: delay,
        witness: (signature) => [signature, noBytes, witnessScript],
      };
      const penalty: SpendPath = {
        signer: bob,
        key: revocation,
        witnessScript,
        witness: (signature) => [signature, one, witnessScript],
      };
      assert.deepEqual(verdict(built.transaction, toOwner.index, delayed), good);
      assert.deepEqual(verdict(built.transaction, toOwner.index, penalty), good);
      const wrongSecret: OutputSpendKey = { kind: "revocation", secret: new Uint8Array(32).fill(9) };
      assert.equal(verdict(built.transaction, toOwner.index, { ...penalty, key: wrongSecret }).ok, false);
      assert.equal(verdict(built.transaction, toOwner.index, { ...penalty, signer: alice }).ok, false);
    });

    test("to_remote", () => {
      const key = bob.basepoints.payment;
      const { witnessScript } = toOther;
      const path: SpendPath = {
        signer: bob,
        key: { kind: "payment" },
        witnessScript: witnessScript ?? p2pkh(hash160(key)),
        sequence: formatOf(built.format).toRemoteSequence,
        witness: (signature) => [signature, witnessScript ?? key],
      };
      assert.deepEqual(verdict(built.transaction, toOther.index, path), good);
      assert.equal(verdict(built.transaction, toOther.index, { ...path, signer: alice }).ok, false);
    });

    test("anchors", () => {
      for (const [signer, anchor] of [
        [alice, built.ownerAnchor],
        [bob, built.otherAnchor],
      ] as const) {
        if (anchor === undefined) {
          assert.notEqual(format, "anchors-zero-fee-htlc");
          continue;
        }
        const witnessScript = anchor.witnessScript ?? assert.fail("no script");
        const path: SpendPath = {
          signer,
          key: { kind: "funding" },
          witnessScript,
          witness: (signature) => [signature, witnessScript],
        };
        assert.deepEqual(verdict(built.transaction, anchor.index, path), good);
      }
    });

    test("the shared anchor, for anyone", () => {
      const anchor = built.sharedAnchor;
      assert.equal(anchor !== undefined, format === "zero-fee-commitments");
      if (anchor === undefined) return;
      const outPoint = { txid: built.txid, index: anchor.index };
      const child: Transaction = {
        version: 3,
        inputs: [{ outPoint, scriptSig: noBytes, sequence: 0, witness: [] }],
        outputs: [],
        locktime: 0,
      };
      assert.deepEqual(verifyTransaction(child, [anchor]), good);
    });

    test("the peer takes HTLCs from the commitment: by preimage, by timeout, and all once it is revoked", () => {
      for (const { stage, witnessScript, outputIndex } of built.htlcs) {
        const claim: SpendPath = {
          signer: bob,
          key: { kind: "htlc", point },
          witnessScript,
          sequence: formatOf(built.format).htlcSequence,
          locktime: stage === "success" ? cltvExpiry : 0,
          witness: (signature) => [signature, stage === "success" ? noBytes : preimage, witnessScript],
        };
        const penalty: SpendPath = {
          signer: bob,
          key: revocation,
          witnessScript,
          witness: (signature) => [signature, keys.revocation, witnessScript],
        };
        assert.deepEqual(verdict(built.transaction, outputIndex, claim), good);
        assert.deepEqual(verdict(built.transaction, outputIndex, penalty), good);
        const early = { ...claim, locktime: cltvExpiry - 1 };
        assert.equal(verdict(built.transaction, outputIndex, early).ok, stage === "timeout");
      }
    });

    test("a funding output with another key is refused, whatever is asked", () => {
      const foreign = { ...funding, localKey: bob.fundingKey };
      const refusal = {
        kind: "refused",
        reason: "the funding output is not locked with this channel's key",
      } as const;
      const commitments = [
        { funding, built },
        { funding: foreign, built },
      ];
      const common = { number, point, preimages: [] };
      assert.deepEqual(alice.sign({ kind: "counterparty-commitment", ...common, commitments }), refusal);
      assert.deepEqual(alice.sign({ kind: "holder-commitment", number, funding: foreign, built }), refusal);
      const { transaction } = built;
      assert.deepEqual(alice.sign({ kind: "closing", funding: foreign, transaction }), refusal);
    });
  });
}

test("a cooperative close", () => {
  const transaction: Transaction = {
    version: 2,
    inputs: [{ outPoint: funding.outPoint, scriptSig: noBytes, sequence: 0xffff_ffff, witness: [] }],
    outputs: [{ value: sat(999_000), script: bobKeys.shutdownScript() }],
    locktime: 0,
  };
  const ours = answer(alice.sign({ kind: "closing", funding, transaction }), "closing");
  const theirs = answer(bob.sign({ kind: "closing", funding: fundingFromBob, transaction }), "closing");
  const witness = fundingWitness(funding, ours.signature, theirs.signature);
  assert.deepEqual(verifyTransaction(withWitness(transaction, witness), [fundingTxOut]), good);
});

test("a channel announcement is signed by the node's and the funding key", () => {
  const announcement = new Uint8Array(180).fill(5);
  const signed = answer(
    alice.sign({ kind: "channel-announcement", funding, announcement }),
    "channel-announcement",
  );
  const hash = crypto().hash256(announcement);
  assert.ok(crypto().ecdsaVerify(signed.bitcoinSignature, hash, alice.fundingKey));
  assert.deepEqual(signed.nodeSignature, aliceKeys.signGossip(announcement));
});

test("the point of a revocation is that of the number asked for, and its secret proves the revoked one", () => {
  const revoked = answer(
    alice.sign({ kind: "revocation", number, pointNumber: commitmentNumber(5), next: [] }),
    "revocation",
  );
  assert.deepEqual(revoked.point, alice.point(commitmentNumber(5)));
  assert.deepEqual(crypto().publicKey(revoked.secret) as Point, point);
});
