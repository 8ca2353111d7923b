import assert from "node:assert/strict";
import { test } from "node:test";
import { dustLimit } from "@fulmen/bitcoin/script";
import { txid, vsize, weight } from "@fulmen/bitcoin/transaction";
import { unsignedPsbt } from "@fulmen/lightning/chain";
import { blockHeight, feeratePerKw, present, sat, type Txid } from "@fulmen/lightning/util";
import { inputOf } from "@fulmen/testkit/wallet";
import { finalizePsbt } from "@fulmen/wallet";
import { accountFromDescriptor } from "@fulmen/wallet/descriptor";
import { HDKey } from "@scure/bip32";
import { Transaction as Psbt, SigHash } from "@scure/btc-signer/transaction.js";
import { accountOf, lowFeerate, ok, refusal, type Style, World } from "./world.ts";

const nothing = {
  confirmed: 0n,
  trustedPending: 0n,
  untrustedPending: 0n,
  immature: 0n,
  locked: 0n,
};

for (const style of ["listen", "confirm"] as const satisfies readonly Style[]) {
  test(`receives to both kinds, and spends them together (${style})`, () => {
    const world = new World({ style });
    const { wallet, chain } = world;
    world.give(100_000, 0);
    world.give(200_000, 1);
    assert.deepEqual(wallet.balance(), { ...nothing, untrustedPending: 300_000n });
    const early = refusal(wallet.fundTransaction({ outputs: [world.pay(50_000)], feerate: lowFeerate }));
    assert.equal(early.kind, "insufficient-funds");
    world.mine();
    assert.deepEqual(wallet.balance(), { ...nothing, confirmed: 300_000n });

    const funded = ok(wallet.fundTransaction({ outputs: [world.pay(250_000)], feerate: lowFeerate }));
    assert.equal(funded.spent.length, 2);
    assert.deepEqual(wallet.balance(), { ...nothing, locked: 300_000n });
    const sent = world.send(funded);
    assert.equal(chain.feeOf(txid(sent)), funded.fee);
    assert.ok(funded.fee >= (lowFeerate * BigInt(weight(sent))) / 1000n);
    assert.ok(funded.fee >= BigInt(vsize(sent)) * 2n);
    const rest = 300_000n - 250_000n - funded.fee;
    assert.deepEqual(wallet.balance(), { ...nothing, trustedPending: rest });
    assert.deepEqual(wallet.locks(), []);
    world.mine();
    assert.deepEqual(wallet.balance(), { ...nothing, confirmed: rest });
    assert.equal(chain.confirmations(txid(sent)), 1);
  });

  test(`a reorganisation takes confirmations back, and brings them again (${style})`, () => {
    const world = new World({ style });
    const { wallet, chain } = world;
    const given = world.give(100_000);
    world.mine();
    const sent = world.send(
      ok(wallet.fundTransaction({ outputs: [world.pay(40_000)], feerate: lowFeerate })),
    );
    world.mine();
    const before = wallet.balance();
    assert.equal(before.trustedPending, 0n);

    chain.reorg(2);
    world.sync();
    // The coin is not confirmed any more, so the change of what spends it is not to be relied on either.
    assert.deepEqual(wallet.balance(), { ...nothing, untrustedPending: before.confirmed });
    assert.deepEqual(wallet.bestBlock?.hash, chain.tip.hash);
    chain.mine(1, { only: [txid(given)] });
    world.sync();
    assert.deepEqual(wallet.balance(), { ...nothing, trustedPending: before.confirmed });
    chain.mine(1, { only: [txid(sent)] });
    world.sync();
    assert.deepEqual(wallet.balance(), before);
  });
}

test("a payment that a reorganisation replaces by another one gives its coins back", () => {
  const world = new World();
  const { wallet, chain } = world;
  world.give(100_000);
  world.mine();
  const funded = ok(
    wallet.fundTransaction({ outputs: [world.pay(40_000)], feerate: lowFeerate, isReplaceable: true }),
  );
  const first = world.send(funded);
  const second = world.send(ok(wallet.bumpFee({ txid: txid(first), feerate: feeratePerKw(2000) })));
  // A miner who never heard of the replacement.
  chain.mine(1, { transactions: [first] });
  world.sync();
  const afterFirst = wallet.balance();
  assert.equal(afterFirst.confirmed, 100_000n - 40_000n - funded.fee);
  chain.reorg(1, { transactions: [second] });
  world.sync();
  assert.equal(wallet.transaction(txid(second))?.position.kind, "confirmed");
  assert.ok(wallet.balance().confirmed < afterFirst.confirmed);
  assert.equal(wallet.coins().length, 1);
});

