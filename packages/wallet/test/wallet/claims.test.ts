import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutPoint } from "@fulmen/bitcoin/primitives";
import { p2a } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, txid, weight } from "@fulmen/bitcoin/transaction";
import {
  type ClaimId,
  type CoinSelection,
  type CoinSelectionRequest,
  claimIdOf,
  unsignedPsbt,
} from "@fulmen/lightning/chain";
import { canSupportAdditionalAnchorChannel, defaultAnchorReserveTerms } from "@fulmen/lightning/onchain";
import { type FeeratePerKw, feeratePerKw, sat } from "@fulmen/lightning/util";
import { inputOf } from "@fulmen/testkit/wallet";
import { lowFeerate, ok, refusal, World } from "./world.ts";

const claim = (byte: number): ClaimId => claimIdOf(new Uint8Array(32).fill(byte));
const anchorSatisfaction = 5;

/** A transaction in version 3 without a fee, with a pay-to-anchor output: what a zero-fee commitment looks like. */
function zeroFeeParent(world: World): Transaction {
  const { chain, faucet } = world;
  const [coin] = faucet.spendable(chain);
  assert.ok(coin !== undefined);
  const outputs: readonly TxOut[] = [
    { value: sat(coin.output.value), script: faucet.script },
    { value: sat(0), script: p2a() },
  ];
  return faucet.spend([{ input: inputOf(coin.outPoint), output: coin.output }], outputs, { version: 3 });
}

function anchorRequest(parent: Transaction, feerate: FeeratePerKw, claimId = claim(1)): CoinSelectionRequest {
  return {
    claimId,
    mustSpend: [
      {
        outPoint: { txid: txid(parent), index: 1 },
        previousUtxo: { value: sat(0), script: p2a() },
        satisfactionWeight: anchorSatisfaction,
      },
    ],
    mustPayTo: [],
    targetFeerate: feerate,
    maxTransactionWeight: 4_000,
    parent: { weight: weight(parent), fee: sat(0) },
  };
}

/** Builds and signs what was asked for. */
function childOf(
  world: World,
  request: CoinSelectionRequest,
  { confirmedUtxos, changeOutput }: CoinSelection,
) {
  const spent = [
    ...request.mustSpend.map(({ previousUtxo }) => previousUtxo),
    ...confirmedUtxos.map(({ output }) => output),
  ];
  const transaction: Transaction = {
    version: 3,
    locktime: 0,
    inputs: [
      ...request.mustSpend.map(({ outPoint }) => inputOf(outPoint)),
      ...confirmedUtxos.map(({ outPoint, sequence }) => inputOf(outPoint, sequence)),
    ],
    outputs: [...request.mustPayTo, ...(changeOutput === undefined ? [] : [changeOutput])],
  };
  return ok(world.wallet.signPsbt(unsignedPsbt(transaction, spent)));
}

const keyOf = ({ txid: id, index }: OutPoint) => `${id}:${index}`;

test("a zero-fee parent confirms with a child of confirmed coins, and again at a higher feerate", () => {
  const world = new World();
  const { wallet, chain } = world;
  world.give(20_000, 0);
  world.give(40_000, 1);
  world.mine();
  const parent = zeroFeeParent(world);
  const request = anchorRequest(parent, feeratePerKw(1000));
  const selection = ok(wallet.selectConfirmedUtxos(request));
  const first = childOf(world, request, selection);
  assert.ok(weight(first) <= 4_000);
  ok(chain.submitPackage(parent, first));
  assert.equal(wallet.transactionSeen(first), true);
  assert.ok((chain.feeOf(txid(first)) ?? 0n) * 1000n >= 1000n * BigInt(weight(first) + weight(parent)));
  // What comes back may never come: the parent is not ours alone.
  assert.equal(wallet.balance().trustedPending, 0n);

  // Such a feerate that the first coin alone no longer suffices, if it was the smaller one.
  const more = anchorRequest(parent, feeratePerKw(20_000));
  const again = ok(wallet.selectConfirmedUtxos(more));
  const coins = again.confirmedUtxos.map(({ outPoint }) => keyOf(outPoint));
  for (const [index, { outPoint }] of selection.confirmedUtxos.entries()) {
    assert.equal(coins[index], keyOf(outPoint));
  }
  assert.deepEqual(again.changeOutput?.script, selection.changeOutput?.script);
  const second = childOf(world, more, again);
  ok(chain.submit(second));
  assert.equal(chain.transaction(txid(first)), undefined);
  wallet.transactionSeen(second);
  world.mine();
  assert.equal(chain.confirmations(txid(parent)), 1);
  assert.equal(wallet.balance().confirmed, world.total());
  assert.equal(wallet.releaseClaim(request.claimId), true);
  assert.equal(wallet.releaseClaim(request.claimId), false);
});

