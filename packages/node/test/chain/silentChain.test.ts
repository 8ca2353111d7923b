import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentChain } from "#src/chain/index";

describe("a chain source that answers with an old block for hours", () => {
  const [startedAt, hour] = [1_700_000_000, 3_600];
  const last = { network: "mainnet", blockTime: startedAt + hour, startedAt } as const;

  it("is warned of, also when there was no block since the start", () => {
    const after = (hours: number) => ({ now: startedAt + hours * hour });
    assert.deepEqual(silentChain({ ...last, ...after(4.9) }), []);
    assert.match(silentChain({ ...last, ...after(6.5) })[0]?.text ?? "", /no block for 5 hours/);
    const unheard = { ...last, blockTime: undefined };
    assert.deepEqual(silentChain({ ...unheard, ...after(3.9) }), []);
    assert.equal(silentChain({ ...unheard, ...after(4.1) })[0]?.code, "no-new-blocks");
  });

  it("is how it is where blocks are made by hand", () => {
    assert.deepEqual(silentChain({ ...last, network: "regtest", now: startedAt + 99 * hour }), []);
  });
});
