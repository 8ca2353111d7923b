import assert from "node:assert/strict";
import { it } from "node:test";
import type { ChannelContext } from "#src/channel/input";
import { IncomingLimits } from "#src/manager/incomingLimits";
import { feeratePerKw, msat } from "#src/util/units";
import { Dice, randomStep, storedPair } from "../storage/storedPair.ts";

it("what was counted for one incoming HTLC holds for the next as long as commitments and limits are the same", () => {
  const dice = new Dice(3);
  const pair = storedPair("static-remotekey", dice);
  const [alice] = pair;
  const one = new IncomingLimits();
  const verdicts = new Set<string | undefined>();
  for (let i = 0; i < 400; i++) {
    randomStep(pair, dice);
    const [htlc] = alice.commitments.htlcs;
    if (htlc === undefined) continue;
    const maximumFeeEstimate = feeratePerKw(i % 3 === 0 ? 253 : 60);
    const ctx = { feerates: { maximumFeeEstimate } } as ChannelContext;
    const limit = msat(i % 2 === 0 ? 100_000 : 10_000_000_000n);
    const { config } = alice.channel.identity;
    const maxDustHtlcExposure =
      i % 5 === 0 ? config.maxDustHtlcExposure : ({ kind: "fixed", limit } as const);
    const identity = { ...alice.channel.identity, config: { ...config, maxDustHtlcExposure } };
    const channel = { ...alice.channel, identity };
    for (let time = 0; time < 2; time++) {
      const verdict = one.refusal(ctx, channel, htlc);
      assert.deepEqual(verdict, new IncomingLimits().refusal(ctx, channel, htlc));
      verdicts.add(verdict?.code);
    }
  }
  assert.deepEqual([...verdicts].sort(), ["dust-exposure", undefined]);
});
