import assert from "node:assert/strict";
import { test } from "node:test";
import { type OutPoint, outPointKey } from "@fulmen/bitcoin/primitives";
import { dustLimit } from "@fulmen/bitcoin/script";
import { type Transaction, txid, vsize } from "@fulmen/bitcoin/transaction";
import { claimIdOf } from "@fulmen/lightning/chain";
import { type FeeratePerKw, feeratePerKw, sat } from "@fulmen/lightning/util";
import type { FundedTransaction } from "@fulmen/wallet";
import { feeAtLeast, transactionWeight } from "@fulmen/wallet/selection";
import fc from "fast-check";
import { lowFeerate, type Style, World } from "./world.ts";

/** What the chain and its mempool say that the wallet's scripts have. */
function onChain({ chain, wallet }: World): bigint {
  let total = 0n;
  const unspent = (outPoint: OutPoint) => chain.outputSpentBy(outPoint) === undefined;
  for (const script of wallet.scripts()) {
    for (const { outPoint, output } of chain.coins(script)) if (unspent(outPoint)) total += output.value;
  }
  for (const id of chain.mempool) {
    const transaction = chain.transaction(id)?.transaction;
    for (const [index, { value, script }] of transaction?.outputs.entries() ?? []) {
      if (wallet.owns(script) && unspent({ txid: id, index })) total += value;
    }
  }
  return total;
}

/** From what nodes relay at the least to 200 satoshis for a virtual byte. */
const feerates = [253n, 500n, 2_500n, 10_000n, 50_000n].map((each) => feeratePerKw(each));

class Run {
  readonly world: World;
  readonly drafts: FundedTransaction[] = [];
  readonly sent: Transaction[] = [];
  done = 0;

  constructor(style: Style) {
    this.world = new World({ style, gapLimit: 5 });
  }

  step(action: string, number: number): void {
    const { world } = this;
    const { wallet, chain } = world;
    const feerate = feerates[number % feerates.length] ?? lowFeerate;
    switch (action) {
      case "give":
        if (world.faucet.spendable(chain).length > 0) world.give(3_000 + number * 10, number % 2);
        else world.mine();
        break;
      case "mine":
        world.mine();
        break;
      case "reorg":
        chain.reorg(1);
        world.sync();
        break;
      case "mint":
        chain.mine(1, { payTo: wallet.nextAddress(number % 2).script });
        world.sync();
        break;
      case "draft": {
        const outputs = [world.pay(1_000 + number)];
        this.draft(feerate, () =>
          wallet.fundTransaction({ outputs, feerate, isReplaceable: number % 3 > 0 }),
        );
        break;
      }
      case "drain":
        this.draft(feerate, () =>
          wallet.drainTo({ script: world.faucet.script, feerate, isReplaceable: true }),
        );
        break;
      case "child": {
        const pending = wallet.transactions().filter(({ position }) => position.kind === "unconfirmed");
        const { txid: parent } = pending[number % Math.max(1, pending.length)] ?? {};
        const child = parent && wallet.bumpByChild({ txid: parent, feerate, parentFee: sat(200) });
        if (child?.ok) this.send(child.value);
        break;
      }
      case "send": {
        const [draft] = this.drafts.splice(number % Math.max(1, this.drafts.length), 1);
        if (draft !== undefined) this.send(draft);
        break;
      }
      case "release": {
        const [draft] = this.drafts.splice(number % Math.max(1, this.drafts.length), 1);
        if (draft !== undefined) wallet.release(draft.lock);
        break;
      }
      case "bump": {
        const target = this.sent[number % Math.max(1, this.sent.length)];
        const bumped =
          target && wallet.bumpFee({ txid: txid(target), feerate: feeratePerKw(4_000 + number) });
        if (bumped?.ok) this.send(bumped.value);
        break;
      }
      case "claim": {
        const result = wallet.selectConfirmedUtxos({
          claimId: claimIdOf(new Uint8Array(32).fill(number % 3)),
          mustSpend: [],
          mustPayTo: [world.pay(700 + number)],
          targetFeerate: lowFeerate,
          maxTransactionWeight: 4_000,
        });
        if (result.ok) this.done++;
        break;
      }
      case "unclaim":
        wallet.releaseClaim(claimIdOf(new Uint8Array(32).fill(number % 3)));
        break;
      case "restart":
        world.save();
        world.restart();
        break;
    }
    this.check();
  }

