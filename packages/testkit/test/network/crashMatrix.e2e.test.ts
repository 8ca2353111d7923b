// timeout: 600 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import { msat } from "@fulmen/lightning/util";
import { CrashPlan, type CrashPoint, Dice, describeCrashPoint } from "@fulmen/testkit";
import { TwoHops, type TwoHopsOptions } from "./twoHops.ts";

// Every place at which a node can die during a payment over two hops: it dies there, comes back from its store, and in
// the end everything is as if it had not died. Points in a later life are met by the runs that kill twice.

const amount = msat(10_000_000n);
const names = ["payer", "forwarder", "payee"];

before(() => {
  installNodeCrypto();
});

/** The crash points that each node passes when nobody dies. */
function undisturbed(options: TwoHopsOptions): readonly (readonly CrashPoint[])[] {
  const hops = new TwoHops(options);
  const plans = hops.nodes.map((node) => new CrashPlan(node));
  hops.pay(amount);
  return plans.map(({ passed }) => [...passed]);
}

/**
 * Payments over the same channels, one after the other, in each of which the node dies one point later, until there is
 * no such point; gives how many there were. After each of them all three come back from their stores, and the next one
 * shows that all is well.
 */
function dieAtEach(options: TwoHopsOptions, index: number): number {
  const hops = new TwoHops(options);
  for (let point = 0; ; point++) {
    const node = hops.nodes[index];
    assert.ok(node);
    const plan = new CrashPlan(node, [point]);
    try {
      hops.pay(amount);
      node.onCrashPoint = () => {};
      hops.restartAll();
    } catch (error) {
      throw new Error(`${names[index]} at ${point} (${plan.died.map(describeCrashPoint)})`, { cause: error });
    }
    if (plan.died.length === 0) return point;
  }
}

interface Outcome {
  readonly died: number;
  readonly isPaid: boolean;
}

/**
 * One payment during which nodes die at the given points, and another one to see that all is well. Where several die,
 * the forwarder may find the payee gone, and fail what would have gone through.
 */
function run(options: TwoHopsOptions, deaths: readonly (readonly number[])[]): Outcome {
  const hops = new TwoHops(options);
  const plans = hops.nodes.map((node, index) => new CrashPlan(node, deaths[index]));
  const where = deaths.flatMap((at, index) => at.map((point) => `${names[index]} at ${point}`)).join(", ");
  try {
    const mayFail = deaths.flat().length > 1 && options.claims === "claim" && options.intercepts !== "fail";
    const isPaid = hops.pay(amount, { mayFail }) === "paid";
    const died = plans.reduce((sum, plan) => sum + plan.died.length, 0);
    for (const node of hops.nodes) node.onCrashPoint = () => {};
    hops.restartAll();
    hops.pay(msat(20_000_000n));
    return { died, isPaid };
  } catch (error) {
    const points = plans.flatMap(({ died }) => died.map(describeCrashPoint)).join(", ");
    throw new Error(`${where} (${points}): ${error instanceof Error ? error.message : String(error)}`);
  }
}

const runsOfSeveral = 20;

/** What came of the runs in which several die. */
class Tally {
  #died = 0;
  #meant = 0;
  #paid = 0;

  /** `isMeant`: nothing but a lost connection may have failed the payment. */
  add({ died, isPaid }: Outcome, isMeant: boolean): void {
    this.#died += died;
    if (isMeant) this.#meant++;
    if (isPaid) this.#paid++;
  }

