import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import type { Sat } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { txid, weight } from "@fulmen/bitcoin/transaction";
import { feeOf, feeratePerKw } from "@fulmen/lightning/util";
import { createFundedChain, Faucet, FaucetEmptyError, inputOf } from "@fulmen/testkit/wallet";

const script = p2wpkh(new Uint8Array(20).fill(7));

test("pays in order, at the feerate, with change to itself", () => {
  const { chain, faucet } = createFundedChain();
  const outputs = [1000n, 2000n, 9_000_000_000n].map((value) => ({ value: value as Sat, script }));
  for (const feerate of [253n, 1000n, 25_000n].map(feeratePerKw)) {
    const tx = faucet.fund(chain, outputs, feerate);
    assert.deepEqual(tx.outputs.slice(0, 3), outputs);
    assert.deepEqual(tx.outputs[3]?.script, faucet.script);
    assert.equal(tx.inputs.length, 2);
    assert.ok(chain.submit(tx).ok);
    const fee = chain.feeOf(txid(tx)) ?? 0n;
    const exact = feeOf(feerate, weight(tx));
    assert.ok(fee >= exact && fee <= feeOf(feerate, weight(tx) + 6), `${fee} for ${exact}`);
  }
});

test("never spends a coin twice, and says when it has no more", () => {
  const { chain, faucet } = createFundedChain({ coins: 2 });
  const output = { value: 4_000_000_000n as Sat, script };
  const first = faucet.fund(chain, [output], feeratePerKw(253));
  const second = faucet.fund(chain, [output], feeratePerKw(253));
  assert.notDeepEqual(first.inputs[0]?.outPoint, second.inputs[0]?.outPoint);
  assert.throws(() => faucet.fund(chain, [output], feeratePerKw(253)), FaucetEmptyError);
  faucet.release(second);
  assert.deepEqual(faucet.fund(chain, [output], feeratePerKw(253)), second);
  assert.equal(faucet.balance(chain), 0n);
  assert.ok(chain.submit(first).ok);
  chain.mine(1);
  assert.ok(faucet.balance(chain) > 5_000_000_000n);
});

test("signs what is its own among given inputs, and pays for the weight of all", () => {
  const { chain, faucet } = createFundedChain();
  const parent = faucet.fund(chain, [{ value: 10_000n as Sat, script: faucet.script }], feeratePerKw(253));
  assert.ok(chain.submit(parent).ok);
  const [output] = parent.outputs;
  assert.ok(output);
  const inputs = [{ input: inputOf({ txid: txid(parent), index: 0 }), output }];
  const child = faucet.fund(chain, [], feeratePerKw(5000), { inputs, version: 3, locktime: 7 });
  assert.deepEqual([child.inputs.length, child.outputs.length, child.version, child.locktime], [1, 1, 3, 7]);
  assert.deepEqual(verifyTransaction(child, [output]), { ok: true });
});

test("keys come from the seed", () => {
  assert.deepEqual(new Faucet(5).script, new Faucet(5).script);
  assert.notDeepEqual(new Faucet(5).script, new Faucet(6).script);
});