test("unconfirmed change is spent, but only when confirmed coins do not suffice", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.mine();
  world.send(ok(wallet.fundTransaction({ outputs: [world.pay(10_000)], feerate: lowFeerate })));
  const confirmedOnly = wallet.fundTransaction({
    outputs: [world.pay(10_000)],
    feerate: lowFeerate,
    confirmedOnly: true,
  });
  assert.equal(refusal(confirmedOnly).kind, "insufficient-funds");
  const second = ok(wallet.fundTransaction({ outputs: [world.pay(10_000)], feerate: lowFeerate }));
  assert.equal(second.spent[0]?.position.kind, "unconfirmed");
  world.send(second);
  world.mine();
  assert.equal(wallet.balance().confirmed, world.total());
});

test("mined coins wait for a hundred blocks", () => {
  const world = new World();
  const { wallet, chain } = world;
  const { script } = wallet.nextAddress();
  chain.mine(1, { payTo: script });
  world.sync();
  const { value } = wallet.coins()[0]?.output ?? assert.fail("no coin");
  assert.deepEqual(wallet.balance(), { ...nothing, immature: value });
  world.mine(98);
  assert.deepEqual(wallet.balance(), { ...nothing, immature: value });
  assert.equal(
    refusal(wallet.fundTransaction({ outputs: [world.pay(1_000)], feerate: lowFeerate })).kind,
    "insufficient-funds",
  );
  world.mine();
  assert.deepEqual(wallet.balance(), { ...nothing, confirmed: value });
  world.send(ok(wallet.fundTransaction({ outputs: [world.pay(1_000)], feerate: lowFeerate })));
});

test("everything goes to one script", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000, 0);
  world.give(50_000, 1);
  world.give(400, 0);
  world.mine();
  const drained = ok(wallet.drainTo({ script: world.faucet.script, feerate: feeratePerKw(2500) }));
  assert.equal(drained.transaction.outputs.length, 1);
  assert.equal(drained.transaction.outputs[0]?.value, 150_000n - drained.fee);
  world.send(drained);
  world.mine();
  // The coin that is worth less than its fee stays.
  assert.deepEqual(wallet.balance(), { ...nothing, confirmed: 400n });
  assert.equal(
    refusal(wallet.drainTo({ script: world.faucet.script, feerate: feeratePerKw(2500) })).kind,
    "insufficient-funds",
  );
});

test("an output's place is told, wherever change stands", () => {
  const world = new World();
  for (let i = 0; i < 6; i++) world.give(100_000);
  world.mine();
  const places = new Set<number | undefined>();
  for (let i = 0; i < 6; i++) {
    const outputs = [world.pay(20_000), world.pay(30_000)];
    const funded = ok(world.wallet.fundTransaction({ outputs, feerate: lowFeerate }));
    places.add(funded.changeIndex);
    assert.deepEqual(
      funded.outputIndexes.map((index) => funded.transaction.outputs[index]),
      outputs,
    );
  }
  assert.ok(places.size > 1);
});

test("refusals say how much", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.give(50_000);
  world.mine();
  const held = ok(wallet.fundTransaction({ outputs: [world.pay(40_000)], feerate: lowFeerate }));
  const reserved = held.spent.reduce((sum, { output }) => sum + output.value, 0n);
  const short = refusal(wallet.fundTransaction({ outputs: [world.pay(200_000)], feerate: lowFeerate }));
  assert.ok(short.kind === "insufficient-funds");
  assert.equal(short.reserved, reserved);
  assert.equal(short.available, 150_000n - reserved);
  assert.ok(short.needed > 200_000n && short.needed < 201_000n);
  assert.equal(wallet.release(held.lock), true);
  const least = dustLimit(world.faucet.script);
  const dust = wallet.fundTransaction({
    outputs: [world.pay(1000), world.pay(least - 1n)],
    feerate: lowFeerate,
  });
  assert.deepEqual(refusal(dust), { kind: "dust-output", index: 1, value: least - 1n, least });
});

