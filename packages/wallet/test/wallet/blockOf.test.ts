import assert from "node:assert/strict";
import { test } from "node:test";
import { txid } from "@fulmen/bitcoin/transaction";
import { sat } from "@fulmen/lightning/util";
import { accountOf, lowFeerate, ok, World } from "./world.ts";

test("says in which block it has a transaction, in its store, too, and not of one that a reorganisation took away", () => {
  const world = new World();
  const { chain } = world;
  const id = txid(world.give(100_000));
  assert.equal(world.wallet.blockOf(id), undefined);
  world.mine();
  const { height, hash } = chain.tip;
  world.restart();
  const block = world.wallet.blockOf(id);
  assert.deepEqual([block?.height, block?.blockHash], [height, hash]);
  chain.reorg(1);
  world.sync();
  assert.equal(world.wallet.blockOf(id), undefined);
});

test("says so of none that pays to a script which became known only later, before it heard of it again", () => {
  const world = new World();
  const { chain, faucet, wallet } = world;
  const account = accountOf("wpkh");
  // Of five scripts ahead the one of index 7 is none.
  const pay = (...indexes: readonly number[]) => {
    const outputs = indexes.map((index) => ({
      value: sat(20_000),
      script: account.script("receive", index),
    }));
    const transaction = faucet.fund(chain, outputs, lowFeerate);
    ok(chain.submit(transaction));
    world.mine();
    return txid(transaction);
  };
  const both = pay(0, 7);
  const block = chain.tip;
  assert.equal(wallet.blockOf(both)?.height, block.height);
  pay(4);
  assert.equal(wallet.blockOf(both), undefined);
  const transactions = block.block.transactions.map((transaction, index) => ({ index, transaction }));
  wallet.transactionsConfirmed(block.block.header, transactions, block.height);
  assert.equal(wallet.blockOf(both)?.height, block.height);
});
