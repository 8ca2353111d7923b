import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutPoint, Sat } from "@fulmen/bitcoin/primitives";
import { op, p2a, p2wpkh, script as scriptOf } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid, vsize } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import type { Refusal, SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, type Faucet, inputOf } from "@fulmen/testkit/wallet";

const script = p2wpkh(new Uint8Array(20).fill(7));
const low = feeratePerKw(253);
const anchor: TxOut = { value: 0n as Sat, script: p2a() };

function pay(value: bigint, to = script): TxOut {
  return { value: value as Sat, script: to };
}

function refusal(chain: SimulatedChain, tx: Transaction): Refusal | undefined {
  const result = chain.submit(tx);
  return result.ok ? undefined : result.error;
}

function packageRefusal(chain: SimulatedChain, parent: Transaction, child: Transaction): Refusal | undefined {
  const result = chain.submitPackage(parent, child);
  return result.ok ? undefined : result.error.refusal;
}

/** Spends one coin of the faucet's for exactly `outputs`, the rest left as fee. */
function exactly(chain: SimulatedChain, faucet: Faucet, outputs: readonly TxOut[], version: number) {
  const coin = faucet.spendable(chain)[0];
  assert.ok(coin);
  return faucet.spend([{ input: inputOf(coin.outPoint), output: coin.output }], outputs, { version });
}

/** A parent that pays nothing and has an anchor, as commitments without fees do. */
function feelessParent(chain: SimulatedChain, faucet: Faucet, version = 3): Transaction {
  return exactly(chain, faucet, [pay(5_000_000_000n, faucet.script), anchor], version);
}

interface Paying {
  readonly fee: bigint;
  readonly version?: number;
}

/** Spends these outputs of `parent`, if they are the faucet's or anybody's, and pays `fee`. */
function childOf(
  faucet: Faucet,
  parent: Transaction,
  indexes: readonly number[],
  paying: Paying,
): Transaction {
  const { fee, version = 3 } = paying;
  const spent = indexes.map((index) => {
    const output = parent.outputs[index];
    assert.ok(output);
    return { input: inputOf({ txid: txid(parent), index }), output };
  });
  const value = spent.reduce((sum, { output }) => sum + output.value, 0n) - fee;
  return faucet.spend(spent, [pay(value)], { version });
}

test("a child pays for a parent without a fee, and spends its anchor", () => {
  const { chain, faucet } = createFundedChain();
  const parent = feelessParent(chain, faucet);
  assert.deepEqual(refusal(chain, parent), {
    kind: "min-fee-not-met",
    have: 0n,
    need: BigInt(vsize(parent)),
  });
  const child = childOf(faucet, parent, [0, 1], { fee: 1000n });
  assert.deepEqual(chain.submitPackage(parent, child), {
    ok: true,
    value: { txids: [txid(parent), txid(child)], replaced: [] },
  });
  const [block] = chain.mine(1);
  assert.deepEqual(block?.txids.slice(1), [txid(parent), txid(child)]);
  assert.equal(chain.coin({ txid: txid(parent), index: 1 }), undefined);
});

test("both together must pay the relay feerate", () => {
  const { chain, faucet } = createFundedChain();
  const parent = feelessParent(chain, faucet);
  const size = (child: Transaction) => BigInt(vsize(parent) + vsize(child));
  const need = size(childOf(faucet, parent, [0, 1], { fee: 1000n }));
  assert.deepEqual(packageRefusal(chain, parent, childOf(faucet, parent, [0, 1], { fee: need - 1n })), {
    kind: "min-fee-not-met",
    have: need - 1n,
    need,
  });
  assert.equal(packageRefusal(chain, parent, childOf(faucet, parent, [0, 1], { fee: need })), undefined);
});