test("named coins are spent, all of them and no others", () => {
  const world = new World();
  const { wallet } = world;
  for (let i = 0; i < 3; i++) world.give(100_000 + i);
  world.mine();
  const [first, second] = wallet.coins();
  assert.ok(first !== undefined && second !== undefined);
  const coins = [first.outPoint, second.outPoint];
  const lock = ok(wallet.lockCoins([first.outPoint], blockHeight(world.chain.tip.height + 2)));
  const request = { outputs: [world.pay(10_000)], feerate: lowFeerate, coins };
  assert.deepEqual(refusal(wallet.fundTransaction(request)), {
    kind: "coin-locked",
    outPoint: first.outPoint,
  });
  assert.equal(refusal(wallet.lockCoins([first.outPoint])).kind, "coin-locked");
  world.mine();
  assert.equal(wallet.locks()[0]?.id, lock);
  world.mine();
  assert.deepEqual(wallet.locks(), []);
  const funded = ok(wallet.fundTransaction(request));
  assert.deepEqual(new Set(funded.spent), new Set([first, second]));
  world.send(funded);
  const spent = wallet.fundTransaction(request);
  assert.deepEqual(refusal(spent), { kind: "coin-not-spendable", outPoint: first.outPoint });
});

test("a transaction that is given up gives its coins back, and what builds on it too", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.mine();
  const first = ok(
    wallet.signPsbt(ok(wallet.fundTransaction({ outputs: [world.pay(10_000)], feerate: lowFeerate })).psbt),
  );
  wallet.transactionSeen(first);
  const second = ok(
    wallet.signPsbt(ok(wallet.fundTransaction({ outputs: [world.pay(10_000)], feerate: lowFeerate })).psbt),
  );
  wallet.transactionSeen(second);
  assert.deepEqual(wallet.pendingTransactions(), [first, second]);
  wallet.transactionEvicted(txid(first));
  assert.deepEqual(wallet.pendingTransactions(), []);
  assert.deepEqual(wallet.balance(), { ...nothing, confirmed: 100_000n });
});

test("a watch-only wallet drafts, another signs with nothing but the PSBT", () => {
  const world = new World();
  const signer = world.wallet;
  const watched = signer.accounts.map(({ descriptor, network }) =>
    ok(accountFromDescriptor(descriptor, network)),
  );
  const [first, ...others] = watched;
  assert.ok(first !== undefined);
  const watching = new World({ accounts: [first, ...others] });
  watching.give(100_000, 0);
  watching.give(100_000, 1);
  watching.mine();
  const funded = ok(
    watching.wallet.fundTransaction({ outputs: [watching.pay(150_000)], feerate: lowFeerate }),
  );
  assert.deepEqual(refusal(watching.wallet.signPsbt(funded.psbt)), { kind: "watch-only" });
  assert.equal(refusal(finalizePsbt(funded.psbt)).kind, "incomplete");
  // The other wallet knows the coins because it follows the same chain.
  for (let height = 1; height <= watching.chain.tip.height; height++) {
    const block = watching.chain.blockAt(height);
    assert.ok(block !== undefined);
    const transactions = block.block.transactions.map((transaction, index) => ({ index, transaction }));
    signer.blockConnected(block.block.header, transactions, block.height);
  }
  const signed = ok(signer.signPsbt(funded.psbt));
  ok(watching.chain.submit(signed));
});

test("signing refuses what is wrong about its coins", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.give(100_000, 1);
  world.mine();
  const request = { outputs: [world.pay(190_000)], feerate: lowFeerate };
  const { psbt, transaction, spent } = ok(wallet.fundTransaction(request));
  assert.equal(refusal(wallet.signPsbt(psbt.subarray(0, 50))).kind, "malformed-psbt");
  assert.equal(refusal(wallet.signPsbt(new Uint8Array(0))).kind, "malformed-psbt");
  const elsewhere = new World({ accounts: [accountOf("wpkh", 9)] });
  assert.equal(refusal(elsewhere.wallet.signPsbt(psbt)).kind, "nothing-to-sign");
  const outputs = spent.map(({ output }) => output);
  for (const inputIndex of [0, 1]) {
    const wrong = outputs.map((output, index) =>
      index === inputIndex ? { ...output, value: sat(output.value - 1n) } : output,
    );
    const refused = refusal(wallet.signPsbt(unsignedPsbt(transaction, wrong)));
    assert.deepEqual(refused, { kind: "wrong-spent-output", inputIndex });
    const asked = Psbt.fromPSBT(psbt);
    asked.updateInput(inputIndex, { sighashType: SigHash.NONE_ANYONECANPAY });
    assert.deepEqual(refusal(wallet.signPsbt(asked.toPSBT())), {
      kind: "unsafe-sighash",
      inputIndex,
      sighashType: 0x82,
    });
    asked.updateInput(inputIndex, { sighashType: SigHash.ALL });
    ok(wallet.signPsbt(asked.toPSBT()));
  }
  assert.equal(wallet.locks()[0]?.isSigned, true);
  ok(world.chain.submit(ok(wallet.signPsbt(unsignedPsbt(transaction, outputs)))));
});