test("claims never share a coin, and payments leave theirs alone", () => {
  const world = new World();
  const { wallet } = world;
  world.give(50_000);
  world.give(50_000);
  world.mine();
  const parent = zeroFeeParent(world);
  const ask = (byte: number) => wallet.selectConfirmedUtxos(anchorRequest(parent, lowFeerate, claim(byte)));
  const [first, second] = [ok(ask(1)), ok(ask(2))];
  const coins = [...first.confirmedUtxos, ...second.confirmedUtxos].map(({ outPoint }) => keyOf(outPoint));
  assert.equal(new Set(coins).size, 2);
  assert.notDeepEqual(first.changeOutput?.script, second.changeOutput?.script);
  const third = refusal(ask(3));
  assert.ok(third.kind === "insufficient-funds");
  assert.equal(third.reserved, 100_000n);
  assert.equal(third.available, 0n);
  const payment = wallet.fundTransaction({ outputs: [world.pay(1_000)], feerate: lowFeerate });
  assert.equal(refusal(payment).kind, "insufficient-funds");
  assert.deepEqual(ok(ask(1)), first);
  wallet.releaseClaim(claim(2));
  assert.deepEqual(
    ok(ask(3)).confirmedUtxos.map(({ outPoint }) => outPoint),
    second.confirmedUtxos.map(({ outPoint }) => outPoint),
  );
});

test("unconfirmed coins are not for claims, trusted or not", () => {
  const world = new World();
  const { wallet } = world;
  world.give(50_000);
  const parent = zeroFeeParent(world);
  assert.equal(
    refusal(wallet.selectConfirmedUtxos(anchorRequest(parent, lowFeerate))).kind,
    "insufficient-funds",
  );
  world.mine();
  world.send(ok(wallet.fundTransaction({ outputs: [world.pay(5_000)], feerate: lowFeerate })));
  assert.equal(
    refusal(wallet.selectConfirmedUtxos(anchorRequest(parent, lowFeerate))).kind,
    "insufficient-funds",
  );
});

test("a child in version 3 takes few coins, or is refused with its weight", () => {
  const world = new World();
  const { wallet } = world;
  for (let i = 0; i < 8; i++) {
    world.give(15_000);
    world.give(15_000);
    world.mine();
  }
  const parent = zeroFeeParent(world);
  const enough = ok(wallet.selectConfirmedUtxos(anchorRequest(parent, feeratePerKw(30_000))));
  assert.ok(enough.confirmedUtxos.length > 1 && enough.confirmedUtxos.length <= 12);
  const narrow = { ...anchorRequest(parent, feeratePerKw(30_000), claim(2)), maxTransactionWeight: 800 };
  const refused = refusal(wallet.selectConfirmedUtxos(narrow));
  assert.ok(refused.kind === "too-heavy" && refused.weight > 800 && refused.most === 800);
  assert.equal(wallet.locks().length, 1);
});

