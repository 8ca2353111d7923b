import assert from "node:assert/strict";
import { test } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { sat } from "@fulmen/lightning/util";
import { inputOf } from "@fulmen/testkit/wallet";
import { Wallet } from "@fulmen/wallet";
import { ok, World } from "./world.ts";

test("a row of 20,000 unconfirmed transactions, which a chain source made up, takes neither stack nor memory", () => {
  const world = new World();
  const { script } = world.wallet.nextAddress();
  let last: Transaction = world.give(100_000);
  world.mine();
  for (let i = 0; i < 20_000; i++) {
    const outputs = [{ value: sat(90_000), script }];
    last = { version: 2, locktime: 0, inputs: [inputOf({ txid: txid(last), index: 0 })], outputs };
    world.wallet.transactionSeen(last);
  }
  const look = (): void => {
    const before = performance.now();
    assert.equal(world.total() > 0n, true);
    const [coin] = world.wallet.coins().filter(({ outPoint }) => outPoint.txid === txid(last));
    assert.equal(coin?.isTrusted, false);
    assert.ok(performance.now() - before < 5_000);
  };
  look();
  world.save();
  // As stores give them: by key.
  const entries = world.entries().toSorted((a, b) => (a.key < b.key ? -1 : 1));
  world.wallet = ok(Wallet.open(world.options, entries));
  look();
});