test("a payment from others that loses against another takes along what was built on it", () => {
  const world = new World();
  const { wallet, chain, faucet } = world;
  const [coin] = faucet.spendable(chain);
  assert.ok(coin !== undefined);
  const spending = [{ input: inputOf(coin.outPoint), output: coin.output }];
  const { script } = wallet.nextAddress();
  const given = faucet.spend(spending, [
    { value: sat(50_000), script },
    world.pay(coin.output.value - 51_000n),
  ]);
  ok(chain.submit(given));
  wallet.transactionSeen(given);
  const parentFee = sat(1_000);
  world.send(ok(wallet.bumpByChild({ txid: txid(given), feerate: feeratePerKw(5000), parentFee })));
  assert.equal(wallet.coins().length, 1);
  // The payer takes it back, and leaves us a little.
  const rival = faucet.spend(spending, [
    { value: sat(9_000), script },
    world.pay(coin.output.value - 80_000n),
  ]);
  chain.mine(1, { transactions: [rival] });
  world.sync();
  assert.deepEqual(wallet.balance(), { ...nothing, confirmed: 9_000n });
  assert.deepEqual(wallet.pendingTransactions(), []);
});

test("a reorganisation leaves alone what lies at its fork, and below", () => {
  const world = new World();
  const { wallet, chain } = world;
  world.give(100_000);
  world.mine();
  chain.mine();
  world.sync();
  const forkPoint = chain.blockAt(chain.tip.height - 1);
  assert.ok(forkPoint !== undefined);
  wallet.blocksDisconnected(forkPoint);
  assert.deepEqual(wallet.balance(), { ...nothing, confirmed: 100_000n });
  assert.deepEqual(wallet.bestBlock?.hash, forkPoint.hash);
  assert.deepEqual(wallet.bestBlock?.ancestors[0], forkPoint.block.header.previous);
});

test("hearing of the same tip twice changes nothing", () => {
  const world = new World();
  const { wallet, chain } = world;
  world.mine(3);
  const { bestBlock } = wallet;
  assert.equal(bestBlock?.ancestors.length, 4);
  wallet.bestBlockUpdated(chain.tip.block.header, chain.tip.height);
  assert.deepEqual(wallet.bestBlock, bestBlock);
  assert.equal(wallet.hasWrites, false);
});

test("change of change is spent as long as nodes relay it", () => {
  const world = new World();
  const { wallet } = world;
  world.give(1_000_000);
  world.mine();
  const request = { outputs: [world.pay(1_000)], feerate: lowFeerate };
  for (let depth = 1; depth <= 21; depth++) world.send(ok(wallet.fundTransaction(request)));
  assert.equal(refusal(wallet.fundTransaction(request)).kind, "insufficient-funds");
  world.mine();
  world.send(ok(wallet.fundTransaction(request)));
});

test("change of many payments is spent together as long as nodes relay it", () => {
  const world = new World({ coins: 60 });
  const { wallet } = world;
  for (let i = 0; i < 40; i++) world.give(100_000);
  world.mine(2);
  for (let i = 0; i < 40; i++)
    world.send(ok(wallet.fundTransaction({ outputs: [world.pay(30_000)], feerate: lowFeerate })));
  const all = wallet.coins().map(({ outPoint }) => outPoint);
  const request = { outputs: [world.pay(2_500_000)], feerate: lowFeerate };
  assert.equal(refusal(wallet.fundTransaction(request)).kind, "insufficient-funds");
  assert.equal(refusal(wallet.fundTransaction({ ...request, coins: all })).kind, "coin-not-spendable");
  const rest = ok(wallet.drainTo({ script: world.faucet.script, feerate: lowFeerate }));
  assert.equal(rest.spent.length, 24);
  world.send(rest);
  world.mine();
  assert.equal(wallet.balance().trustedPending, 0n);
});

