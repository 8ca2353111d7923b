import assert from "node:assert/strict";
import { test } from "node:test";
import { p2a } from "@fulmen/bitcoin/script";
import { type Transaction, type TxOut, vsize } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { Faucet, SpentInput, TestChain } from "@fulmen/testkit";
import { accept, coinOf, onBoth, outputOf, pay, spendAll, verdict, verdicts } from "./bothChains.ts";

installNodeCrypto();

const anchor: TxOut = pay(0n, p2a());

/** Spends `coin` without a fee, with an anchor: what a commitment without fees is. */
function feeless(
  faucet: Faucet,
  coin: SpentInput,
  version = 3,
  anchors: readonly TxOut[] = [anchor],
): Transaction {
  return faucet.spend([coin], [pay(coin.output.value, faucet.script), ...anchors], { version });
}

/** Pays for `feeless`, and spends its anchor. */
function bump(faucet: Faucet, parent: Transaction, fee: bigint, version = 3): Transaction {
  return spendAll(faucet, [outputOf(parent, 0), outputOf(parent, 1)], { fee, version });
}

/** Verdicts on one package after the other, by name. */
function packageVerdicts(
  chain: TestChain,
  packages: Readonly<Record<string, readonly [Transaction, Transaction]>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(packages).map(([name, [parent, child]]) => [
      name,
      verdict(chain.submitPackage(parent, child)),
    ]),
  );
}

test("a child brings its parent without a fee along, and both are mined", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const parent = feeless(faucet, coinOf(chain, faucet));
    const need = BigInt(vsize(parent) + vsize(bump(faucet, parent, 0n)));
    const alone = verdict(chain.submit(parent));
    const together = packageVerdicts(chain, {
      "a satoshi less": [parent, bump(faucet, parent, need - 1n)],
      enough: [parent, bump(faucet, parent, need)],
    });
    return { alone, ...together, mined: chain.mine()[0]?.txids.slice(1).length };
  });
  assert.deepEqual(outcome, {
    alone: "min-fee-not-met",
    "a satoshi less": "min-fee-not-met",
    enough: "taken",
    mined: 2,
  });
});

test("dust is one output of what pays nothing, and is spent by its child", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const coin = coinOf(chain, faucet);
    const paying = faucet.spend([coin], [pay(4_999_000_000n, faucet.script), anchor], { version: 3 });
    const two = feeless(faucet, coin, 3, [anchor, anchor]);
    const parent = feeless(faucet, coin);
    const leaving = spendAll(faucet, [outputOf(parent)], { fee: 5000n, version: 3 });
    return {
      ...verdicts(chain, { paying, two }),
      ...packageVerdicts(chain, {
        "two with a child": [two, bump(faucet, two, 9000n)],
        "left by its child": [parent, leaving],
        "spent by its child": [parent, bump(faucet, parent, 5000n)],
      }),
    };
  });
  assert.deepEqual(outcome, {
    paying: "dust",
    two: "dust",
    "two with a child": "dust",
    "left by its child": "unspent-ephemeral-dust",
    "spent by its child": "taken",
  });
});

test("an anchor is spent by anyone, with no witness", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const worth = faucet.spend([coinOf(chain, faucet)], [pay(4_999_000_000n), pay(240n, p2a())], {
      version: 3,
    });
    accept(chain, worth);
    const coin = coinOf(chain, faucet, 1);
    const child = spendAll(faucet, [coin, outputOf(worth, 1)], { fee: 9000n, version: 3 });
    const stuffed = child.inputs.map((input, i) =>
      i === 1 ? { ...input, witness: [new Uint8Array(1)] } : input,
    );
    return verdicts(chain, { stuffed: { ...child, inputs: stuffed }, plain: child });
  });
  assert.deepEqual(outcome, { stuffed: "non-standard: witness", plain: "taken" });
});