test("a claim's coins survive a restart and the conflict of its own transactions", () => {
  const world = new World();
  world.give(50_000);
  world.give(50_000);
  world.mine();
  const parent = zeroFeeParent(world);
  const request = anchorRequest(parent, lowFeerate);
  const before = ok(world.wallet.selectConfirmedUtxos(request));
  world.save();
  world.restart();
  assert.deepEqual(ok(world.wallet.selectConfirmedUtxos(request)), before);
  const child = childOf(world, request, before);
  world.wallet.transactionSeen(child);
  world.save();
  world.restart();
  assert.deepEqual(ok(world.wallet.selectConfirmedUtxos(request)), before);
});

test("a claim that pays for itself takes no coin, and the least fee is kept", () => {
  const world = new World();
  const { wallet } = world;
  const own: CoinSelectionRequest = {
    claimId: claim(9),
    mustSpend: [
      {
        outPoint: { txid: txid(zeroFeeParent(world)), index: 0 },
        previousUtxo: { value: sat(30_000), script: world.faucet.script },
        satisfactionWeight: 112,
      },
    ],
    mustPayTo: [],
    targetFeerate: lowFeerate,
    maxTransactionWeight: 400_000,
    minimumFee: sat(2_500),
  };
  const { confirmedUtxos, changeOutput } = ok(wallet.selectConfirmedUtxos(own));
  assert.deepEqual(confirmedUtxos, []);
  assert.equal(changeOutput?.value, 27_500n);
  assert.equal(wallet.owns(changeOutput.script), true);
  world.mine();
  // The script stays this claim's until it is released.
  assert.notDeepEqual(wallet.nextChangeAddress().script, changeOutput.script);
});

test("a coin that another transaction took is replaced by another coin", () => {
  const world = new World();
  const { wallet, chain } = world;
  world.give(50_000);
  world.give(60_000);
  world.mine();
  const parent = zeroFeeParent(world);
  const request = anchorRequest(parent, lowFeerate);
  const [first] = ok(wallet.selectConfirmedUtxos(request)).confirmedUtxos;
  assert.ok(first !== undefined);
  // The same seed, in use elsewhere.
  const elsewhere: Transaction = {
    version: 2,
    locktime: 0,
    inputs: [inputOf(first.outPoint)],
    outputs: [world.pay(first.output.value - 1000n)],
  };
  const taken = ok(wallet.signPsbt(unsignedPsbt(elsewhere, [first.output])));
  chain.mine(1, { transactions: [taken] });
  world.sync();
  const [second] = ok(wallet.selectConfirmedUtxos(request)).confirmedUtxos;
  assert.ok(second !== undefined);
  assert.notEqual(keyOf(second.outPoint), keyOf(first.outPoint));
});

test("what an earlier transaction of the claim spends stays held, even if the next one has no room for it", () => {
  const world = new World();
  const { wallet } = world;
  world.give(30_000);
  world.give(31_000);
  world.mine();
  const parent = zeroFeeParent(world);
  const first = ok(wallet.selectConfirmedUtxos(anchorRequest(parent, feeratePerKw(30_000))));
  assert.equal(first.confirmedUtxos.length, 2);
  const large = world.give(400_000);
  world.mine();
  const narrow = { ...anchorRequest(parent, feeratePerKw(60_000)), maxTransactionWeight: 700 };
  const second = ok(wallet.selectConfirmedUtxos(narrow));
  assert.deepEqual(
    second.confirmedUtxos.map(({ outPoint }) => outPoint.txid),
    [txid(large)],
  );
  assert.equal(wallet.locks()[0]?.outPoints.length, 3);
  const payment = wallet.fundTransaction({ outputs: [world.pay(1_000)], feerate: lowFeerate });
  assert.equal(refusal(payment).kind, "insufficient-funds");
});

