import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { p2wpkhOf } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid, weight } from "@fulmen/bitcoin/transaction";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import { commitmentKeys } from "#src/commitment/keys";
import type { FormatName } from "#src/commitment/params";
import type { SpendableOutputDescriptor } from "#src/handlers/spendableOutput";
import { KeysManager } from "#src/sign/keysManager";
import { type SpendRequest, spendWeight } from "#src/sign/outputSpender";
import { commitmentNumber, type Txid } from "#src/util/ids";
import { feeOf, feeratePerKw, type Sat, sat } from "#src/util/units";
import { monitoredPair, toSelfDelay } from "../onchain/monitoredPair.ts";

const keys = new KeysManager(new Uint8Array(32).fill(7));
const stranger = new KeysManager(new Uint8Array(32).fill(8));
const changeScript = p2wpkhOf(crypto().publicKey(new Uint8Array(32).fill(5)));
const feerate = feeratePerKw(1_000);

/** One descriptor of each kind that a channel of this format leaves, with the keys of `manager`. */
function descriptorsOf(
  format: FormatName,
  manager = keys,
  value: Sat = sat(50_000),
): readonly SpendableOutputDescriptor[] {
  const channelKeysId = new Uint8Array(32).fill(3);
  const signer = manager.deriveChannelSigner(channelKeysId);
  const point = signer.point(commitmentNumber(4));
  const { params } = monitoredPair(format)[0].setup;
  const mine = { ...params, local: { ...params.local, ...signer.basepoints, basepoints: signer.basepoints } };
  const { toLocal, toRemote, toRemoteSequence } = formatOf(format);
  const local = toLocal(commitmentKeys(mine, "local", point), toSelfDelay);
  const remote = toRemote(commitmentKeys(mine, "remote", point));
  const at = (index: number) => ({ txid: "ab".repeat(32) as Txid, index });
  return [
    {
      kind: "static-output",
      ...{ channelKeysId, outPoint: at(0) },
      output: { value, script: manager.destinationScript(channelKeysId) },
    },
    {
      kind: "static-output",
      ...{ channelKeysId, outPoint: at(1) },
      output: { value, script: manager.shutdownScript() },
    },
    {
      kind: "delayed-payment-output",
      ...{ channelKeysId, outPoint: at(2), output: { value, script: local.script } },
      ...{ perCommitmentPoint: point, toSelfDelay, witnessScript: local.witnessScript },
    },
    {
      kind: "static-payment-output",
      ...{ channelKeysId, outPoint: at(3), output: { value, script: remote.script } },
      sequence: toRemoteSequence,
      ...(remote.witnessScript && { witnessScript: remote.witnessScript }),
    },
  ];
}

function spend(request: Partial<SpendRequest> & Pick<SpendRequest, "descriptors">): Transaction {
  const result = keys.spendSpendableOutputs({ outputs: [], changeScript, feerate, ...request });
  return result.ok ? result.value : assert.fail(result.error.kind);
}

function refusal(request: Partial<SpendRequest> & Pick<SpendRequest, "descriptors">): unknown {
  const result = keys.spendSpendableOutputs({ outputs: [], changeScript, feerate, ...request });
  return result.ok ? assert.fail("spent") : result.error;
}

function prevouts(
  { inputs }: Transaction,
  descriptors: readonly SpendableOutputDescriptor[],
): readonly TxOut[] {
  return inputs.map(({ outPoint }) => {
    const found = descriptors.find((one) => one.outPoint.index === outPoint.index);
    return found?.output ?? assert.fail("no such output");
  });
}

function feeOfSpend(transaction: Transaction, descriptors: readonly SpendableOutputDescriptor[]): bigint {
  const paid = transaction.outputs.reduce((total, { value }) => total + value, 0n);
  return prevouts(transaction, descriptors).reduce((total, { value }) => total + value, -paid);
}