test("an unconfirmed coin in version 3 is spent by nothing but its child in version 3", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.mine();
  const [coin] = wallet.coins();
  assert.ok(coin !== undefined);
  const { script } = wallet.nextAddress();
  const parent = {
    version: 3,
    locktime: 0,
    inputs: [inputOf(coin.outPoint)],
    outputs: [{ value: sat(99_800), script }],
  };
  const signed = ok(wallet.signPsbt(unsignedPsbt(parent, [coin.output])));
  ok(world.chain.submit(signed));
  wallet.transactionSeen(signed);
  assert.deepEqual(wallet.balance(), { ...nothing, trustedPending: 99_800n });
  const request = { outputs: [world.pay(1_000)], feerate: lowFeerate };
  assert.equal(refusal(wallet.fundTransaction(request)).kind, "insufficient-funds");
  const child = world.send(ok(wallet.bumpByChild({ txid: txid(signed), feerate: feeratePerKw(5000) })));
  assert.equal(child.version, 3);
});

test("what is to be kept is not paid away", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.mine();
  const request = { outputs: [world.pay(60_000)], feerate: lowFeerate };
  const refused = refusal(wallet.fundTransaction({ ...request, keep: sat(40_000) }));
  assert.ok(refused.kind === "reserve-needed" && refused.keep === 40_000n);
  assert.equal(wallet.balance().locked, 0n);
  const kept = ok(wallet.fundTransaction({ ...request, keep: refused.left }));
  assert.equal(100_000n - 60_000n - kept.fee, refused.left);
});

test("another signer needs nothing but the PSBT and its seed", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000, 0);
  world.give(100_000, 1);
  world.mine();
  const funded = ok(wallet.fundTransaction({ outputs: [world.pay(150_000)], feerate: lowFeerate }));
  const psbt = Psbt.fromPSBT(funded.psbt);
  const master = HDKey.fromMasterSeed(new Uint8Array(32).fill(1));
  for (let index = 0; index < psbt.inputsLength; index++) {
    const { bip32Derivation, tapBip32Derivation, nonWitnessUtxo } = psbt.getInput(index);
    const origin = bip32Derivation?.[0]?.[1] ?? tapBip32Derivation?.[0]?.[1].der;
    assert.ok(origin !== undefined);
    assert.equal(origin.fingerprint, master.fingerprint);
    assert.equal(nonWitnessUtxo !== undefined, bip32Derivation !== undefined);
    const { privateKey } = origin.path.reduce((key: HDKey, step: number) => key.deriveChild(step), master);
    assert.ok(privateKey !== null);
    psbt.signIdx(privateKey, index);
  }
  const change = psbt.getOutput(funded.changeIndex ?? -1);
  assert.deepEqual(change.bip32Derivation?.[0]?.[1].path.slice(-2), [1, 0]);
  const signed = ok(finalizePsbt(psbt.toPSBT()));
  assert.equal(txid(signed), txid(funded.transaction));
  ok(world.chain.submit(signed));
});

test("what strangers never confirm is bounded, and forgotten in the end", () => {
  const world = new World();
  const { wallet } = world;
  world.give(50_000);
  const { script } = wallet.nextAddress();
  const madeUp = (locktime: number) => ({
    version: 2,
    inputs: [inputOf({ txid: "11".repeat(32) as Txid, index: locktime })],
    outputs: [{ value: sat(1_000), script }],
    locktime,
  });
  for (let n = 0; n < 1_500; n++) assert.equal(wallet.transactionSeen(madeUp(n)), true);
  assert.equal(wallet.transactions().length, 1_000);
  world.mine();
  assert.equal(wallet.balance().confirmed, 50_000n);
  assert.equal(wallet.balance().untrustedPending, 999_000n);
  const sent = world.send(ok(wallet.fundTransaction({ outputs: [world.pay(10_000)], feerate: lowFeerate })));
  assert.ok(wallet.isActive(txid(sent)), "what is ours is taken in");
  assert.equal(world.wallet.transaction(txid(madeUp(1_200))), undefined);
  world.save();
  world.restart();
  const { block, height } = world.chain.tip;
  const passTo = (later: number): void => {
    world.wallet.bestBlockUpdated({ ...block.header, nonce: later }, blockHeight(height + later));
    world.save();
  };
  passTo(2_015);
  assert.equal(world.wallet.balance().untrustedPending, 999_000n);
  passTo(2_016);
  assert.equal(world.wallet.balance().untrustedPending, 0n);
  assert.ok(world.wallet.transaction(txid(sent)), "what is ours is kept");
  assert.equal(world.entries().filter(({ key }) => key.startsWith("wallet/tx/")).length, 2);
});

