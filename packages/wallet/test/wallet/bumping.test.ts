import assert from "node:assert/strict";
import { test } from "node:test";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { dustLimit } from "@fulmen/bitcoin/script";
import { type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import { unsignedPsbt } from "@fulmen/lightning/chain";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import { inputOf } from "@fulmen/testkit/wallet";
import { lowFeerate, ok, refusal, World } from "./world.ts";

const highFeerate = feeratePerKw(5000);

test("a replacement keeps the inputs and recipients, and the mempool takes it, again and again", () => {
  const world = new World();
  const { wallet, chain } = world;
  world.give(200_000);
  world.give(90_000, 1);
  world.mine();
  const outputs = [world.pay(60_000), world.pay(70_000)];
  let sent = world.send(ok(wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true })));
  const first = sent;
  for (const feerate of [510n, 1_010n, 5_000n, 20_000n]) {
    const bumped = ok(wallet.bumpFee({ txid: txid(sent), feerate: feeratePerKw(feerate) }));
    const before = chain.feeOf(txid(sent)) ?? 0n;
    const replacement = world.send(bumped);
    assert.equal(chain.transaction(txid(sent)), undefined);
    assert.ok(bumped.fee >= before + BigInt(Math.ceil(weight(replacement) / 4)));
    const inputs = replacement.inputs.map(({ outPoint }) => outPointKey(outPoint));
    for (const { outPoint } of sent.inputs) assert.ok(inputs.includes(outPointKey(outPoint)));
    for (const output of outputs) {
      assert.ok(replacement.outputs.some((each) => each.value === output.value));
    }
    sent = replacement;
  }
  const change = (transaction: typeof sent) =>
    transaction.outputs.find(({ script }) => wallet.owns(script))?.script;
  assert.deepEqual(change(sent), change(first));
  assert.equal(refusal(wallet.bumpFee({ txid: txid(first), feerate: highFeerate })).kind, "conflicted");
  world.mine();
  assert.equal(wallet.balance().confirmed, world.total());
  assert.equal(refusal(wallet.bumpFee({ txid: txid(sent), feerate: highFeerate })).kind, "already-confirmed");
});

test("a replacement adds a coin when change does not suffice, and changeless ones get change", () => {
  const world = new World();
  const { wallet } = world;
  world.give(61_000);
  world.give(90_000, 1);
  world.mine();
  const [small] = wallet.coins().filter(({ output }) => output.value === 61_000n);
  assert.ok(small !== undefined);
  const request = { outputs: [world.pay(60_000)], feerate: lowFeerate, isReplaceable: true };
  const first = ok(wallet.fundTransaction({ ...request, coins: [small.outPoint] }));
  const sent = world.send(first);
  const bumped = ok(wallet.bumpFee({ txid: txid(sent), feerate: highFeerate }));
  assert.equal(bumped.spent.length, 2);
  assert.notEqual(bumped.changeIndex, undefined);
  world.send(bumped);
  world.mine();
  assert.equal(wallet.balance().confirmed, world.total());
});

test("what is not to be replaced is not, and says why", () => {
  const world = new World();
  const { wallet } = world;
  world.give(200_000);
  world.mine();
  const outputs = [world.pay(60_000)];
  const funding = world.send(ok(wallet.fundTransaction({ outputs, feerate: lowFeerate })));
  assert.ok(funding.inputs.every(({ sequence }) => sequence === 0xffff_fffe));
  assert.deepEqual(refusal(wallet.bumpFee({ txid: txid(funding), feerate: highFeerate })), {
    kind: "not-replaceable",
    txid: txid(funding),
  });
  const second = world.send(
    ok(wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true })),
  );
  const low = refusal(wallet.bumpFee({ txid: txid(second), feerate: lowFeerate }));
  assert.ok(low.kind === "feerate-too-low" && low.least > lowFeerate);
  world.send(ok(wallet.bumpFee({ txid: txid(second), feerate: low.least })));
  const unseen = "00".repeat(32) as ReturnType<typeof txid>;
  assert.deepEqual(refusal(wallet.bumpFee({ txid: unseen, feerate: highFeerate })), {
    kind: "unknown-transaction",
    txid: unseen,
  });
});

test("what was built on a payment is not undone by replacing it", () => {
  const world = new World();
  const { wallet } = world;
  world.give(200_000);
  world.mine();
  const outputs = [world.pay(60_000)];
  const first = world.send(ok(wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true })));
  const second = world.send(ok(wallet.fundTransaction({ outputs, feerate: lowFeerate })));
  assert.deepEqual(refusal(wallet.bumpFee({ txid: txid(first), feerate: highFeerate })), {
    kind: "has-descendants",
    txids: [txid(second)],
  });
});

test("a payment that restarts stays replaceable", () => {
  const world = new World();
  world.give(200_000);
  world.mine();
  const outputs = [world.pay(60_000)];
  const funded = ok(world.wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true }));
  world.save();
  world.restart();
  const sent = world.send(funded);
  world.save();
  world.restart();
  world.send(ok(world.wallet.bumpFee({ txid: txid(sent), feerate: highFeerate })));
});

test("a child pays for a parent that cannot be replaced, and for what is below it", () => {
  const world = new World();
  const { wallet, chain } = world;
  world.give(200_000);
  world.mine();
  const outputs = [world.pay(60_000)];
  const first = world.send(ok(wallet.fundTransaction({ outputs, feerate: feeratePerKw(253) })));
  const second = world.send(ok(wallet.fundTransaction({ outputs, feerate: feeratePerKw(253) })));
  const child = ok(wallet.bumpByChild({ txid: txid(second), feerate: highFeerate }));
  const sent = world.send(child);
  assert.equal(child.transaction.outputs.length, 1);
  const family = [first, second, sent];
  const fees = family.reduce((sum, each) => sum + (chain.feeOf(txid(each)) ?? 0n), 0n);
  const size = family.reduce((sum, each) => sum + weight(each), 0);
  assert.ok(fees * 1000n >= highFeerate * BigInt(size));
  chain.mine(1, { minFeerate: 19_000n });
  world.sync();
  assert.equal(chain.confirmations(txid(first)), 1);
  assert.equal(wallet.balance().confirmed, world.total());
});

