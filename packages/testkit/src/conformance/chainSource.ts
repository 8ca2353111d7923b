import { beginningAndEnd } from "./chain/beginningAndEnd.ts";
import { faults } from "./chain/faults.ts";
import { following } from "./chain/following.ts";
import type { ChainSourceAbilities, ChainSourceMedium } from "./chain/medium.ts";
import { mempool } from "./chain/mempool.ts";
import { services } from "./chain/services.ts";
import type { TestRunner } from "./suite.ts";

/**
 * Tests that every `ChainSource` must pass, by what its clients hear of scripts, outputs and blocks: they hold for
 * sources that tell of whole blocks and for those that tell of transactions. Each test has a medium of its own, so that
 * making one should not take long: `createFundedChain` and a server of it.
 *
 *     import { describe, it } from "node:test";
 *     chainSourceConformance({ describe, it }, createMyMedium, { canInterrupt: true, lies: ["no-work"] });
 */
export function chainSourceConformance(
  runner: TestRunner,
  createMedium: () => Promise<ChainSourceMedium>,
  abilities: ChainSourceAbilities = {},
): void {
  runner.describe("beginning and end", () => beginningAndEnd(runner, createMedium));
  runner.describe("following the chain", () => following(runner, createMedium));
  runner.describe("the mempool", () => mempool(runner, createMedium));
  runner.describe("feerates, broadcasts and outputs", () => services(runner, createMedium, abilities));
  runner.describe("faults", () => faults(runner, createMedium, abilities));
}
