import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { askFeerates } from "#src/electrum/feerates";
import { scriptedSession } from "./scriptedSession.ts";

const rejectsAsInvalid = { code: "invalid-answer" };

describe("feerates of an Electrum server", () => {
  it("are what its node estimates, for the targets that it knows", async (test) => {
    const estimates: Readonly<Record<number, number>> = { 2: 0.0002, 6: 0.0001, 144: 0.00001 };
    const { session } = await scriptedSession(test, {
      "blockchain.estimatefee": (blocks) => {
        // Some say -1, some refuse.
        if (blocks === 3) throw { code: 2, message: "daemon error" };
        return estimates[Number(blocks)] ?? -1;
      },
      "blockchain.relayfee": () => 0.000001,
    });
    assert.deepEqual(await askFeerates(session), {
      targets: [
        { blocks: 2, feerate: 5_000n },
        { blocks: 6, feerate: 2_500n },
        { blocks: 144, feerate: 250n },
      ],
      minimum: 25n,
    });
  });

  it("are those of the mempool where it estimates nothing: what does not fit any more is too low", async (test) => {
    const { session } = await scriptedSession(test, {
      "blockchain.estimatefee": () => -1,
      "blockchain.relayfee": () => 0.00001,
      "mempool.get_fee_histogram": () => [
        [30.5, 500_000],
        [20, 600_000],
        [0.2, 5_000_000],
      ],
    });
    const { targets } = await askFeerates(session);
    const at = (blocks: number) => targets.find((each) => each.blocks === blocks)?.feerate;
    assert.equal(at(1), 5_000n, "the first block ends among those that pay 20 sat/vB");
    assert.equal(at(2), 250n, "0.2 sat/vB are not relayed");
    assert.equal(at(144), 250n);
  });

  it("have the minimum of protocol 1.6 under its new name", async (test) => {
    const { session, asked } = await scriptedSession(
      test,
      { "blockchain.estimatefee": () => 0.0001, "mempool.get_info": () => ({ mempoolminfee: 0.00002 }) },
      "1.6",
    );
    assert.equal((await askFeerates(session)).minimum, 500n);
    assert.ok(!asked.includes("blockchain.relayfee"));
  });

  it("are refused when they are none", async (test) => {
    for (const feerate of ["1", null, {}, 1e300]) {
      const estimated = await scriptedSession(test, {
        "blockchain.estimatefee": () => feerate,
        "blockchain.relayfee": () => 0.00001,
      });
      await assert.rejects(askFeerates(estimated.session), rejectsAsInvalid);
    }
    for (const histogram of [{}, [[1]], [["1", 2]], [[-1, 2]], [[1, -2]], [5], Array(20_000).fill([1, 1])]) {
      const counted = await scriptedSession(test, {
        "blockchain.estimatefee": () => -1,
        "blockchain.relayfee": () => 0.00001,
        "mempool.get_fee_histogram": () => histogram,
      });
      await assert.rejects(askFeerates(counted.session), rejectsAsInvalid);
    }
  });
});