for (const style of ["listen", "confirm"] as const satisfies readonly Style[]) {
  test(`coins that were to pay for a claim are free when somebody else was faster (${style})`, () => {
    const world = new World({ style });
    const { chain, faucet } = world;
    world.give(100_000);
    world.mine();
    // As the HTLC of a closed channel, which two may spend: none of the wallet's.
    const htlc = faucet.fund(chain, [world.pay(30_000)], lowFeerate);
    ok(chain.submit(htlc));
    world.mine();
    const output = present(htlc.outputs[0], "an output");
    const [coin] = world.wallet.coins();
    const claim = {
      version: 2,
      inputs: [inputOf({ txid: txid(htlc), index: 0 }), inputOf(present(coin, "a coin").outPoint)],
      outputs: [world.pay(30_000), { value: sat(99_000), script: world.wallet.nextChangeAddress().script }],
      locktime: 0,
    };
    assert.equal(world.wallet.transactionSeen(claim), true);
    assert.equal(world.wallet.balance().confirmed, 0n);
    const rival = faucet.spend(
      [{ input: inputOf({ txid: txid(htlc), index: 0 }), output }],
      [world.pay(29_000)],
    );
    ok(chain.submit(rival));
    world.mine();
    assert.deepEqual(world.wallet.balance(), { ...nothing, confirmed: 100_000n });
    assert.deepEqual(world.wallet.pendingTransactions(), []);
    assert.equal(world.wallet.transactions().length, 2, "what is the wallet's, not the rival");
    world.restart();
    assert.deepEqual(world.wallet.balance(), { ...nothing, confirmed: 100_000n });
    chain.reorg(1, { length: 2, only: [] });
    world.sync();
    chain.mine(1, { only: [] });
    world.sync();
    world.mine(101);
    assert.equal(world.wallet.balance().confirmed, 100_000n);
    assert.equal(world.wallet.transaction(txid(rival)), undefined);
    assert.equal(world.wallet.transaction(txid(claim)), undefined);
  });
}

for (const order of ["before", "after"] as const) {
  test(`coins that pay for a commitment are free when the peer's is confirmed (heard of ${order} its child)`, () => {
    const world = new World();
    const { chain, faucet } = world;
    world.give(100_000);
    world.mine();
    const funding = faucet.fund(chain, [world.pay(50_000)], lowFeerate);
    ok(chain.submit(funding));
    world.mine();
    const input = inputOf({ txid: txid(funding), index: 0 });
    const output = present(funding.outputs[0], "an output");
    const [ours, theirs] = [49_000, 48_000].map((value) =>
      faucet.spend([{ input, output }], [world.pay(value)]),
    );
    const commitment = present(ours, "our commitment");
    const [coin] = world.wallet.coins();
    const child = {
      version: 2,
      inputs: [inputOf({ txid: txid(commitment), index: 0 }), inputOf(present(coin, "a coin").outPoint)],
      outputs: [{ value: sat(99_000), script: world.wallet.nextChangeAddress().script }],
      locktime: 0,
    };
    if (order === "before") world.wallet.parentBroadcast(commitment);
    world.wallet.transactionSeen(child);
    if (order === "after") world.wallet.parentBroadcast(commitment);
    assert.equal(world.wallet.balance().confirmed, 0n);
    assert.deepEqual(world.wallet.pendingTransactions(), [child]);
    world.save();
    world.restart();
    ok(chain.submit(present(theirs, "the peer's commitment")));
    world.mine();
    assert.deepEqual(world.wallet.balance(), { ...nothing, confirmed: 100_000n });
    chain.reorg(1, { length: 2, transactions: [commitment], only: [] });
    world.sync();
    assert.deepEqual(world.wallet.pendingTransactions(), [child], "the reorganisation has brought it back");
    assert.equal(world.wallet.balance().confirmed, 0n);
  });
}