test("a child pays for a payment from others when its fee is known", () => {
  const world = new World();
  const { wallet, chain } = world;
  const given = world.give(50_000);
  const request = { txid: txid(given), feerate: highFeerate };
  assert.deepEqual(refusal(wallet.bumpByChild(request)), { kind: "unknown-fee", txid: txid(given) });
  const parentFee = chain.feeOf(txid(given));
  assert.ok(parentFee !== undefined);
  const sent = world.send(ok(wallet.bumpByChild({ ...request, parentFee })));
  const fees = parentFee + (chain.feeOf(txid(sent)) ?? 0n);
  assert.ok(fees * 1000n >= highFeerate * BigInt(weight(given) + weight(sent)));
});

test("a coin too small to pay as a child brings another along", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.mine();
  const small = world.give(dustLimit(world.faucet.script) + 1n);
  const parentFee = world.chain.feeOf(txid(small));
  assert.ok(parentFee !== undefined);
  const child = ok(wallet.bumpByChild({ txid: txid(small), feerate: highFeerate, parentFee }));
  assert.equal(child.spent.length, 2);
  world.send(child);
  const again = refusal(wallet.bumpByChild({ txid: txid(small), feerate: highFeerate, parentFee }));
  assert.equal(again.kind, "no-own-output");
});

test("a payment whose change is promised elsewhere is not replaced", () => {
  const world = new World();
  const { wallet } = world;
  world.give(200_000);
  world.mine();
  const outputs = [world.pay(60_000)];
  const first = world.send(ok(wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true })));
  const draft = ok(wallet.fundTransaction({ outputs, feerate: lowFeerate }));
  const [change] = draft.spent;
  assert.deepEqual(refusal(wallet.bumpFee({ txid: txid(first), feerate: highFeerate })), {
    kind: "coin-locked",
    outPoint: change?.outPoint,
  });
  const second = ok(wallet.signPsbt(draft.psbt));
  wallet.release(draft.lock);
  world.send(ok(wallet.bumpFee({ txid: txid(first), feerate: highFeerate })));
  // What was drafted and signed before can no longer be.
  assert.equal(refusal(world.chain.submit(second)).kind, "missing-inputs");
});

test("a bump leaves what is to be kept, of which what it replaces is no part", () => {
  const world = new World();
  const { wallet } = world;
  world.give(200_000);
  world.mine();
  const outputs = [world.pay(60_000)];
  const sent = world.send(ok(wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true })));
  const request = { txid: txid(sent), feerate: highFeerate };
  const bumps = [
    (keep: bigint) => wallet.bumpFee({ ...request, keep: sat(keep) }),
    (keep: bigint) => wallet.bumpByChild({ ...request, keep: sat(keep) }),
  ];
  for (const bump of bumps) {
    const refused = refusal(bump(140_000n));
    assert.ok(refused.kind === "reserve-needed" && refused.left < 140_000n, refused.kind);
    assert.equal(wallet.balance().locked, 0n);
    const bumped = ok(bump(refused.left));
    const own = bumped.transaction.outputs.filter(({ script }) => wallet.owns(script));
    assert.deepEqual(
      own.map(({ value }) => value),
      [refused.left],
    );
    wallet.release(bumped.lock);
  }
});

test("what a bumped payment pays to the wallet itself is kept, too", () => {
  const world = new World();
  const { wallet } = world;
  world.give(200_000);
  world.mine();
  const outputs = [{ value: sat(60_000), script: wallet.nextAddress().script }];
  const sent = world.send(ok(wallet.fundTransaction({ outputs, feerate: lowFeerate, isReplaceable: true })));
  const bumped = ok(wallet.bumpFee({ txid: txid(sent), feerate: highFeerate, keep: sat(190_000) }));
  assert.ok(bumped.fee < 10_000n);
});

test("no child rests on more unconfirmed transactions than nodes relay", () => {
  const world = new World();
  const { wallet } = world;
  world.give(2_000_000);
  world.mine();
  let tip: Transaction | undefined;
  for (let length = 1; length <= 25; length++) {
    // Each one spends the change of the last: made by hand, since the wallet makes no such row.
    const outPoint = tip === undefined ? wallet.coins()[0]?.outPoint : { txid: txid(tip), index: 0 };
    const coin = wallet.coins().find((each) => each.outPoint.txid === outPoint?.txid);
    assert.ok(coin !== undefined);
    const { script } = wallet.nextChangeAddress();
    const value = sat(coin.output.value - 200n);
    const transaction = {
      version: 2,
      locktime: 0,
      inputs: [inputOf(coin.outPoint)],
      outputs: [{ value, script }],
    };
    tip = ok(wallet.signPsbt(unsignedPsbt(transaction, [coin.output])));
    wallet.transactionSeen(tip);
    const asked = wallet.bumpByChild({ txid: txid(tip), feerate: highFeerate });
    if (length <= 24) assert.equal(wallet.release(ok(asked).lock), true);
    else {
      const refused = { kind: "too-long-chain", txid: txid(tip), unconfirmed: 25, most: 24 };
      assert.deepEqual(refusal(asked), refused);
    }
  }
});
