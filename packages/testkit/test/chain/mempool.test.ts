import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutPoint, Sat } from "@fulmen/bitcoin/primitives";
import { op, p2wpkh, p2wsh, script as scriptOf } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid, vsize } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import type { Refusal, SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, type Faucet, inputOf } from "@fulmen/testkit/wallet";

const script = p2wpkh(new Uint8Array(20).fill(7));
const low = feeratePerKw(253);
const high = feeratePerKw(2500);

function pay(value: bigint, to = script): TxOut {
  return { value: value as Sat, script: to };
}

function refusal(chain: SimulatedChain, tx: Transaction): Refusal | undefined {
  const result = chain.submit(tx);
  return result.ok ? undefined : result.error;
}

function accept(chain: SimulatedChain, tx: Transaction): Transaction {
  assert.equal(refusal(chain, tx), undefined);
  return tx;
}

/** Spends an output of the faucet's, confirmed or not, and nothing else; the fee is what is left. */
function spend(faucet: Faucet, parent: Transaction, outputs: readonly TxOut[], index = 0): Transaction {
  const output = parent.outputs[index];
  assert.ok(output);
  return faucet.spend([{ input: inputOf({ txid: txid(parent), index }), output }], outputs);
}

test("a transaction is taken, found, mined and gone from the mempool", () => {
  const { chain, faucet } = createFundedChain();
  const tx = accept(chain, faucet.fund(chain, [pay(100_000n)], low));
  const id = txid(tx);
  assert.deepEqual(chain.mempool, [id]);
  assert.deepEqual(chain.transaction(id), { transaction: tx, block: undefined });
  assert.equal(chain.confirmations(id), 0);
  const spent = tx.inputs[0]?.outPoint as OutPoint;
  assert.equal(chain.outputSpentBy(spent)?.transaction, tx);
  assert.ok(chain.coin(spent));
  const fee = chain.feeOf(id);
  assert.ok(fee && fee >= BigInt(vsize(tx)) && fee < BigInt(vsize(tx)) + 5n, `${fee}`);
  const [block] = chain.mine(1);
  assert.deepEqual(chain.mempool, []);
  assert.equal(chain.transaction(id)?.block, block);
  assert.equal(chain.feeOf(id), fee);
  assert.equal(chain.confirmations(id), 1);
  assert.equal(chain.coin(spent), undefined);
  assert.equal(chain.outputSpentBy(spent)?.block, block);
  assert.deepEqual(chain.output({ txid: id, index: 0 }), pay(100_000n));
  assert.equal(refusal(chain, tx)?.kind, "already-confirmed");
});

test("what is invalid is refused with its numbers", () => {
  const { chain, faucet } = createFundedChain();
  const tx = faucet.fund(chain, [pay(100_000n)], low);
  const [input] = tx.inputs;
  const [output] = tx.outputs;
  assert.ok(input && output);
  const gone = { txid: txid(tx), index: 7 };
  const cases: readonly (readonly [Partial<Transaction>, object])[] = [
    [{ inputs: [] }, { kind: "malformed", rule: "no-inputs" }],
    [{ outputs: [] }, { kind: "malformed", rule: "no-outputs" }],
    [{ inputs: [inputOf(gone)] }, { kind: "missing-inputs", outPoints: [gone] }],
    [{ locktime: 110 }, { kind: "non-final", locktime: 110 }],
    [{ inputs: [{ ...input, sequence: 200 }] }, { kind: "sequence-locked", untilHeight: 201, untilTime: 0 }],
    [{ outputs: [{ ...output, value: 99n as Sat }, ...tx.outputs.slice(1)] }, { kind: "dust", outputs: [0] }],
  ];
  for (const [change, expected] of cases) assert.deepEqual(refusal(chain, { ...tx, ...change }), expected);
  assert.deepEqual(refusal(chain, { ...tx, outputs: [pay(99_999n), ...tx.outputs.slice(1)] }), {
    kind: "script",
    inputIndex: 0,
    error: "sig-nullfail",
  });
  const coinbase = chain.blockAt(50)?.block.transactions[0] as Transaction;
  assert.equal(refusal(chain, coinbase)?.kind, "coinbase");
  const immature = { txid: txid(coinbase), index: 0 };
  assert.deepEqual(refusal(chain, { ...tx, inputs: [{ ...input, outPoint: immature }] }), {
    kind: "immature-coinbase",
    outPoint: immature,
    matureAt: 150,
  });
  accept(chain, tx);
  assert.equal(refusal(chain, tx)?.kind, "already-in-mempool");
});

