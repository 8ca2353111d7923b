import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sat } from "@fulmen/bitcoin/primitives";
import { p2a, p2wpkh } from "@fulmen/bitcoin/script";
import { type TxOut, txid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import { ChainBroadcaster } from "@fulmen/testkit/chain";
import { createFundedChain, inputOf } from "@fulmen/testkit/wallet";

const script = p2wpkh(new Uint8Array(20).fill(7));

test("broadcasts reach the mempool, packages as such, and refusals are kept once", () => {
  const { chain, faucet } = createFundedChain();
  const broadcaster = new ChainBroadcaster(chain);
  const single = faucet.fund(chain, [{ value: 50_000n as Sat, script }], feeratePerKw(253));
  broadcaster.broadcastTransactions([single], "funding");
  broadcaster.broadcastTransactions([single], "funding");
  assert.deepEqual(chain.mempool, [txid(single)]);

  const [coin] = faucet.spendable(chain);
  assert.ok(coin);
  const owned: TxOut = { value: coin.output.value, script: faucet.script };
  const anchor: TxOut = { value: 0n as Sat, script: p2a() };
  const spent = [{ input: inputOf(coin.outPoint), output: coin.output }];
  const parent = faucet.spend(spent, [owned, anchor], { version: 3 });
  const outputs = [owned, anchor].map((output, index) => ({
    input: inputOf({ txid: txid(parent), index }),
    output,
  }));
  const child = faucet.spend(outputs, [{ value: (owned.value - 1000n) as Sat, script }], { version: 3 });
  broadcaster.broadcastTransactions([parent], "unilateral-close");
  assert.deepEqual(
    broadcaster.takeRefused().map(({ transaction, type, refusal }) => [transaction, type, refusal.kind]),
    [[parent, "unilateral-close", "min-fee-not-met"]],
  );
  assert.deepEqual(broadcaster.takeRefused(), []);
  broadcaster.broadcastTransactions([parent, child], "anchor-bump");
  broadcaster.broadcastTransactions([parent, child], "anchor-bump");
  chain.mine(1);
  broadcaster.broadcastTransactions([parent, child], "anchor-bump");
  assert.deepEqual(broadcaster.takeRefused(), []);
  assert.equal(chain.confirmations(txid(child)), 1);
});