  /** Drafts of what was free, at this feerate, and at most so much above it as is not worth an output of change. */
  draft(feerate: FeeratePerKw, make: () => ReturnType<World["wallet"]["fundTransaction"]>): void {
    const held = new Set(this.world.wallet.locks().flatMap(({ outPoints }) => outPoints.map(outPointKey)));
    const draft = make();
    if (!draft.ok) return;
    const { transaction, spent, fee } = draft.value;
    for (const { outPoint, isCoinbase, isTrusted } of spent) {
      assert.equal(held.has(outPointKey(outPoint)), false, "it was held");
      assert.deepEqual([isCoinbase, isTrusted], [false, true]);
    }
    const most = transactionWeight(spent, transaction.outputs);
    assert.ok(fee >= feeAtLeast(feerate, most));
    assert.ok(fee <= feeAtLeast(feerate, most + 4 * 43 + 4) + 750n, `${fee} sat for ${most} at ${feerate}`);
    this.checkDraft(draft.value);
    this.drafts.push(draft.value);
  }

  checkDraft({ transaction, spent, fee }: FundedTransaction): void {
    const paid = transaction.outputs.reduce((sum, { value }) => sum + value, 0n);
    assert.equal(
      spent.reduce((sum, { output }) => sum + output.value, 0n),
      paid + fee,
    );
    for (const { value, script } of transaction.outputs) assert.ok(value >= dustLimit(script));
  }

  send(draft: FundedTransaction): void {
    const { wallet, chain } = this.world;
    this.checkDraft(draft);
    const signed = wallet.signPsbt(draft.psbt);
    assert.ok(signed.ok);
    // A reorganisation may have made a coin unconfirmed meanwhile, which a replacement may not add.
    const accepted = chain.submit(signed.value);
    if (!accepted.ok) {
      assert.equal(accepted.error.kind, "replacement-adds-unconfirmed");
      wallet.release(draft.lock);
      return;
    }
    wallet.transactionSeen(signed.value);
    this.sent.push(signed.value);
    this.done++;
    assert.ok(draft.fee >= BigInt(vsize(signed.value)));
  }

  check(): void {
    const { world } = this;
    assert.equal(world.total(), onChain(world));
    const held = new Set<string>();
    for (const { outPoints } of world.wallet.locks()) {
      for (const outPoint of outPoints) {
        const key = outPointKey(outPoint);
        assert.equal(held.has(key), false, `held twice: ${key}`);
        held.add(key);
      }
    }
    for (const { lock, spent } of this.drafts) {
      const mine = world.wallet.locks().find(({ id }) => id === lock);
      assert.deepEqual(
        mine?.outPoints,
        spent.map(({ outPoint }) => outPoint),
      );
    }
  }
}

const actions = [
  "give",
  "give",
  "mine",
  "mine",
  "mint",
  "draft",
  "draft",
  "draft",
  "drain",
  "child",
  "send",
  "send",
  "release",
  "bump",
  "claim",
  "unclaim",
  "reorg",
  "restart",
];

test("whatever happens, the wallet has what the chain says, holds no coin twice, and pays the feerate and no more", () => {
  let done = 0;
  fc.assert(
    fc.property(
      fc.constantFrom<Style>("listen", "confirm"),
      fc.array(fc.tuple(fc.constantFrom(...actions), fc.nat(5_000)), { minLength: 30, maxLength: 60 }),
      (style, steps) => {
        const run = new Run(style);
        run.world.give(sat(100_000));
        run.world.give(sat(40_000), 1);
        run.world.mine();
        for (const [action, number] of steps) run.step(action, number);
        done += run.done;
      },
    ),
    { seed: 4, numRuns: 15, endOnFailure: true },
  );
  assert.ok(done > 50, `only ${done} payments and claims`);
});
