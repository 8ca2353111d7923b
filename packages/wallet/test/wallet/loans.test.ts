import assert from "node:assert/strict";
import { test } from "node:test";
import { p2a } from "@fulmen/bitcoin/script";
import {
  type ClaimId,
  type CoinSelection,
  type CoinSelectionRequest,
  claimIdOf,
} from "@fulmen/lightning/chain";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import { ok, refusal, World } from "./world.ts";

// What becomes of coins that one claim has taken from another.

const claim = (byte: number): ClaimId => claimIdOf(new Uint8Array(32).fill(byte));

/** `inputs` outputs without worth, as HTLCs whose outputs take all of it. */
function request(byte: number, feerate: number, atStake: number, inputs = 1): CoinSelectionRequest {
  const script = p2a();
  const mustSpend = Array.from({ length: inputs }, (_, index) => ({
    outPoint: { txid: claim(byte), index } as unknown as CoinSelectionRequest["mustSpend"][0]["outPoint"],
    previousUtxo: { value: sat(0), script },
    satisfactionWeight: 400,
  }));
  return {
    claimId: claim(byte),
    mustSpend,
    mustPayTo: [],
    targetFeerate: feeratePerKw(feerate),
    maxTransactionWeight: 40_000,
    atStake: sat(atStake),
  };
}

function feeOf({ confirmedUtxos, changeOutput }: CoinSelection): bigint {
  return confirmedUtxos.reduce((sum, { output }) => sum + output.value, 0n) - (changeOutput?.value ?? 0n);
}

function holderOf({ wallet }: World, { confirmedUtxos: [coin] }: CoinSelection): string | undefined {
  const isIt = ({ txid }: { readonly txid: string }) => txid === coin?.outPoint.txid;
  return wallet.locks().find(({ outPoints }) => outPoints.some(isIt))?.id;
}

test("a claim that has taken a coin does not pay for what its lender does later with other coins", () => {
  const world = new World();
  const { wallet } = world;
  world.give(100_000);
  world.mine();
  const ask = (terms: CoinSelectionRequest) => wallet.selectConfirmedUtxos(terms);
  ok(ask(request(1, 1_000, 1_000_000)));
  const taken = ok(ask(request(2, 1_500, 10_000)));
  assert.ok(feeOf(taken) < 5_000n);
  world.give(100_000);
  world.mine();
  // The lender's HTLCs are worth much, and the end is near.
  const lender = ok(ask(request(1, 50_000, 1_000_000)));
  assert.ok(feeOf(lender) > 40_000n);
  assert.equal(feeOf(ok(ask(request(2, 1_500, 10_000)))), feeOf(taken));
  world.save();
  world.restart();
  assert.deepEqual(ok(world.wallet.selectConfirmedUtxos(request(2, 1_500, 10_000))), taken);
});

test("a claim gives a coin back when what is left of it is not worth what replacing its lender costs", () => {
  const world = new World();
  const { wallet } = world;
  world.give(200_000);
  world.mine();
  const ask = (terms: CoinSelectionRequest) => wallet.selectConfirmedUtxos(terms);
  const poor = ok(ask(request(1, 3_000, 100_000, 20)));
  assert.ok(feeOf(poor) > 20_000n);
  const rich = ok(ask(request(2, 4_000, 300_000, 10)));
  assert.deepEqual(rich.confirmedUtxos, poor.confirmedUtxos);
  assert.ok(feeOf(rich) > feeOf(poor));
  // The peer takes all HTLCs but one.
  assert.equal(refusal(ask(request(2, 4_000, 6_000))).kind, "insufficient-funds");
  assert.equal(holderOf(world, poor), `claim/${claim(1)}`);
  assert.deepEqual(ok(ask(request(1, 3_000, 100_000, 20))), poor);
});

test("a child whose parent nodes may have by itself takes no coin: before Bitcoin Core 31 they refuse it", () => {
  const world = new World();
  const { wallet } = world;
  world.give(50_000);
  world.mine();
  const ask = (terms: CoinSelectionRequest) => wallet.selectConfirmedUtxos(terms);
  const child = (byte: number, feerate: number, fee: number): CoinSelectionRequest => ({
    ...request(byte, feerate, 1_000_000),
    parent: { weight: 1_000, fee: sat(fee) },
  });
  const poor = ok(ask(request(1, 1_000, 10_000)));
  assert.equal(refusal(ask(child(2, 5_000, 500))).kind, "insufficient-funds");
  assert.deepEqual(ok(ask(request(1, 1_000, 10_000))), poor);
  // One that pays nothing comes with its child, the first time.
  const taken = ok(ask(child(3, 5_000, 0)));
  assert.deepEqual(taken.confirmedUtxos, poor.confirmedUtxos);
  ok(ask(request(1, 9_000, 100_000)));
  assert.equal(refusal(ask(child(3, 30_000, 0))).kind, "insufficient-funds");
  // With a child of its own there, the next one replaces that, too.
  world.give(30_000);
  world.mine();
  assert.notDeepEqual(ok(ask(child(2, 5_000, 500))).confirmedUtxos, poor.confirmedUtxos);
  assert.equal(ok(ask(child(2, 30_000, 500))).confirmedUtxos.length, 2);
});
