import assert from "node:assert/strict";
import { test } from "node:test";
import { op, script } from "@fulmen/bitcoin/script";
import { txid } from "@fulmen/bitcoin/transaction";
import { scriptHashOf, statusOf } from "@fulmen/testkit/electrum";
import { ScriptIndex } from "#src/lookup/scriptIndex";
import { type ElectrumTestClient, pay, scriptOf, send, servedChain, spend } from "./electrumTestClient.ts";

const [alice, bob] = [scriptOf(1), scriptOf(2)];

/** What a client learns of a script. */
function look(client: ElectrumTestClient, of: Uint8Array) {
  const hash = scriptHashOf(of);
  return {
    balance: client.ask("blockchain.scripthash.get_balance", hash),
    history: client.ask("blockchain.scripthash.get_history", hash),
    mempool: client.ask("blockchain.scripthash.get_mempool", hash),
    unspent: client.ask("blockchain.scripthash.listunspent", hash),
  };
}

test("a script that nobody knows has nothing", () => {
  const { client } = servedChain();
  assert.deepEqual(look(client, alice), {
    balance: { confirmed: 0, unconfirmed: 0 },
    history: [],
    mempool: [],
    unspent: [],
  });
  assert.equal(client.ask("blockchain.scripthash.subscribe", scriptHashOf(alice)), null);
});

test("a payment is seen in the mempool, in a block, and when it is spent", () => {
  const served = servedChain();
  const { chain, faucet, client } = served;
  const hash = scriptHashOf(faucet.script);
  const before = look(client, faucet.script);
  assert.equal((before.history as unknown[]).length, 109);
  const confirmed = (before.balance as { confirmed: number }).confirmed;

  const tx = send(served, pay(5_000n, alice), pay(6_000n, bob));
  const tx_hash = txid(tx);
  const fee = Number(chain.feeOf(tx_hash));
  const waiting = [{ tx_hash, height: 0, fee }];
  assert.deepEqual(look(client, alice), {
    balance: { confirmed: 0, unconfirmed: 5_000 },
    history: waiting,
    mempool: waiting,
    unspent: [{ tx_hash, tx_pos: 0, height: 0, value: 5_000 }],
  });
  const paying = look(client, faucet.script);
  assert.deepEqual(paying.mempool, waiting);
  assert.deepEqual(paying.balance, { confirmed, unconfirmed: -11_000 - fee });
  assert.equal((paying.unspent as unknown[]).length, 109, "a coin less, and the change");

  chain.mine();
  assert.deepEqual(look(client, bob), {
    balance: { confirmed: 6_000, unconfirmed: 0 },
    history: [{ tx_hash, height: 110 }],
    mempool: [],
    unspent: [{ tx_hash, tx_pos: 1, height: 110, value: 6_000 }],
  });
  const history = client.ask("blockchain.scripthash.get_history", hash) as unknown[];
  assert.equal(history.length, 111, "the block's coinbase pays to the faucet, too");
  assert.deepEqual(history.at(-1), { tx_hash, height: 110 });
});

test("what spends something unconfirmed has the height -1, and comes after what does not", () => {
  const served = servedChain();
  const { chain, faucet, client, server } = served;
  const parent = send(served, pay(1_000_000n, faucet.script));
  const parentId = txid(parent);
  const child = spend(served, { txid: parentId, transaction: parent }, 0, [pay(400_000n, alice)]);
  assert.ok(chain.submit(child).ok);
  const other = send(served, pay(5_000n, alice));
  const heights = (
    client.ask("blockchain.scripthash.get_mempool", scriptHashOf(alice)) as { height: number }[]
  ).map(({ height }) => height);
  assert.deepEqual(heights, [0, -1]);
  const statusWith = (height: number) =>
    statusOf([
      { txid: txid(other), height: 0 },
      { txid: txid(child), height },
    ]);
  assert.equal(client.ask("blockchain.scripthash.subscribe", scriptHashOf(alice)), statusWith(-1));

  // Only the parent confirms: that is news for those that the child pays to.
  chain.mine(1, { only: [parentId] });
  server.update();
  const inOrder = txid(child) < txid(other) ? [child, other] : [other, child];
  const status = statusOf(inOrder.map((tx) => ({ txid: txid(tx), height: 0 })));
  assert.deepEqual(client.take(), [
    { jsonrpc: "2.0", method: "blockchain.scripthash.subscribe", params: [scriptHashOf(alice), status] },
  ]);
});

