import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sat } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid, vsize, weight as weightOf } from "@fulmen/bitcoin/transaction";
import { present } from "@fulmen/lightning/util";
import { createFundedChain, type Faucet, inputOf, type SpentInput } from "@fulmen/testkit/wallet";

const script = p2wpkh(new Uint8Array(20).fill(7));

/** Spends all of `spent` to equal outputs of the faucet's, less `fee`. */
function spend(faucet: Faucet, spent: readonly SpentInput[], fee: bigint, outputs = 1): Transaction {
  const have = spent.reduce((sum, { output }) => sum + output.value, 0n) - fee;
  const part = (have / BigInt(outputs)) as Sat;
  const rest = (have - part * BigInt(outputs - 1)) as Sat;
  const equal = Array.from({ length: outputs }, (): TxOut => ({ value: part, script: faucet.script }));
  return faucet.spend(spent, [...equal.slice(1), { value: rest, script: faucet.script }]);
}

function outputOf(tx: Transaction, index = 0): SpentInput {
  return { input: inputOf({ txid: txid(tx), index }), output: present(tx.outputs[index], "the output") };
}

function setup() {
  const { chain, faucet } = createFundedChain();
  const [coin, other] = faucet
    .spendable(chain)
    .map(({ outPoint, output }) => ({ input: inputOf(outPoint), output }));
  return { chain, faucet, coin: present(coin, "a coin"), other: present(other, "another") };
}

test("what is larger than a rich child and its poor parent must pay as well as both together", () => {
  const { chain, faucet, coin } = setup();
  const parent = spend(faucet, [coin], 110n);
  const child = spend(faucet, [outputOf(parent)], 2200n);
  for (const tx of [parent, child]) assert.ok(chain.submit(tx).ok);
  const pair = BigInt(vsize(parent) + vsize(child));
  const large = (fee: bigint) => spend(faucet, [coin], fee, 14);
  const size = BigInt(vsize(large(0n)));
  // Enough for what it evicts, for its own relay, and more per byte than the parent alone.
  assert.deepEqual(chain.submit(large(2310n + size)), {
    ok: false,
    error: {
      kind: "replacement-earns-less",
      have: ((2310n + size) * 4000n) / BigInt(weightOf(large(0n))),
      best: (2310n * 4000n) / BigInt(weightOf(parent) + weightOf(child)),
    },
  });
  assert.ok(chain.submit(large((2310n * size) / pair + size)).ok);
  assert.equal(chain.mempool.length, 1);
});

test("a replacement of a child is measured with the parent that it pays for", () => {
  const { chain, faucet, coin, other } = setup();
  const parent = spend(faucet, [coin], 150n, 2);
  const poor = spend(faucet, [outputOf(parent), other], 400n);
  for (const tx of [parent, poor]) assert.ok(chain.submit(tx).ok);
  // It leaves the parent alone and pays for itself only: block space at the head earns more, all of it earns more.
  const instead = spend(faucet, [other], 2000n);
  assert.deepEqual(chain.submit(instead), {
    ok: true,
    value: { txids: [txid(instead)], replaced: [txid(poor)] },
  });
});

test("a package that replaces stands on its child's fee", () => {
  const { chain, faucet, coin } = setup();
  const first = faucet.spend([coin], [{ value: (coin.output.value - 300n) as Sat, script }]);
  assert.ok(chain.submit(first).ok);
  const parent = spend(faucet, [coin], 400n);
  const child = (fee: bigint) => spend(faucet, [outputOf(parent)], fee);
  const [poor, rich] = [child(200n), child(600n)];
  const refused = chain.submitPackage(parent, poor);
  assert.equal(refused.ok ? undefined : refused.error.refusal.kind, "replacement-feerate-too-low");
  assert.deepEqual(chain.submitPackage(parent, rich), {
    ok: true,
    value: { txids: [txid(parent), txid(rich)], replaced: [txid(first)] },
  });
});