test("only version 3 comes in by its child's fee alone", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const parent = feeless(faucet, coinOf(chain, faucet), 2);
    return packageVerdicts(chain, { two: [parent, bump(faucet, parent, 9000n, 2)] });
  });
  assert.deepEqual(outcome, { two: "min-fee-not-met" });
});

test("a package is a parent and its child", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const one = spendAll(faucet, [coinOf(chain, faucet, 0)], { fee: 1000n, script: faucet.script });
    const other = spendAll(faucet, [coinOf(chain, faucet, 1)], { fee: 1000n });
    const poor = spendAll(faucet, [outputOf(one)], { fee: 0n });
    const child = spendAll(faucet, [outputOf(one)], { fee: 1000n });
    return packageVerdicts(chain, {
      strangers: [one, other],
      itself: [one, one],
      "a child too poor": [one, poor],
      "a parent that is there": [one, child],
    });
  });
  assert.deepEqual(outcome, {
    strangers: "package-topology",
    itself: "package-topology",
    "a child too poor": "min-fee-not-met",
    "a parent that is there": "taken",
  });
});

test("version 3 and others do not spend one another while unconfirmed", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const make = (index: number, version: number) => {
      const tx = spendAll(faucet, [coinOf(chain, faucet, index)], {
        fee: 1000n,
        version,
        script: faucet.script,
      });
      return tx;
    };
    const [three, two] = [make(0, 3), make(1, 2)];
    for (const tx of [three, two]) accept(chain, tx);
    const twoOnThree = spendAll(faucet, [outputOf(three)], { fee: 1000n });
    const threeOnTwo = spendAll(faucet, [outputOf(two)], { fee: 1000n, version: 3 });
    const before = verdicts(chain, { twoOnThree, threeOnTwo });
    chain.mine();
    return {
      ...before,
      ...verdicts(chain, { "confirmed, two": twoOnThree, "confirmed, three": threeOnTwo }),
    };
  });
  assert.deepEqual(outcome, {
    twoOnThree: "truc: other-spends-version-3",
    threeOnTwo: "truc: version-3-spends-other",
    "confirmed, two": "taken",
    "confirmed, three": "taken",
  });
});

test("version 3 has two generations, a small child, and a sibling that pays more", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const halves = [pay(2_499_000_000n, faucet.script), pay(2_499_000_000n, faucet.script)];
    const parent = faucet.spend([coinOf(chain, faucet)], halves, { version: 3 });
    const child = spendAll(faucet, [outputOf(parent)], { fee: 1000n, version: 3, script: faucet.script });
    const large = faucet.spend([outputOf(parent)], new Array<TxOut>(40).fill(pay(1000n)), { version: 3 });
    const huge = faucet.spend([coinOf(chain, faucet, 1)], new Array<TxOut>(400).fill(pay(1000n)), {
      version: 3,
    });
    const sibling = (fee: bigint) => spendAll(faucet, [outputOf(parent, 1)], { fee, version: 3 });
    return verdicts(chain, {
      huge,
      parent,
      large,
      child,
      grandchild: spendAll(faucet, [outputOf(child)], { fee: 9000n, version: 3 }),
      "poor sibling": sibling(1050n),
      sibling: sibling(3000n),
    });
  });
  assert.deepEqual(outcome, {
    huge: "truc: too-large",
    parent: "taken",
    large: "truc: child-too-large",
    child: "taken",
    grandchild: "truc: too-many-ancestors",
    "poor sibling": "replacement-fee-too-low",
    sibling: "taken",
  });
});