test("a status is told when it changes, and only then", () => {
  const served = servedChain();
  const { chain, client, server } = served;
  const hash = scriptHashOf(alice);
  assert.equal(client.ask("blockchain.scripthash.subscribe", hash), null);
  const news = (): readonly unknown[] => {
    server.update();
    return client.take().map(({ method, params }) => [method, params]);
  };
  const told = (status: string | null) => [["blockchain.scripthash.subscribe", [hash, status]]];
  assert.deepEqual(news(), []);
  send(served, pay(5_000n, bob));
  assert.deepEqual(news(), [], "others are paid");
  const id = txid(send(served, pay(5_000n, alice)));
  assert.deepEqual(news(), told(statusOf([{ txid: id, height: 0 }])));
  assert.deepEqual(news(), []);
  chain.mine();
  assert.deepEqual(news(), told(statusOf([{ txid: id, height: 110 }])));
  chain.mine();
  assert.deepEqual(news(), []);
  chain.reorg(2);
  assert.deepEqual(news(), told(statusOf([{ txid: id, height: 0 }])), "back in the mempool");
  chain.mine();
  assert.deepEqual(news(), told(statusOf([{ txid: id, height: 113 }])));

  assert.equal(client.ask("blockchain.scripthash.unsubscribe", hash), true);
  assert.equal(client.ask("blockchain.scripthash.unsubscribe", hash), false);
  send(served, pay(7_000n, alice));
  assert.deepEqual(news(), []);
});

test("a replaced payment is gone for who would have had it", () => {
  const served = servedChain();
  const { chain, faucet, client, server } = served;
  const hash = scriptHashOf(alice);
  client.ask("blockchain.scripthash.subscribe", hash);
  const first = send(served, pay(5_000n, alice));
  server.update();
  client.take();
  const spent = first.inputs.map((input) => {
    const output = chain.output(input.outPoint);
    assert.ok(output);
    return { input, output };
  });
  const second = faucet.spend(spent, [pay(9_000n, bob)]);
  assert.ok(chain.submit(second).ok);
  server.update();
  assert.deepEqual(
    client.take().map(({ params }) => params),
    [[hash, null]],
  );
});

test("outputs that nobody can spend are in no history", () => {
  const served = servedChain();
  const nobody = script(op.RETURN, Uint8Array.of(1, 2, 3));
  send(served, pay(0n, nobody));
  served.chain.mine();
  assert.deepEqual(look(served.client, nobody).history, []);
});

test("script hashes are 32 bytes of hex, in either case", () => {
  const served = servedChain();
  const { client } = served;
  const tx_hash = txid(send(served, pay(5_000n, alice)));
  const upper = scriptHashOf(alice).toUpperCase();
  const [item] = client.ask("blockchain.scripthash.get_history", upper) as { tx_hash: string }[];
  assert.equal(item?.tx_hash, tx_hash);
  for (const method of [
    "subscribe",
    "unsubscribe",
    "get_balance",
    "get_history",
    "get_mempool",
    "listunspent",
  ]) {
    for (const hash of ["", "00", `${"0".repeat(63)}g`, 5, null, [], { a: 1 }]) {
      const refusal = client.refusal(`blockchain.scripthash.${method}`, hash);
      assert.equal(refusal?.code, 1);
      assert.match(refusal?.message ?? "", /is not a valid script hash$/);
    }
  }
});

test("a history that is too long is refused, and ends a subscription", () => {
  const served = servedChain({ limits: { maxHistory: 1 } });
  const { chain, client, server } = served;
  const hash = scriptHashOf(alice);
  client.ask("blockchain.scripthash.subscribe", hash);
  for (let i = 0; i < 2; i++) {
    send(served, pay(5_000n, alice));
    chain.mine();
    server.update();
  }
  assert.deepEqual(
    client.take().map(({ params }) => (params as unknown[])[1] === null),
    [false, true],
  );
  for (const method of ["subscribe", "get_balance", "get_history", "listunspent"]) {
    assert.deepEqual(client.refusal(`blockchain.scripthash.${method}`, hash), {
      code: 10_001,
      message: "history too large",
    });
  }
  assert.equal(client.ask("blockchain.scripthash.unsubscribe", hash), false);
});

test("an index that followed a chain through reorgs is one that begins at its end", () => {
  const served = servedChain();
  const { chain, faucet } = served;
  const followed = new ScriptIndex(chain);
  const scripts = [1, 2, 3, 4].map(scriptOf);
  let seed = 11;
  const dice = (sides: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * sides);
  };
  for (let round = 0; round < 120; round++) {
    const to = scripts[dice(scripts.length)] ?? alice;
    const action = dice(6);
    if (action < 3) send(served, pay(1_000n + BigInt(round), to));
    else if (action < 5) chain.mine(1 + dice(2));
    else chain.reorg(1 + dice(3));
    if (dice(3) > 0) followed.update();
  }
  followed.update();
  const fresh = new ScriptIndex(chain);
  for (const hash of [faucet.script, ...scripts].map(scriptHashOf)) {
    assert.ok(fresh.confirmed(hash).length > 0);
    assert.deepEqual(followed.confirmed(hash), fresh.confirmed(hash));
    assert.deepEqual(followed.unconfirmed(hash), fresh.unconfirmed(hash));
    const unspent = fresh.unspent(hash);
    assert.deepEqual(followed.unspent(hash), unspent);
    const { confirmed, unconfirmed } = followed.balance(hash);
    assert.equal(
      unspent.reduce((sum, { value }) => sum + value, 0n),
      confirmed + unconfirmed,
    );
  }
});