test("dust is for transactions without a fee, one output of it, and its child spends it", () => {
  const { chain, faucet } = createFundedChain();
  const paying = exactly(chain, faucet, [pay(4_999_990_000n, faucet.script), anchor], 3);
  assert.deepEqual(refusal(chain, paying), { kind: "dust", outputs: [1] });
  const two = exactly(chain, faucet, [pay(5_000_000_000n, faucet.script), anchor, anchor], 3);
  assert.deepEqual(refusal(chain, two), { kind: "dust", outputs: [1, 2] });
  const parent = feelessParent(chain, faucet);
  assert.deepEqual(packageRefusal(chain, parent, childOf(faucet, parent, [0], { fee: 1000n })), {
    kind: "unspent-ephemeral-dust",
    outPoints: [{ txid: txid(parent), index: 1 }],
  });
  const worth = exactly(chain, faucet, [pay(4_999_990_000n, faucet.script), pay(240n, p2a())], 3);
  assert.equal(refusal(chain, worth), undefined);
});

test("an anchor with a witness is not relayed", () => {
  const { chain, faucet } = createFundedChain();
  const parent = feelessParent(chain, faucet);
  const child = childOf(faucet, parent, [0, 1], { fee: 1000n });
  const stuffed = {
    ...child,
    inputs: child.inputs.map((input, i) => (i === 1 ? { ...input, witness: [new Uint8Array(1)] } : input)),
  };
  assert.deepEqual(packageRefusal(chain, parent, stuffed), {
    kind: "non-standard",
    rule: "witness",
    index: 1,
  });
});

test("only version 3 may pay nothing", () => {
  const { chain, faucet } = createFundedChain();
  const parent = feelessParent(chain, faucet, 2);
  const child = childOf(faucet, parent, [0, 1], { fee: 10_000n, version: 2 });
  assert.equal(packageRefusal(chain, parent, child)?.kind, "min-fee-not-met");
  assert.deepEqual(chain.mempool, []);
});

test("a full mempool takes a parent of the relay feerate with a child that pays more", () => {
  const { chain, faucet } = createFundedChain();
  chain.raiseMempoolMinimum(10_000n);
  const parent = faucet.fund(chain, [pay(1_000_000n, faucet.script)], low);
  assert.equal(refusal(chain, parent)?.kind, "min-fee-not-met");
  assert.equal(
    packageRefusal(chain, parent, childOf(faucet, parent, [0], { fee: 1000n, version: 2 }))?.kind,
    "min-fee-not-met",
  );
  assert.equal(
    packageRefusal(chain, parent, childOf(faucet, parent, [0], { fee: 10_000n, version: 2 })),
    undefined,
  );
});

test("a package is one parent and its child", () => {
  const { chain, faucet } = createFundedChain();
  const one = faucet.fund(chain, [pay(1_000_000n)], low);
  const other = faucet.fund(chain, [pay(1_000_000n)], low);
  assert.deepEqual(packageRefusal(chain, one, other), { kind: "package-topology" });
  assert.deepEqual(packageRefusal(chain, one, one), { kind: "package-topology" });
});

test("a parent that stands alone enters alone, also when its child is refused", () => {
  const { chain, faucet } = createFundedChain();
  const parent = faucet.fund(chain, [pay(1_000_000n, faucet.script)], low);
  assert.equal(
    packageRefusal(chain, parent, childOf(faucet, parent, [0], { fee: 0n, version: 2 }))?.kind,
    "min-fee-not-met",
  );
  assert.deepEqual(chain.mempool, [txid(parent)]);
  const child = childOf(faucet, parent, [0], { fee: 1000n, version: 2 });
  assert.deepEqual(chain.submitPackage(parent, child), {
    ok: true,
    value: { txids: [txid(child)], replaced: [] },
  });
});

test("version 3 and others do not spend one another while unconfirmed", () => {
  const { chain, faucet } = createFundedChain();
  const restricted = faucet.fund(chain, [pay(1_000_000n, faucet.script)], low, { version: 3 });
  const other = faucet.fund(chain, [pay(1_000_000n, faucet.script)], low);
  for (const tx of [restricted, other]) assert.equal(refusal(chain, tx), undefined);
  const mixed = (parent: Transaction, version: number) =>
    refusal(chain, childOf(faucet, parent, [0], { fee: 1000n, version: version }));
  assert.deepEqual(mixed(restricted, 2), { kind: "truc", rule: "other-spends-version-3" });
  assert.deepEqual(mixed(other, 3), { kind: "truc", rule: "version-3-spends-other" });
  chain.mine(1);
  assert.equal(mixed(restricted, 2), undefined);
});

