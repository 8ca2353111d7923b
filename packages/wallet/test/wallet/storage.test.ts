import assert from "node:assert/strict";
import { test } from "node:test";
import { blockHash } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { blockHashToInternal, fromHex, type Txid, toHex, txidToInternal } from "@fulmen/bitcoin/primitives";
import { script as scriptOf } from "@fulmen/bitcoin/script";
import { encodeTransaction, type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { claimIdOf } from "@fulmen/lightning/chain";
import { blockHeight, feeratePerKw, present, type Sat, sat } from "@fulmen/lightning/util";
import { MemoryStore } from "@fulmen/persist/memory";
import { regtestGenesis } from "@fulmen/testkit/chain";
import { inputOf } from "@fulmen/testkit/wallet";
import { accountFromSeed, Wallet } from "@fulmen/wallet";
import { accountOf, lowFeerate, ok, refusal, World } from "./world.ts";

function rowsOf(world: World): Record<string, string> {
  const rows = [...world.rows].map(([key, value]) => [key, toHex(value)] as const);
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function snapshotOf({ wallet }: World): Record<string, string> {
  const rows = wallet.snapshot().map(({ key, value }) => [key, toHex(value ?? new Uint8Array(0))] as const);
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("a wallet comes back as it was, and gives no address twice", () => {
  const world = new World();
  world.give(100_000);
  world.give(70_000, 1);
  world.mine();
  const { lock } = ok(world.wallet.fundTransaction({ outputs: [world.pay(120_000)], feerate: lowFeerate }));
  world.give(5_000);
  const given = new Set([world.wallet.nextAddress().address, world.wallet.nextAddress(1).address]);
  const before = {
    balance: world.wallet.balance(),
    coins: world.wallet.coins(),
    locks: world.wallet.locks(),
    tip: world.wallet.bestBlock,
    scripts: world.wallet.scripts(),
    transactions: world.wallet.transactions(),
  };
  world.save();
  assert.deepEqual(rowsOf(world), snapshotOf(world));
  assert.equal(world.wallet.hasWrites, false);
  world.restart();
  assert.equal(world.wallet.hasWrites, false);
  const { wallet } = world;
  assert.deepEqual(
    {
      balance: wallet.balance(),
      coins: wallet.coins(),
      locks: wallet.locks(),
      tip: wallet.bestBlock,
      scripts: wallet.scripts(),
      transactions: wallet.transactions(),
    },
    before,
  );
  assert.equal(given.has(wallet.nextAddress().address), false);
  assert.equal(given.has(wallet.nextAddress(1).address), false);
  assert.equal(wallet.release(lock), true);
});

test("the rows go through a store", async () => {
  const world = new World();
  world.give(100_000);
  const store = new MemoryStore();
  await store.commit(world.wallet.snapshot());
  const entries = await store.scan("wallet/", undefined, 1_000);
  const restored = ok(Wallet.open(world.options, entries));
  assert.deepEqual(restored.balance(), world.wallet.balance());
});

test("a change script that nobody saw is used again; one that was signed for is not", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.mine();
  const draft = () => ok(wallet.fundTransaction({ outputs: [world.pay(20_000)], feerate: lowFeerate }));
  const changeOf = ({ transaction, changeIndex }: ReturnType<typeof draft>) =>
    toHex(transaction.outputs[changeIndex ?? -1]?.script ?? scriptOf());
  const first = draft();
  wallet.release(first.lock);
  const second = draft();
  assert.equal(changeOf(second), changeOf(first));
  ok(wallet.signPsbt(second.psbt));
  wallet.release(second.lock);
  world.save();
  world.restart();
  const third = ok(world.wallet.fundTransaction({ outputs: [world.pay(20_000)], feerate: lowFeerate }));
  assert.notEqual(changeOf(third), changeOf(second));
});

test("scripts up to the gap limit are found, one after another in the same block", () => {
  const world = new World({ gapLimit: 3 });
  const account = accountOf("wpkh");
  const pay = (index: number) => [
    { value: world.pay(10_000).value, script: account.script("receive", index) },
  ];
  const { chain, faucet, wallet } = world;
  // The later index comes first in the block, and is known only when the other one was seen.
  const far = faucet.fund(chain, pay(4), feeratePerKw(900));
  const near = faucet.fund(chain, pay(2), feeratePerKw(800));
  const beyond = faucet.fund(chain, pay(8), feeratePerKw(700));
  const before = wallet.takeScripts().length;
  assert.equal(before, wallet.scripts().length);
  chain.mine(1, { transactions: [far, near, beyond] });
  world.sync();
  assert.deepEqual(
    wallet
      .coins()
      .map(({ place }) => place.index)
      .sort(),
    [2, 4],
  );
  const fresh = wallet.takeScripts();
  assert.deepEqual(
    fresh.map(toHex),
    [3, 4, 5, 6, 7].map((index) => toHex(account.script("receive", index))),
  );
  assert.equal(wallet.nextAddress().index, 5);
});

test("what is final is forgotten, and what is unspent is not", () => {
  const world = new World();
  world.give(100_000);
  world.mine();
  const outputs = [world.pay(20_000)];
  const first = world.send(
    ok(world.wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true })),
  );
  const bumped = world.send(ok(world.wallet.bumpFee({ txid: txid(first), feerate: feeratePerKw(2000) })));
  const { script } = world.faucet;
  world.mine();
  const drained = world.send(ok(world.wallet.drainTo({ script, feerate: lowFeerate })));
  const later = world.give(30_000);
  world.mine(100);
  assert.deepEqual(
    world.wallet.transactions().map((each) => each.txid),
    [bumped, drained, later].map(txid),
  );
  world.mine();
  assert.deepEqual(
    world.wallet.transactions().map((each) => each.txid),
    [txid(later)],
  );
  assert.equal(world.wallet.transaction(txid(drained)), undefined);
  assert.equal(world.wallet.transaction(txid(bumped)), undefined);
  world.restart();
  assert.equal(world.wallet.balance().confirmed, 30_000n);
  assert.deepEqual(rowsOf(world), snapshotOf(world));
});

