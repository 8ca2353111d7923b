import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outPointKey } from "@fulmen/bitcoin/primitives";
import { p2a } from "@fulmen/bitcoin/script";
import { type Transaction, txid, vsize } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { present } from "@fulmen/lightning/util";
import { Dice, type FundedChain, inputOf, type Refusal, type SpentInput } from "@fulmen/testkit";
import { createFundedBitcoindChain } from "#src/bitcoind/index";
import { coinOf, outputOf, pay, verdict } from "./bothChains.ts";

installNodeCrypto();

/** Rules that Bitcoin Core has given up for its mempool of clusters. */
const givenUp: readonly Refusal["kind"][] = [
  "replacement-adds-unconfirmed",
  "replacement-feerate-too-low",
  "too-long-chain",
  "too-many-replacements",
];

/** Spends, packages, blocks and reorgs drawn at random; Core's chain compares its verdicts with ours by itself. */
class RandomWalk {
  readonly #funded: FundedChain;
  readonly #dice: Dice;
  /** Transactions that were offered, the latest last; most of those that were refused are left out. */
  readonly #made: Transaction[] = [];
  /** How often each verdict was given. */
  readonly verdicts = new Map<string, number>();

  constructor(funded: FundedChain, seed: number) {
    this.#funded = funded;
    this.#dice = new Dice(seed);
  }

  step(): void {
    const { chain } = this.#funded;
    const kind = this.#dice.roll(20);
    if (kind < 12) {
      const spent = this.#inputs(this.#oneOf([1, 1, 2]));
      const before = this.#made.findLast((each) => txid(each) === spent[0]?.input.outPoint.txid);
      const tx = this.#make(spent, before?.version);
      this.#note(verdict(chain.submit(tx)), tx);
    } else if (kind < 17) {
      const parent = this.#make(this.#inputs(1));
      const outputs = parent.outputs.map((_, index) => outputOf(parent, index));
      const child = this.#make(this.#oneOf([outputs, outputs.slice(0, 1)]), parent.version);
      this.#note(`package ${verdict(chain.submitPackage(parent, child))}`, parent, child);
    } else if (kind < 19) {
      chain.mine(1 + this.#dice.roll(2), this.#dice.roll(3) === 0 ? { only: [] } : {});
    } else {
      chain.reorg(1 + this.#dice.roll(3));
    }
  }

  #note(verdict: string, ...offered: readonly Transaction[]): void {
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
    for (const tx of offered) {
      if (this.#funded.chain.transaction(txid(tx)) || this.#dice.roll(8) === 0) this.#made.push(tx);
    }
  }

  /** Coins, outputs of what was made lately, and what that spends. */
  #inputs(count: number): readonly SpentInput[] {
    const inputs = new Map<string, SpentInput>();
    for (let i = 0; i < count; i++) {
      const spent = this.#input();
      inputs.set(outPointKey(spent.input.outPoint), spent);
    }
    return [...inputs.values()];
  }

  #input(): SpentInput {
    const { chain, faucet } = this.#funded;
    const sequence = this.#oneOf([0xffff_fffd, 0xffff_fffd, 0xffff_fffd, 0xffff_fffd, 0xffff_ffff, 1]);
    const tx = this.#made.at(-1 - this.#dice.roll(10));
    const kind = this.#dice.roll(3);
    if (tx !== undefined && kind === 0) return outputOf(tx, this.#dice.roll(tx.outputs.length), sequence);
    const outPoint = tx?.inputs[0]?.outPoint;
    const output = outPoint && chain.output(outPoint);
    if (outPoint !== undefined && output !== undefined && kind === 1)
      return { input: inputOf(outPoint, sequence), output };
    return coinOf(chain, faucet, this.#dice.roll(4), sequence);
  }

  /** Mostly of the version of what it spends. */
  #make(spent: readonly SpentInput[], before?: number): Transaction {
    const { faucet, chain } = this.#funded;
    const drawn = this.#oneOf([2, 3]);
    const version = this.#dice.roll(8) === 0 ? drawn : (before ?? drawn);
    const { height } = chain.tip;
    const locktime = this.#oneOf([0, 0, 0, 0, 0, 0, height, height + 1]);
    const anchors = this.#oneOf([[], [], [pay(0n, p2a())], [pay(240n, p2a())]]);
    const parts = this.#oneOf([1n, 1n, 2n, 3n]);
    const have = spent.reduce((sum, { output }) => sum + output.value, 0n);
    const build = (fee: bigint): Transaction => {
      const left = anchors.reduce((sum, { value }) => sum - value, have - fee);
      const part = left > 0n ? left / parts : 0n;
      const outputs = Array.from({ length: Number(parts) }, () => pay(part, faucet.script));
      return faucet.spend(spent, [...outputs, ...anchors], { version, locktime });
    };
    const size = BigInt(vsize(build(0n)));
    const isFree = anchors.some(({ value }) => value === 0n) && this.#dice.roll(4) > 0;
    return build(isFree ? 0n : size * this.#oneOf([1n, 1n, 2n, 3n, 4n, 9n]) - this.#oneOf([0n, 0n, 0n, 3n]));
  }

  #oneOf<T>(choices: readonly T[]): T {
    return present(choices[this.#dice.roll(choices.length)], "a choice");
  }
}

describe("a random walk", () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`of seed ${seed} gives the simulated chain's verdicts`, async (t) => {
      const funded = await createFundedBitcoindChain({
        seed,
        coins: 30,
        comparesReasons: false,
        tolerates: ({ kind }) => givenUp.includes(kind),
      });
      t.after(() => funded.chain.stop());
      const walk = new RandomWalk(funded, seed);
      for (let i = 0; i < 250; i++) walk.step();
      t.diagnostic(JSON.stringify([...walk.verdicts]));
      assert.ok((walk.verdicts.get("taken") ?? 0) > 20);
      assert.ok(walk.verdicts.size > 8);
    });
  }
});