test("version 3: two generations, a small child, and a sibling that pays more", () => {
  const { chain, faucet } = createFundedChain();
  const outputs = [pay(1_000_000n, faucet.script), pay(1_000_000n, faucet.script)];
  const parent = faucet.fund(chain, outputs, low, { version: 3 });
  assert.equal(refusal(chain, parent), undefined);
  const spent = { input: inputOf({ txid: txid(parent), index: 0 }), output: pay(1_000_000n, faucet.script) };
  const large = faucet.spend([spent], new Array<TxOut>(40).fill(pay(1000n)), { version: 3 });
  assert.deepEqual(refusal(chain, large), { kind: "truc", rule: "child-too-large" });
  const huge = faucet.fund(chain, new Array<TxOut>(400).fill(pay(1000n)), low, { version: 3 });
  assert.deepEqual(refusal(chain, huge), { kind: "truc", rule: "too-large" });
  const child = faucet.spend([spent], [pay(999_000n, faucet.script)], { version: 3 });
  assert.equal(refusal(chain, child), undefined);
  const grandchild = childOf(faucet, child, [0], { fee: 5000n });
  assert.deepEqual(refusal(chain, grandchild), { kind: "truc", rule: "too-many-ancestors" });
  const poorSibling = childOf(faucet, parent, [1], { fee: 1050n });
  assert.equal(refusal(chain, poorSibling)?.kind, "replacement-fee-too-low");
  const sibling = childOf(faucet, parent, [1], { fee: 2000n });
  assert.deepEqual(chain.submit(sibling), {
    ok: true,
    value: { txids: [txid(sibling)], replaced: [txid(child)] },
  });
});

test("a package replaces another one, when it pays more in all and per byte", () => {
  const { chain, faucet } = createFundedChain();
  const parent = feelessParent(chain, faucet);
  const child = childOf(faucet, parent, [0, 1], { fee: 2000n });
  assert.equal(packageRefusal(chain, parent, child), undefined);
  // The other side's commitment: it spends the same coin.
  const spent = parent.inputs[0]?.outPoint as OutPoint;
  const coin = chain.output(spent);
  assert.ok(coin);
  const rival = faucet.spend(
    [{ input: inputOf(spent), output: coin }],
    [pay(4_000_000_000n), pay(1_000_000_000n, faucet.script), anchor],
    { version: 3 },
  );
  const rivalChild = (fee: bigint) => childOf(faucet, rival, [1, 2], { fee: fee });
  assert.equal(packageRefusal(chain, rival, rivalChild(2100n))?.kind, "replacement-fee-too-low");
  const winner = rivalChild(2500n);
  assert.deepEqual(chain.submitPackage(rival, winner), {
    ok: true,
    value: { txids: [txid(rival), txid(winner)], replaced: [txid(parent), txid(child)] },
  });
  assert.deepEqual(chain.mempool, [txid(rival), txid(winner)]);
});

test("a script that fails in a package is named with its transaction", () => {
  const { chain, faucet } = createFundedChain();
  const parent = feelessParent(chain, faucet);
  const child = childOf(faucet, parent, [0, 1], { fee: 1000n });
  const broken = { ...child, outputs: [pay(77_000n)] };
  assert.deepEqual(chain.submitPackage(parent, broken), {
    ok: false,
    error: { txid: txid(broken), refusal: { kind: "script", inputIndex: 0, error: "sig-nullfail" } },
  });
  assert.deepEqual(chain.mempool, []);
  const unspendable = exactly(chain, faucet, [pay(5_000_000_000n, scriptOf(op.RETURN))], 3);
  assert.deepEqual(refusal(chain, unspendable), { kind: "non-standard", rule: "size-too-small" });
});