test("rows that are not this wallet's, or not rows, are refused", () => {
  const world = new World();
  world.give(100_000);
  ok(world.wallet.lockCoins([]));
  world.mine();
  const { options } = world;
  const entries = world.entries();
  const open = (others: Partial<typeof options>, rows = entries) =>
    refusal(Wallet.open({ ...options, ...others }, rows)).kind;
  assert.equal(open({ accounts: [accountOf("wpkh")] }), "wrong-accounts");
  assert.equal(open({ accounts: [accountOf("wpkh", 2), accountOf("tr", 2)] }), "wrong-accounts");
  const seed = new Uint8Array(32).fill(1);
  const elsewhere = accountFromSeed(seed, { kind: "wpkh", network: networks.signet });
  assert.equal(open({ accounts: [elsewhere] }), "wrong-network");
  assert.equal(
    open(
      {},
      entries.slice(1).filter(({ key }) => key !== "wallet/keys"),
    ),
    "missing",
  );
  for (const { key, value } of entries) {
    const others = entries.filter((entry) => entry.key !== key);
    assert.equal(open({}, [...others, { key, value: value.subarray(0, -1) }]), "corrupt", key);
    const newer = Uint8Array.from(value);
    newer.set([9, 9]);
    assert.equal(open({}, [...others, { key, value: newer }]), "from-the-future", key);
  }
  assert.equal(open({}, [...entries, { key: "wallet/other", value: new Uint8Array(0) }]), "from-the-future");
  assert.throws(() => Wallet.open(options, [{ key: "other/keys", value: new Uint8Array(0) }]), /not a row/);
});

test("the layout of version 1 stays as it is", () => {
  const account = accountOf("tr");
  const entropySource = { randomBytes: (length: number) => new Uint8Array(length) };
  const wallet = ok(Wallet.open({ accounts: [account], entropySource, birthday: blockHeight(7) }, []));
  const { script } = wallet.nextAddress();
  const { header } = regtestGenesis;
  const coinbase: Transaction = {
    version: 1,
    locktime: 0,
    inputs: [inputOf({ txid: "00".repeat(32) as Txid, index: 0xffff_ffff })],
    outputs: [{ value: sat(50_000), script }],
  };
  wallet.blockConnected(header, [{ index: 0, transaction: coinbase }], blockHeight(9));
  const outPoint = { txid: txid(coinbase), index: 0 };
  const later = { ...header, nonce: 3 };
  wallet.bestBlockUpdated(later, blockHeight(109));
  ok(wallet.lockCoins([outPoint], blockHeight(300)));
  ok(
    wallet.selectConfirmedUtxos({
      claimId: claimIdOf(new Uint8Array(32).fill(5)),
      mustSpend: [{ outPoint, previousUtxo: { value: sat(50_000), script }, satisfactionWeight: 70 }],
      mustPayTo: [],
      targetFeerate: lowFeerate,
      maxTransactionWeight: 4_000,
    }),
  );
  const rows = wallet.takeWrites().map(({ key, value }) => [key, toHex(value ?? new Uint8Array(0))]);
  const text = Array.from(account.descriptor, (character) => character.charCodeAt(0).toString(16)).join("");
  const genesis = "06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f";
  const transaction = toHex(encodeTransaction(coinbase));
  const txidBytes = toHex(txidToInternal(outPoint.txid));
  // account, keychain, next, returned: receive and change of account 0.
  const keychains = "0002".concat("00000000000001", "0000", "00000100000001", "0000");
  const unpaid = "070a0002".concat("00000001", "00000000");
  assert.deepEqual(Object.fromEntries(rows), {
    "wallet/keys": `01010020${genesis}029c00010098${text}0404000000070614${keychains}${unpaid}`,
    "wallet/tip": `01010020${toHex(blockHashToInternal(blockHash(later)))}02040000006d04220001${"00".repeat(32)}`,
    [`wallet/tx/${outPoint.txid}`]: `0101005e${transaction}022400000009${genesis}04080000000000000000060100`,
    [`wallet/lock/reservation/${"00".repeat(16)}`]: `010100260001${txidBytes}0000000002040000012c060100080100`,
    [`wallet/lock/claim/${"05".repeat(32)}`]: "010100020000040700000100000000060101080100",
  });
});