test("coins that stand by for channels are those of claims too, and none that a payment has reserved", () => {
  const world = new World();
  const { wallet } = world;
  for (const value of [100_000, 60_000, 30_000]) world.give(value);
  world.mine();
  world.give(1_000_000);
  const values = () => wallet.confirmedCoins().map(({ output }) => output.value);
  assert.deepEqual(values().toSorted(), [100_000n, 30_000n, 60_000n]);
  const parent = zeroFeeParent(world);
  const selected = ok(wallet.selectConfirmedUtxos(anchorRequest(parent, feeratePerKw(2_500))));
  assert.ok(selected.confirmedUtxos.length > 0);
  assert.equal(values().length, 3);
  const held = ok(wallet.fundTransaction({ outputs: [world.pay(20_000)], feerate: lowFeerate }));
  assert.equal(values().length, 3 - held.spent.length);
  // The reserve of a channel in a coin of its own, as a manager asks for it.
  const terms = {
    ...defaultAnchorReserveTerms,
    upperBoundFeerate: feeratePerKw(250),
    expectedAcceptedHtlcs: 1,
  };
  const channels = { atHand: [], additional: "zero-fee-commitments" } as const;
  assert.ok(canSupportAdditionalAnchorChannel(terms, wallet.confirmedCoins(), channels).ok);
});

test("a claim that pays a quarter more takes another's coin, and gives it back when it is settled", () => {
  const world = new World();
  const { wallet } = world;
  world.give(50_000);
  world.mine();
  const parent = zeroFeeParent(world);
  const ask = (byte: number, feerate: number, terms: Partial<CoinSelectionRequest> = {}) =>
    wallet.selectConfirmedUtxos({ ...anchorRequest(parent, feeratePerKw(feerate), claim(byte)), ...terms });
  const poor = ok(ask(1, 1_000));
  const feeOf = ({ confirmedUtxos, changeOutput }: CoinSelection): bigint =>
    (confirmedUtxos[0]?.output.value ?? 0n) - (changeOutput?.value ?? 0n);
  assert.equal(refusal(ask(2, 1_200)).kind, "insufficient-funds");
  // Twice the fee would have to be at stake for one that pays little for much less weight.
  const small = { parent: { weight: 1, fee: sat(0) } };
  assert.equal(
    refusal(ask(3, 1_500, { ...small, atStake: sat(2n * feeOf(poor)) })).kind,
    "insufficient-funds",
  );
  const rich = ok(ask(3, 1_500, { ...small, atStake: sat(3n * feeOf(poor)) }));
  assert.deepEqual(rich.confirmedUtxos, poor.confirmedUtxos);
  assert.ok(feeOf(rich) > feeOf(poor));
  assert.equal(refusal(ask(1, 1_000)).kind, "insufficient-funds");
  assert.equal(refusal(ask(1, 1_100)).kind, "insufficient-funds");
  world.save();
  world.restart();
  assert.deepEqual(
    ok(
      world.wallet.selectConfirmedUtxos({
        ...anchorRequest(parent, feeratePerKw(1_500), claim(3)),
        ...small,
      }),
    ),
    rich,
  );
  world.wallet.retainClaims([claim(1)]);
  assert.deepEqual(ok(world.wallet.selectConfirmedUtxos(anchorRequest(parent, feeratePerKw(1_000)))), poor);
  world.wallet.retainClaims([]);
  assert.equal(world.wallet.balance().confirmed, 50_000n);
});

test("no claim takes what a payment or a channel's funding has reserved", () => {
  const world = new World();
  const { wallet } = world;
  world.give(50_000);
  world.mine();
  const payment = ok(wallet.fundTransaction({ outputs: [world.pay(1_000)], feerate: lowFeerate }));
  const request = { ...anchorRequest(zeroFeeParent(world), feeratePerKw(5_000)), atStake: sat(10_000_000) };
  assert.equal(refusal(wallet.selectConfirmedUtxos(request)).kind, "insufficient-funds");
  ok(wallet.signPsbt(payment.psbt));
  assert.equal(refusal(wallet.selectConfirmedUtxos(request)).kind, "insufficient-funds");
});