test("fees below the relay feerate are refused, and below the mempool's own", () => {
  const { chain, faucet } = createFundedChain();
  const cheap = faucet.fund(chain, [pay(100_000n)], feeratePerKw(240));
  const need = BigInt(vsize(cheap));
  const have = (240n * BigInt(4 * vsize(cheap))) / 1000n;
  const refused = refusal(chain, cheap);
  assert.ok(refused?.kind === "min-fee-not-met");
  assert.equal(refused.need, need);
  assert.ok(refused.have <= have && refused.have > have - 3n);
  const first = accept(chain, faucet.fund(chain, [pay(100_000n)], low));
  const second = accept(chain, faucet.fund(chain, [pay(100_000n)], high));
  assert.deepEqual(chain.raiseMempoolMinimum(5000n), [txid(first)]);
  assert.deepEqual(chain.mempool, [txid(second)]);
  const later = faucet.fund(chain, [pay(100_000n)], feeratePerKw(1000));
  assert.equal(refusal(chain, later)?.kind, "min-fee-not-met");
  chain.raiseMempoolMinimum(0n);
  accept(chain, later);
});

test("what is not standard is refused by its rule, yet may be mined", () => {
  const { chain, faucet } = createFundedChain();
  const nonStandard = (outputs: readonly TxOut[], version = 2) => {
    const tx = faucet.fund(chain, outputs, low, { version });
    const refused = refusal(chain, tx);
    faucet.release(tx);
    return refused?.kind === "non-standard" ? refused.rule : refused?.kind;
  };
  assert.equal(nonStandard([pay(1000n)], 4), "version");
  assert.equal(nonStandard([pay(1000n)], 0), "version");
  assert.equal(nonStandard([pay(1000n, scriptOf(op._1, op.DROP))]), "output-script");
  assert.equal(nonStandard([pay(0n, scriptOf(op.RETURN, new Uint8Array(80)))]), undefined);
  chain.mine(1);
  assert.equal(nonStandard([pay(0n, scriptOf(op.RETURN, new Uint8Array(81)))]), "data-carrier-size");
  assert.equal(nonStandard(new Array<TxOut>(3300).fill(pay(1000n))), "weight");
  const odd = faucet.fund(chain, [pay(1000n, scriptOf(op._1))], low);
  const [block] = chain.mine(1, { transactions: [odd] });
  assert.ok(block?.txids.includes(txid(odd)));
  const spending: Transaction = {
    ...odd,
    inputs: [inputOf({ txid: txid(odd), index: 0 })],
    outputs: [pay(500n)],
  };
  assert.deepEqual(refusal(chain, spending), { kind: "non-standard", rule: "input-script", index: 0 });
});

test("witness scripts and their elements have standard sizes", () => {
  const { chain, faucet } = createFundedChain();
  const open = (witnessScript: Uint8Array, elements: readonly Uint8Array[]) => {
    const funding = accept(chain, faucet.fund(chain, [pay(100_000n, p2wsh(witnessScript))], low));
    const input = inputOf({ txid: txid(funding), index: 0 });
    const witness = [...elements, witnessScript];
    return refusal(chain, { ...funding, inputs: [{ ...input, witness }], outputs: [pay(50_000n)] });
  };
  const large = scriptOf(...new Array<Uint8Array>(40).fill(new Uint8Array(88)));
  const nonStandard = { kind: "non-standard", rule: "witness", index: 0 };
  assert.equal(open(scriptOf(op.DROP, op._1), [new Uint8Array(80)]), undefined);
  assert.deepEqual(open(scriptOf(op.DROP, op._1), [new Uint8Array(81)]), nonStandard);
  assert.deepEqual(open(scriptOf(large, op._1), []), nonStandard);
});

test("a replacement pays for what it evicts, for its own relay, and more per byte", () => {
  const { chain, faucet } = createFundedChain();
  const first = accept(chain, faucet.fund(chain, [pay(100_000n)], feeratePerKw(500)));
  const change = accept(chain, spend(faucet, first, [pay(4_000_000_000n)], 1));
  const conflicting = (fee: bigint) => {
    const spent = chain.output(first.inputs[0]?.outPoint as OutPoint);
    assert.ok(spent);
    const inputs = [{ input: inputOf(first.inputs[0]?.outPoint as OutPoint), output: spent }];
    return faucet.spend(inputs, [pay(spent.value - fee)]);
  };
  const evictedFees = (chain.feeOf(txid(first)) ?? 0n) + (chain.feeOf(txid(change)) ?? 0n);
  const size = BigInt(vsize(conflicting(1000n)));
  assert.equal(refusal(chain, conflicting(200n))?.kind, "replacement-feerate-too-low");
  assert.deepEqual(refusal(chain, conflicting(evictedFees + size - 1n)), {
    kind: "replacement-fee-too-low",
    have: evictedFees + size - 1n,
    need: evictedFees + size,
  });
  const replacing = conflicting(evictedFees + size);
  const result = chain.submit(replacing);
  assert.deepEqual(result, {
    ok: true,
    value: { txids: [txid(replacing)], replaced: [txid(first), txid(change)] },
  });
  assert.deepEqual(chain.mempool, [txid(replacing)]);
  assert.equal(refusal(chain, change)?.kind, "missing-inputs");
});