test("the layout of version 1 stays as it is where a claim has taken another's coin", () => {
  const world = new World();
  const given = world.give(50_000);
  world.mine();
  const coin = txidToInternal(txid(given));
  const index = given.outputs.findIndex(({ script }) => world.wallet.owns(script));
  const ask = (byte: number, feerate: number, parent?: { readonly weight: number; readonly fee: Sat }) =>
    ok(
      world.wallet.selectConfirmedUtxos({
        claimId: claimIdOf(new Uint8Array(32).fill(byte)),
        mustSpend: [
          {
            outPoint: { txid: "11".repeat(32) as Txid, index: byte },
            previousUtxo: { value: sat(330), script: world.faucet.script },
            satisfactionWeight: 70,
          },
        ],
        mustPayTo: [],
        targetFeerate: feeratePerKw(feerate),
        maxTransactionWeight: 4_000,
        ...(parent && { parent }),
      }),
    );
  ask(5, 1_000);
  ask(6, 2_000, { weight: 0x2bc, fee: sat(0x99) });
  ask(7, 9_000);
  world.save();
  const outPoint = `${toHex(coin)}${index.toString(16).padStart(8, "0")}`;
  const rows = rowsOf(world);
  const rowOf = (byte: number) => rows[`wallet/lock/claim/${`0${byte}`.repeat(32)}`];
  const changeOf = (n: number) => `04070000010000000${n}`;
  const flags = "060101080100";
  // Fee, weight, inputs; those of a parent.
  const first = "000000000000029c0000029c0001";
  const second = "0000000000000a170000029c0001";
  const third = "000000000000177c0000029c0001";
  const parent = "0000000000000099000002bc";
  const none = "00".repeat(12);
  assert.equal(rowOf(5), `010100020000${changeOf(0)}${flags}090e${first}0d400001${outPoint}${first}${none}`);
  assert.equal(
    rowOf(6),
    `010100020000${changeOf(1)}${flags}091a${second}${parent}0d400001${outPoint}${second}${parent}`,
  );
  assert.equal(rowOf(7), `010100260001${outPoint}${changeOf(2)}${flags}090e${third}`);
  const locks = world.wallet.locks();
  world.restart();
  assert.deepEqual(world.wallet.locks(), locks);
  // Rows of before there were bids, and of when what was lent had none, in TLV record 11.
  const old = `010100260001${outPoint}${changeOf(0)}${flags}`;
  for (const row of [old, `${old}090e${first}0b260001${outPoint}`]) {
    const key = `wallet/lock/claim/${"05".repeat(32)}`;
    const others = world.entries().filter((entry) => !entry.key.startsWith("wallet/lock/"));
    const wallet = ok(Wallet.open(world.options, [...others, { key, value: fromHex(row) }]));
    const [lock] = wallet.locks();
    assert.deepEqual([lock?.outPoints.length, lock?.lent], [1, undefined]);
  }
});

test("hands out no address that the seed alone would not find", () => {
  const world = new World();
  const given = Array.from({ length: 5 }, () => world.wallet.nextAddress());
  const first = given[0]?.address;
  assert.equal(new Set(given.map(({ address }) => address)).size, 5);
  assert.equal(world.wallet.nextAddress().address, first);
  world.save();
  world.restart();
  assert.equal(world.wallet.nextAddress().address, first);
  const { script } = present(given[4], "the last address");
  const paid = world.faucet.fund(world.chain, [{ value: sat(90_000), script }], lowFeerate);
  ok(world.chain.submit(paid));
  world.wallet.transactionSeen(paid);
  assert.equal(world.wallet.nextAddress().address, first, "it may never confirm");
  world.mine();
  assert.equal(world.wallet.balance().confirmed, 90_000n);
  world.restart();
  const more = Array.from({ length: 5 }, () => world.wallet.nextAddress());
  assert.equal(new Set([...given, ...more].map(({ address }) => address)).size, 10);
  assert.equal(world.wallet.nextAddress().address, more[0]?.address);
});
