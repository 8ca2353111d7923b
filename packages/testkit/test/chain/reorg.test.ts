import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockHash, Sat } from "@fulmen/bitcoin/primitives";
import { p2wpkh } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid } from "@fulmen/bitcoin/transaction";
import { feeratePerKw } from "@fulmen/lightning/util";
import { SimulatedChain } from "@fulmen/testkit/chain";
import { createFundedChain, inputOf } from "@fulmen/testkit/wallet";
import fc from "fast-check";

const script = p2wpkh(new Uint8Array(20).fill(7));
const low = feeratePerKw(253);

function pay(value: bigint, to = script): TxOut {
  return { value: value as Sat, script: to };
}

test("a reorg returns transactions to the mempool and coins to where they were", () => {
  const { chain, faucet } = createFundedChain();
  const before = { coins: snapshot(chain), tip: chain.tip };
  const parent = faucet.fund(chain, [pay(1_000_000n, faucet.script)], low);
  assert.ok(chain.submit(parent).ok);
  chain.mine(1);
  const output = pay(1_000_000n, faucet.script);
  const child = faucet.spend([{ input: inputOf({ txid: txid(parent), index: 0 }), output }], [pay(990_000n)]);
  assert.ok(chain.submit(child).ok);
  const [first, second] = [chain.tip, chain.mine(1)[0]];
  const update = chain.reorg(2);
  assert.equal(update.forkPoint, before.tip);
  assert.deepEqual(update.disconnected, [second, first]);
  assert.equal(update.connected.length, 3);
  assert.equal(chain.tip, update.connected.at(-1));
  assert.equal(chain.tip.height, before.tip.height + 3);
  assert.deepEqual(chain.mempool, [txid(parent), txid(child)]);
  assert.equal(chain.confirmations(txid(parent)), 0);
  const restored = snapshot(chain);
  for (const coin of before.coins) assert.ok(restored.includes(coin));
  assert.equal(restored.length, before.coins.length + 3);
  chain.mine(1);
  assert.equal(chain.confirmations(txid(child)), 1);
});

test("a branch may confirm again, later, or something else instead", () => {
  const { chain, faucet } = createFundedChain();
  const first = faucet.fund(chain, [pay(1_000_000n)], low);
  const second = faucet.fund(chain, [pay(2_000_000n)], low);
  for (const tx of [first, second]) assert.ok(chain.submit(tx).ok);
  chain.mine(1);
  const again = chain.reorg(1, { only: [txid(second)] });
  assert.deepEqual(again.connected[0]?.txids.slice(1), [txid(second)]);
  assert.deepEqual(chain.mempool, [txid(first)]);
  chain.mine(1);
  const coin = first.inputs[0]?.outPoint;
  assert.ok(coin);
  const output = chain.output(coin);
  assert.ok(output);
  const rival: Transaction = faucet.spend([{ input: inputOf(coin), output }], [pay(4_000_000_000n)]);
  const instead = chain.reorg(1, { transactions: [rival] });
  assert.deepEqual(instead.connected[0]?.txids.slice(1), [txid(rival)]);
  assert.equal(chain.transaction(txid(first)), undefined);
  assert.deepEqual(chain.outputSpentBy(coin)?.transaction, rival);
});

test("what spends a coinbase that is gone is gone too", () => {
  const { chain, faucet } = createFundedChain({ coins: 1 });
  const tx = faucet.fund(chain, [pay(1_000_000n)], low);
  assert.ok(chain.submit(tx).ok);
  chain.reorg(100, { length: 101 });
  assert.deepEqual(chain.mempool, []);
  assert.equal(chain.transaction(txid(tx)), undefined);
});

test("a lock that opens at the tip does not close below a fork", () => {
  const { chain, faucet } = createFundedChain();
  const tx = faucet.fund(chain, [pay(1_000_000n)], low, { locktime: chain.tip.height });
  assert.ok(chain.submit(tx).ok);
  chain.reorg(1);
  assert.deepEqual(chain.mempool, [txid(tx)]);
});

test("a follower is told what it missed, over several reorgs, from any place that it had", () => {
  const chain = new SimulatedChain();
  chain.mine(5);
  const early = chain.locator();
  assert.deepEqual(early.ancestors.length, 5);
  chain.mine(2);
  const late = chain.locator();
  chain.reorg(3);
  chain.reorg(1);
  const fromEarly = chain.blocksSince(early);
  assert.equal(fromEarly.forkPoint.height, 4);
  assert.deepEqual(
    fromEarly.disconnected.map(({ height }) => height),
    [5],
  );
  assert.deepEqual(
    fromEarly.connected.map(({ height }) => height),
    [5, 6, 7, 8, 9],
  );
  const fromLate = chain.blocksSince(late);
  assert.deepEqual(
    fromLate.disconnected.map(({ height }) => height),
    [7, 6, 5],
  );
  assert.deepEqual(fromLate.connected, fromEarly.connected);
  const now = chain.blocksSince(chain.locator());
  assert.deepEqual([now.forkPoint, now.disconnected, now.connected], [chain.tip, [], []]);
  const unknown = { hash: "ab".repeat(32) as BlockHash, ancestors: [chain.blockAt(3)?.hash as BlockHash] };
  assert.equal(chain.blocksSince(unknown).forkPoint.height, 3);
  assert.equal(chain.blocksSince({ ...unknown, ancestors: [] }).forkPoint.height, 0);
  chain.mine(20);
  assert.equal(chain.locator().ancestors.length, 12);
  assert.equal(chain.locator().ancestors[0], chain.tip.block.header.previous);
});

test("whatever happens, each block passes anew, no coin is made or lost, and followers agree", () => {
  const actions = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("pay" as const), value: fc.integer({ min: 1000, max: 10 ** 8 }) }),
      fc.record({ kind: fc.constant("mine" as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant("reorg" as const), depth: fc.integer({ min: 1, max: 4 }) }),
    ),
    { minLength: 5, maxLength: 25 },
  );
  const property = fc.property(actions, (steps) => {
    const { chain, faucet } = createFundedChain();
    const follower: BlockHash[] = Array.from({ length: 110 }, (_, i) => chain.blockAt(i)?.hash as BlockHash);
    let at = chain.locator();
    for (const step of steps) {
      if (step.kind === "pay") chain.submit(faucet.fund(chain, [pay(BigInt(step.value))], low));
      else if (step.kind === "mine") chain.mine(step.count);
      else chain.reorg(step.depth);
      const { forkPoint, connected } = chain.blocksSince(at);
      follower.splice(forkPoint.height + 1);
      for (const { hash } of connected) follower.push(hash);
      at = chain.locator();
    }
    const validator = new SimulatedChain();
    for (let height = 1; height <= chain.tip.height; height++) {
      const block = chain.blockAt(height);
      assert.ok(block && validator.connectBlock(block.block).ok);
      assert.equal(block.hash, follower[height]);
    }
    assert.deepEqual(snapshot(validator), snapshot(chain));
    const subsidies = BigInt(Math.min(chain.tip.height, 149)) * 5_000_000_000n;
    const later = BigInt(Math.max(0, chain.tip.height - 149)) * 2_500_000_000n;
    const total = chain.coins().reduce((sum, { output }) => sum + output.value, 0n);
    assert.equal(total, subsidies + later);
  });
  fc.assert(property, { seed: 21, numRuns: 15 });
});

/** Coins as text, in an order of their own. */
function snapshot(chain: SimulatedChain): readonly string[] {
  return chain
    .coins()
    .map(({ outPoint, output, height }) => `${outPoint.txid}:${outPoint.index} ${output.value} ${height}`)
    .sort();
}