for (const format of formatNames) {
  describe(`spending what a channel left, ${format}`, () => {
    const descriptors = descriptorsOf(format);

    it("takes every kind of output with valid scripts, delays and fee", () => {
      const transaction = spend({ descriptors, locktime: 700 });
      assert.deepEqual(verifyTransaction(transaction, prevouts(transaction, descriptors)), { ok: true });
      assert.equal(transaction.locktime, 700);
      assert.equal(transaction.inputs[2]?.sequence, toSelfDelay);
      assert.equal(transaction.inputs[3]?.sequence, formatOf(format).toRemoteSequence);
      assert.deepEqual(
        transaction.outputs.map(({ script }) => script),
        [changeScript],
      );
      const fee = feeOfSpend(transaction, descriptors);
      const exact = feeOf(feerate, weight(transaction));
      // Signatures may be a byte or two shorter than was paid for.
      assert.ok(fee >= exact && fee <= exact + 8n, `${fee} for ${exact}`);
    });

    it("knows what each input weighs", () => {
      for (const descriptor of descriptors) {
        const alone = weight(spend({ descriptors: [descriptor] }));
        const base = 42 + 4 * (9 + changeScript.length);
        const actual = alone - base;
        assert.ok(spendWeight(descriptor) - actual <= 2 && spendWeight(descriptor) >= actual);
      }
    });

    it("refuses the outputs of other keys", () => {
      for (const descriptor of descriptorsOf(format, stranger)) {
        const { outPoint } = descriptor;
        assert.deepEqual(refusal({ descriptors: [descriptor] }), { kind: "foreign-output", outPoint });
      }
    });
  });
}

describe("spending outputs", () => {
  const descriptors = descriptorsOf("anchors-zero-fee-htlc");
  const [first] = descriptors;
  assert.ok(first !== undefined);

  it("spends an output once however often it is named", () => {
    const transaction = spend({ descriptors: [...descriptors, ...descriptors] });
    assert.equal(txid(transaction), txid(spend({ descriptors })));
    assert.equal(transaction.inputs.length, descriptors.length);
  });

  it("pays outputs first, and change behind them", () => {
    const output = { value: sat(60_000), script: keys.shutdownScript() };
    const transaction = spend({ descriptors, outputs: [output] });
    assert.deepEqual(transaction.outputs[0], output);
    assert.deepEqual(transaction.outputs[1]?.script, changeScript);
    assert.deepEqual(verifyTransaction(transaction, prevouts(transaction, descriptors)), { ok: true });
  });

  it("adds no change that would be dust", () => {
    const whole = feeOf(feerate, weight(spend({ descriptors: [first] })));
    const output = { value: sat(50_000n - whole - 200n), script: changeScript };
    const transaction = spend({ descriptors: [first], outputs: [output] });
    assert.deepEqual(transaction.outputs, [output]);
  });

  it("says what is missing", () => {
    const small = descriptorsOf("anchors-zero-fee-htlc", keys, sat(700)).slice(0, 1);
    const lightest = spend({ descriptors: [first] });
    const fee = feeOfSpend(lightest, descriptors);
    const needed = sat(fee + 294n);
    assert.deepEqual(refusal({ descriptors: small }), {
      kind: "insufficient-funds",
      needed,
      available: sat(700),
    });
    const enough = descriptorsOf("anchors-zero-fee-htlc", keys, needed).slice(0, 1);
    assert.equal(spend({ descriptors: enough }).outputs[0]?.value, 294n);
    const output = { value: sat(49_900), script: changeScript };
    assert.deepEqual(refusal({ descriptors: [first], outputs: [output] }), {
      kind: "insufficient-funds",
      needed: sat(49_900n + fee),
      available: sat(50_000),
    });
  });

  it("refuses what nodes would not relay", () => {
    assert.deepEqual(refusal({ descriptors: [] }), { kind: "nothing-to-spend" });
    const dust = { value: sat(293), script: changeScript };
    assert.deepEqual(refusal({ descriptors, outputs: [dust] }), {
      kind: "dust-output",
      index: 0,
      value: sat(293),
      least: sat(294),
    });
    const many = Array.from({ length: 1_500 }, (_, index) => ({
      ...first,
      outPoint: { ...first.outPoint, index },
    }));
    const { kind, most } = refusal({ descriptors: many }) as { kind: string; most: number };
    assert.deepEqual({ kind, most }, { kind: "too-heavy", most: 400_000 });
  });
});