test("the other side's commitment and its child replace ours when they pay more", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const coin = coinOf(chain, faucet);
    const ours = feeless(faucet, coin);
    const theirs = faucet.spend([coin], [pay(5_000_000_000n - 1_000n, faucet.script), pay(1000n), anchor], {
      version: 3,
    });
    const theirChild = (fee: bigint) =>
      spendAll(faucet, [outputOf(theirs), outputOf(theirs, 2)], { fee, version: 3 });
    const dear = spendAll(faucet, [coin], { fee: 50_000n, version: 3 });
    return {
      ...packageVerdicts(chain, {
        ours: [ours, bump(faucet, ours, 2000n)],
        "a little more": [theirs, theirChild(2050n)],
        "more in all and per byte": [theirs, theirChild(4000n)],
        "ours again": [ours, bump(faucet, ours, 4000n)],
      }),
      ...verdicts(chain, { "a single one": dear }),
      left: chain.mempool.length,
    };
  });
  assert.deepEqual(outcome, {
    ours: "taken",
    "a little more": "replacement-fee-too-low",
    "more in all and per byte": "taken",
    "ours again": "replacement-fee-too-low",
    "a single one": "taken",
    left: 1,
  });
});

test("a package that replaces stands on its child's fee", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const coin = coinOf(chain, faucet);
    accept(chain, spendAll(faucet, [coin], { fee: 300n }));
    const parent = spendAll(faucet, [coin], { fee: 400n, script: faucet.script });
    const child = (fee: bigint) => spendAll(faucet, [outputOf(parent)], { fee });
    return packageVerdicts(chain, { poor: [parent, child(200n)], rich: [parent, child(600n)] });
  });
  assert.deepEqual(outcome, { poor: "replacement-feerate-too-low", rich: "taken" });
});

test("a child is replaced alone, and with its parent when the parent's anchor is bumped anew", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const parent = feeless(faucet, coinOf(chain, faucet));
    const [first, second] = [bump(faucet, parent, 1000n), bump(faucet, parent, 3000n)];
    return {
      ...packageVerdicts(chain, { first: [parent, first], again: [parent, first], second: [parent, second] }),
      left: chain.mempool.length,
    };
  });
  assert.deepEqual(outcome, { first: "taken", again: "already-in-mempool", second: "taken", left: 2 });
});

test("a package takes the coin of another child where it pays more than that one with its parent", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const [one, heavy, shared, other] = [0, 1, 2, 3].map((index) => coinOf(chain, faucet, index)) as [
      SpentInput,
      SpentInput,
      SpentInput,
      SpentInput,
    ];
    const light = feeless(faucet, one);
    const paid = new Array<TxOut>(20).fill(pay(1000n));
    const large = faucet.spend([heavy], [pay(heavy.output.value - 20_000n), anchor, ...paid], { version: 3 });
    const child = (parent: Transaction, coin: SpentInput, fee: bigint) =>
      spendAll(faucet, [outputOf(parent, 1), coin], { fee, version: 3 });
    const lender = child(light, shared, 2000n);
    const ofBoth = vsize(light) + vsize(lender);
    const taking = child(large, shared, 9000n);
    const all = vsize(large) + vsize(taking);
    // For each virtual byte the package pays more than the other with its parent, and less than that one alone.
    assert.ok(9000 / all > 2000 / ofBoth && 9000 / all < 2000 / vsize(lender));
    return {
      ...packageVerdicts(chain, {
        lender: [light, lender],
        "more in all, less per byte": [large, child(large, shared, 5000n)],
        "more in all and per byte": [large, taking],
        "the lender with another coin": [light, child(light, other, 2000n)],
      }),
      ...verdicts(chain, { "a single one": spendAll(faucet, [shared], { fee: 20_000n, version: 3 }) }),
    };
  });
  assert.deepEqual(outcome, {
    lender: "taken",
    "more in all, less per byte": "replacement-earns-less",
    "more in all and per byte": "taken",
    "the lender with another coin": "taken",
    "a single one": "taken",
  });
});

test("a script that fails takes its package with it", async (t) => {
  const outcome = await onBoth(t, (chain, faucet) => {
    const parent = feeless(faucet, coinOf(chain, faucet));
    const child = bump(faucet, parent, 1000n);
    const broken = { ...child, outputs: [pay(77_000n)] };
    return { ...packageVerdicts(chain, { broken: [parent, broken] }), left: chain.mempool.length };
  });
  assert.deepEqual(outcome, { broken: "script", left: 0 });
});