test("without full replacement only what signals is replaced", () => {
  const { chain, faucet } = createFundedChain({ policy: { fullReplacement: false } });
  const coin = faucet.spendable(chain)[0];
  assert.ok(coin);
  const paying = (sequence: number, fee: bigint) => {
    const inputs = [{ input: inputOf(coin.outPoint, sequence), output: coin.output }];
    return faucet.spend(inputs, [pay(coin.output.value - fee)]);
  };
  const fixed = accept(chain, paying(0xffff_fffe, 1000n));
  assert.deepEqual(refusal(chain, paying(0, 9000n)), {
    kind: "conflict-not-replaceable",
    conflict: txid(fixed),
  });
  const { chain: other, faucet: same } = createFundedChain({ policy: { fullReplacement: false } });
  assert.equal(same.spendable(other).length, 10);
  accept(other, paying(0xffff_fffd, 1000n));
  accept(other, paying(0xffff_ffff, 9000n));
});

test("a replacement may not bring new unconfirmed inputs, nor spend what it replaces", () => {
  const { chain, faucet } = createFundedChain();
  const first = accept(chain, faucet.fund(chain, [pay(1_000_000n, faucet.script)], low));
  const second = accept(chain, faucet.fund(chain, [pay(1_000_000n, faucet.script)], low));
  const spent = first.inputs[0]?.outPoint as OutPoint;
  const [output] = second.outputs;
  const coin = chain.output(spent);
  assert.ok(output && coin);
  const original = { input: inputOf(spent), output: coin };
  const unconfirmed = { input: inputOf({ txid: txid(second), index: 0 }), output };
  const adding = faucet.spend([original, unconfirmed], [pay(4_000_000_000n)]);
  assert.equal(refusal(chain, adding)?.kind, "replacement-adds-unconfirmed");
  const own = { input: inputOf({ txid: txid(first), index: 0 }), output };
  const circular = faucet.spend([original, own], [pay(4_000_000_000n)]);
  assert.deepEqual(refusal(chain, circular), { kind: "spends-conflict", conflict: txid(first) });
});

test("chains of unconfirmed transactions end at 25, one small child of one parent excepted", () => {
  const { chain, faucet } = createFundedChain();
  let last = accept(
    chain,
    faucet.fund(chain, [pay(10_000_000n, faucet.script), pay(1_000_000n, faucet.script)], low),
  );
  const root = last;
  for (let i = 1; i < 25; i++) {
    last = accept(chain, spend(faucet, last, [pay(10_000_000n - BigInt(i) * 1000n, faucet.script)]));
  }
  const beyond = spend(faucet, last, [pay(9_000_000n)]);
  assert.deepEqual(refusal(chain, beyond), {
    kind: "too-long-chain",
    limit: "ancestors",
    have: 26,
    most: 25,
  });
  const carvedOut = accept(chain, spend(faucet, root, [pay(900_000n)], 1));
  const another = spend(faucet, root, [pay(900_000n, faucet.script)], 2);
  assert.deepEqual(refusal(chain, another), {
    kind: "too-long-chain",
    limit: "descendants",
    have: 27,
    most: 25,
  });
  const [block] = chain.mine(1);
  assert.equal(block?.txids.length, 27);
  assert.equal(chain.confirmations(txid(carvedOut)), 1);
  accept(chain, beyond);
});

test("miners take what pays best first, parents with their children", () => {
  const { chain, faucet } = createFundedChain();
  const parent = accept(chain, faucet.fund(chain, [pay(1_000_000n, faucet.script)], low));
  const middle = accept(chain, faucet.fund(chain, [pay(100_000n)], feeratePerKw(1000)));
  const child = accept(chain, spend(faucet, parent, [pay(900_000n)]));
  const cheap = accept(chain, faucet.fund(chain, [pay(100_000n)], low));
  const [block] = chain.mine(1, { minFeerate: 2000n });
  assert.deepEqual(block?.txids.slice(1), [parent, child, middle].map(txid));
  assert.deepEqual(chain.mempool, [txid(cheap)]);
  const [empty] = chain.mine(1, { only: [] });
  assert.equal(empty?.txids.length, 1);
  assert.throws(() => chain.mine(1, { only: [txid(child)] }), RangeError);
  const [full] = chain.mine(1, { maxWeight: 8100 });
  assert.equal(full?.txids.length, 1);
  const [last] = chain.mine(1, { only: [txid(cheap)] });
  assert.deepEqual(last?.txids.slice(1), [txid(cheap)]);
});

test("a block's double-spend drops what it conflicts with, descendants included", () => {
  const { chain, faucet } = createFundedChain();
  const first = accept(chain, faucet.fund(chain, [pay(1_000_000n, faucet.script)], high));
  accept(chain, spend(faucet, first, [pay(900_000n)]));
  faucet.release(first);
  const { chain: twin, faucet: same } = createFundedChain();
  const conflicting = same.fund(twin, [pay(77_000n)], low);
  assert.deepEqual(conflicting.inputs[0]?.outPoint, first.inputs[0]?.outPoint);
  const [block] = chain.mine(1, { transactions: [conflicting] });
  assert.deepEqual(block?.txids.slice(1), [txid(conflicting)]);
  assert.deepEqual(chain.mempool, []);
});
