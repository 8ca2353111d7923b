import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { standardFlags, verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { p2a, p2wsh } from "@fulmen/bitcoin/script";
import { encodeTransaction, txid } from "@fulmen/bitcoin/transaction";
import { type BuiltCommitment, buildCommitment } from "#src/commitment/build";
import { formatOf } from "#src/commitment/formats/formatOf";
import { type FundingOutput, fundingScript } from "#src/commitment/funding";
import { commitmentKeys } from "#src/commitment/keys";
import type { ChannelParams, PartyParams } from "#src/commitment/params";
import {
  commitmentSighash,
  fundingWitness,
  htlcSighash,
  htlcSuccessWitness,
  htlcTimeoutWitness,
  ownHtlcSighash,
  withWitness,
} from "#src/commitment/signatures";
import type { SpecHtlc } from "#src/commitment/spec";
import { derivePrivateKey } from "#src/crypto/keyDerivation";
import { fromHex, type Point, type Signature, toHex } from "#src/util/bytes";
import { commitmentNumber, htlcId, type PaymentHash, type Txid } from "#src/util/ids";
import { feeratePerKw, msat, sat, sum } from "#src/util/units";

interface VectorHtlc {
  readonly id: number;
  readonly amountMsat: number;
  readonly paymentHash: string;
  readonly cltvExpiry: number;
}

interface Vector {
  readonly name: string;
  readonly dustLimit: number;
  readonly toLocalMsat: number;
  readonly toRemoteMsat: number;
  readonly incoming: readonly VectorHtlc[];
  readonly outgoing: readonly VectorHtlc[];
  readonly commitTx: string;
  readonly successTxs: readonly string[];
  readonly timeoutTxs: readonly string[];
}

const file = new URL("../../../../fixtures/bolt3/commitments-zero-fee.json", import.meta.url);
const {
  params: figures,
  preimages,
  vectors,
}: {
  readonly params: Record<string, string> & {
    readonly fundingOutputIndex: number;
    readonly fundingSatoshis: number;
    readonly commitmentNumber: number;
    readonly toSelfDelay: number;
  };
  readonly preimages: Readonly<Record<string, string>>;
  readonly vectors: readonly Vector[];
} = JSON.parse(readFileSync(file, "utf8"));

const figure = (name: string): Uint8Array => fromHex(figures[name] ?? assert.fail(`no figure ${name}`));
const pointOf = (secret: string): Point => crypto().publicKey(figure(secret)) as Point;
const perCommitmentPoint = figure("perCommitmentPoint") as Point;
const htlcKey = {
  local: derivePrivateKey(figure("localHtlcBasepointSecret"), perCommitmentPoint),
  remote: derivePrivateKey(figure("remoteHtlcBasepointSecret"), perCommitmentPoint),
};
const sign = (hash: Uint8Array, privateKey: Uint8Array): Signature =>
  crypto().ecdsaSignRecoverable(hash, privateKey).signature as Signature;

const funding: FundingOutput = {
  outPoint: { txid: figures["fundingTxid"] as Txid, index: figures.fundingOutputIndex },
  capacity: sat(figures.fundingSatoshis),
  localKey: pointOf("localFundingPrivkey"),
  remoteKey: pointOf("remoteFundingPrivkey"),
};
const fundingPrevout = {
  value: funding.capacity,
  script: p2wsh(fundingScript(funding.localKey, funding.remoteKey)),
};

function paramsOf(dustLimit: number): ChannelParams {
  const party: Omit<PartyParams, "basepoints"> = {
    dustLimit: sat(dustLimit),
    maxHtlcValueInFlight: msat(10n ** 12n),
    channelReserve: sat(10_000),
    htlcMinimum: msat(1),
    toSelfDelay: figures.toSelfDelay,
    maxAcceptedHtlcs: 114,
  };
  const revocation = figure("revocationBasepoint") as Point;
  const delayedPayment = pointOf("localDelayedPaymentBasepointSecret");
  return {
    format: "zero-fee-commitments",
    isOpener: true,
    local: {
      ...party,
      basepoints: {
        revocation,
        payment: pointOf("localPaymentBasepointSecret"),
        delayedPayment,
        htlc: pointOf("localHtlcBasepointSecret"),
      },
    },
    remote: {
      ...party,
      basepoints: {
        revocation,
        payment: pointOf("remotePaymentBasepointSecret"),
        delayedPayment,
        htlc: pointOf("remoteHtlcBasepointSecret"),
      },
    },
  };
}

function build(vector: Vector): BuiltCommitment {
  const params = paramsOf(vector.dustLimit);
  const rows = (htlcs: readonly VectorHtlc[], direction: SpecHtlc["direction"]): readonly SpecHtlc[] =>
    htlcs.map(({ id, amountMsat, paymentHash, cltvExpiry }) => ({
      direction,
      id: htlcId(id),
      amount: msat(amountMsat),
      paymentHash: paymentHash as PaymentHash,
      cltvExpiry,
    }));
  return buildCommitment({
    params,
    side: "local",
    funding,
    number: commitmentNumber(figures.commitmentNumber),
    keys: commitmentKeys(params, "local", perCommitmentPoint),
    spec: {
      feerate: feeratePerKw(0),
      toLocal: msat(vector.toLocalMsat),
      toRemote: msat(vector.toRemoteMsat),
      htlcs: [...rows(vector.incoming, "incoming"), ...rows(vector.outgoing, "outgoing")],
    },
  });
}

describe("BOLT 3, Appendix H: zero-fee-commitments", () => {
  for (const vector of vectors) {
    it(vector.name, () => {
      const built = build(vector);
      const hash = commitmentSighash(built, funding.capacity);
      const local = sign(hash, figure("localFundingPrivkey"));
      const remote = sign(hash, figure("remoteFundingPrivkey"));
      const signed = withWitness(built.transaction, fundingWitness(funding, local, remote));
      assert.equal(toHex(encodeTransaction(signed)), vector.commitTx);
      assert.equal(built.txid, txid(signed));
      assert.deepEqual(verifyTransaction(signed, [fundingPrevout], standardFlags), { ok: true });

      const outputs = signed.outputs.map(({ value }) => value);
      assert.equal(built.fee, funding.capacity - sum(outputs));
      const anchor = built.sharedAnchor ?? assert.fail("no shared anchor");
      assert.deepEqual(signed.outputs[anchor.index], { value: anchor.value, script: p2a() });
      // A fee only where the anchor is no dust: else the package would not be relayed.
      assert.ok(anchor.value === 240n || (anchor.value < 240n && built.fee === 0n));
    });

    it(`HTLC transactions: ${vector.name}`, () => {
      const built = build(vector);
      const format = formatOf(built.format);
      const signedBy = built.htlcs.map((htlc, index) => {
        const owner = sign(ownHtlcSighash(htlc), htlcKey.local);
        const other = sign(htlcSighash(built, index), htlcKey.remote);
        const preimage = fromHex(preimages[htlc.paymentHash] ?? assert.fail("no preimage"));
        const witness =
          htlc.stage === "timeout"
            ? htlcTimeoutWitness(format, htlc, { owner, other })
            : htlcSuccessWitness(format, htlc, { owner, other }, preimage);
        const signed = withWitness(htlc.secondStage, witness);
        const prevout = built.transaction.outputs[htlc.outputIndex] ?? assert.fail("no output");
        assert.deepEqual(verifyTransaction(signed, [prevout], standardFlags), { ok: true });
        return { stage: htlc.stage, hex: toHex(encodeTransaction(signed)) };
      });
      const hexOf = (stage: "success" | "timeout") =>
        signedBy.filter((each) => each.stage === stage).map(({ hex }) => hex);
      assert.deepEqual(hexOf("success"), vector.successTxs);
      assert.deepEqual(hexOf("timeout"), vector.timeoutTxs);
    });
  }
});
