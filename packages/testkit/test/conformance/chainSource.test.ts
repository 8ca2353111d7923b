import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chainSourceConformance, type TestRunner } from "@fulmen/testkit/conformance";
import { doubleMedium, type Mistake } from "./chainSourceDouble.ts";

const abilities = {
  canInterrupt: true,
  lies: ["false-transactions", "no-work", "broken-chain"],
  takesPackages: true,
} as const;

describe("a source that looks at the chain directly passes the suite", () => {
  chainSourceConformance({ describe, it }, async () => doubleMedium(), abilities);
});

describe("the suite notices mistakes", () => {
  const mistakes: Readonly<Record<Mistake, RegExp>> = {
    "any-network": /another network/,
    "skips-a-block": /new follower/,
    "awaits-between-listeners": /new follower/,
    "does-not-pace": /pace/,
    "forgets-reorgs": /reorganisation of 1 block/,
    "children-first": /parents are seen/,
    "believes-lies": /lie: /,
    "finds-spent-outputs": /short channel ids/,
    "works-when-stopped": /stops what/,
    "tells-twice": /syncing again/,
    "accepts-all": /a broadcast/,
  };
  for (const [mistake, test] of Object.entries(mistakes) as [Mistake, RegExp][]) {
    it(mistake, async () => {
      const tests = collect((runner) =>
        chainSourceConformance(runner, async () => doubleMedium(mistake), abilities),
      ).filter(({ name }) => test.test(name));
      assert.ok(tests.length > 0, "there is such a test");
      for (const { name, body } of tests) await assert.rejects(body(), Error, name);
    });
  }
});

interface CollectedTest {
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** The tests of a suite, without running them. */
function collect(suite: (runner: TestRunner) => void): readonly CollectedTest[] {
  const tests: CollectedTest[] = [];
  suite({
    describe: (_name, body) => body(),
    it: (name, body) => void tests.push({ name, body }),
  });
  return tests;
}
