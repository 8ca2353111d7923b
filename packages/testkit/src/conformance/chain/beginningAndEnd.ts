import type { BlockHeight } from "@fulmen/lightning/util";
import { blockHeight, present } from "@fulmen/lightning/util";
import { expectSame } from "../expect.ts";
import type { TestRunner } from "../suite.ts";
import {
  type ChainSourceMedium,
  expectChainSourceError,
  type Rig,
  within,
  withMedium,
  withRig,
} from "./medium.ts";
import { RecordingFollower, recordingClients } from "./recordingClients.ts";

/** Within so many milliseconds news of a block arrive, and what is under way ends. */
const promptly = 1_000;

/** How a source starts, waits and stops. */
export function beginningAndEnd(runner: TestRunner, createMedium: () => Promise<ChainSourceMedium>): void {
  const check = (name: string, body: (rig: Rig) => Promise<void>): void =>
    runner.it(name, () => withRig(createMedium, body));

  runner.it("starts at the tip", () =>
    withMedium(createMedium, async (medium) => {
      const { chain } = medium;
      const source = medium.createSource();
      try {
        const { hash, height } = await source.start();
        expectSame(`${height} ${hash}`, `${chain.tip.height} ${chain.tip.hash}`, "the tip");
        expectSame(source.name.length > 0, true, "it has a name");
      } finally {
        await source.stop();
      }
    }),
  );

  runner.it("does not start on another network", () =>
    withMedium(createMedium, async (medium) => {
      const source = medium.createSource("mainnet");
      try {
        await expectChainSourceError(source.start(), ["wrong-network"], "start");
      } finally {
        await source.stop();
      }
    }),
  );

  check("locates blocks with what comes before them", async ({ chain, source }) => {
    for (const height of [0, 1, 5, 50, chain.tip.height]) {
      const located = await source.locate(blockHeight(height));
      const block = present(chain.blockAt(height), "the block");
      expectSame(`${located.height} ${located.hash}`, `${height} ${block.hash}`, `block ${height}`);
      expectSame(located.ancestors.length, Math.min(height, 12), `ancestors of block ${height}`);
      for (const [index, hash] of located.ancestors.entries()) {
        expectSame(hash, chain.blockAt(height - 1 - index)?.hash, `ancestor ${index} of block ${height}`);
      }
    }
    const above = (chain.tip.height + 1_000) as BlockHeight;
    await expectChainSourceError(
      source.locate(above),
      ["unsupported", "not-synced", "invalid-answer"],
      "above",
    );
  });

  check("wakes when there is a block, and when nobody waits any more", async (rig) => {
    const { source, chain } = rig;
    const clients = recordingClients(source, [new RecordingFollower({}, chain.locator())], {});
    await source.sync(clients);
    for (let round = 0; round < 2; round++) {
      const waiting = source.changed(new AbortController().signal);
      await pause(50);
      rig.mine();
      await within(promptly, waiting, "a block");
      await source.sync(clients);
    }
    const controller = new AbortController();
    const waiting = source.changed(controller.signal);
    await pause(50);
    controller.abort();
    await within(promptly, waiting, "an abort");
    await within(promptly, source.changed(AbortSignal.abort()), "an abort that came before");
  });

  check("stops what is under way, and does nothing from then on", async ({ source, chain }) => {
    const clients = recordingClients(source, [new RecordingFollower({})], {});
    const settled = [source.sync(clients), source.changed(new AbortController().signal)].map((promise) =>
      promise.then(
        () => undefined,
        () => undefined,
      ),
    );
    await within(promptly, source.stop(), "stop");
    await within(promptly, Promise.all(settled), "what was under way");
    const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["sync", () => source.sync(clients)],
      ["locate", () => source.locate(chain.tip.height)],
      ["feerates", () => source.feerates()],
      ["broadcast", () => source.broadcast([present(chain.tip.block.transactions[0], "a transaction")])],
    ];
    for (const [what, call] of calls) {
      await expectChainSourceError(within(promptly, call(), what), ["stopped"], what);
    }
    await within(promptly, source.stop(), "stop once more");
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