  /** Deaths are many, and payments that failed for them few. */
  check(): string {
    const text = `${runsOfSeveral} runs, ${this.#died} deaths, ${this.#paid} of ${this.#meant} payments made`;
    assert.ok(this.#died > runsOfSeveral && 4 * this.#paid >= 3 * this.#meant, text);
    return text;
  }
}

function tableOf(points: readonly (readonly CrashPoint[])[]): string {
  const counts = new Map<string, number>();
  for (const point of points.flat()) {
    const name = describeCrashPoint(point);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${name}: ${count}`).join("; ");
}

for (const format of formatNames) {
  for (const claims of ["claim", "fail"] as const) {
    describe(`a payment over two ${format} channels that the payee ${claims === "claim" ? "claims" : "rejects"}`, () => {
      it("ends well wherever one of the three nodes dies", (context) => {
        exhaust({ format, claims }, (text) => context.diagnostic(text));
      });
    });
  }

  it(`${format}: several deaths in one payment, in any order of events`, (context) => {
    const seed = format.length;
    const dice = new Dice(seed);
    const tally = new Tally();
    for (let i = 0; i < runsOfSeveral; i++) {
      const deaths = names.map(() => Array.from({ length: dice.roll(3) }, () => dice.roll(30)));
      const claims = dice.roll(2) === 0 ? "claim" : "fail";
      const outcome = run({ format, claims, seed: i + 1, shuffles: true }, deaths);
      tally.add(outcome, claims === "claim");
    }
    context.diagnostic(`from seed ${seed}: ${tally.check()}`);
  });
}

it("several deaths in one payment that is intercepted, in any order of events", (context) => {
  const dice = new Dice(7);
  const tally = new Tally();
  for (let i = 0; i < runsOfSeveral; i++) {
    const deaths = names.map(() => Array.from({ length: dice.roll(3) }, () => dice.roll(30)));
    const intercepts = dice.roll(4) === 0 ? "fail" : "forward";
    const claims = dice.roll(2) === 0 ? "claim" : "fail";
    const hasSlowStore = dice.roll(2) === 0;
    const format = formatNames[dice.roll(formatNames.length)] ?? "static-remotekey";
    const outcome = run({ format, claims, intercepts, hasSlowStore, seed: i + 1, shuffles: true }, deaths);
    tally.add(outcome, claims === "claim" && intercepts === "forward");
  }
  context.diagnostic(tally.check());
});

it("with a slow store: what happens during a commit is the next batch", (context) => {
  const options = { format: "anchors-zero-fee-htlc", claims: "claim" } as const;
  const commits = (hasSlowStore: boolean): number =>
    undisturbed({ ...options, hasSlowStore })
      .flat()
      .filter(({ kind }) => kind === "after-commit").length;
  const [slow, fast] = [commits(true), commits(false)];
  assert.ok(slow < fast, `${slow} commits with a slow store, ${fast} without`);
  exhaust({ ...options, hasSlowStore: true }, (text) => context.diagnostic(text));
});

for (const intercepts of ["forward", "fail"] as const) {
  it(`with a forwarder whose user decides to ${intercepts} what was intercepted`, (context) => {
    exhaust({ format: "anchors-zero-fee-htlc", claims: "claim", intercepts }, (text) =>
      context.diagnostic(text),
    );
  });
}

function exhaust(options: TwoHopsOptions, report: (text: string) => void): void {
  const points = undisturbed(options);
  const deaths = names.map((_, index) => dieAtEach(options, index));
  assert.deepEqual(
    deaths,
    points.map(({ length }) => length),
  );
  const runs = deaths.reduce((sum, count) => sum + count, 0);
  const perNode = points.map(({ length }, index) => `${names[index]} ${length}`).join(", ");
  report(`${runs} runs, every point of every node: ${perNode}`);
  report(tableOf(points));
  // What B's user fails never gets to C.
  const involved = options.intercepts === "fail" ? points.slice(0, 2) : points;
  assert.ok(involved.every(({ length }) => length >= 15));
}

/** Keeps the list of formats honest: all must be in the matrix. */
it("covers every commitment format", () => {
  const expected: readonly FormatName[] = [
    "static-remotekey",
    "anchors-zero-fee-htlc",
    "zero-fee-commitments",
  ];
  assert.deepEqual([...formatNames].sort(), [...expected].sort());
});
