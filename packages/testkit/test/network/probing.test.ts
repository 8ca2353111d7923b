import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProbabilisticScorer, Prober, RandomWalkProbes, triedPath } from "@fulmen/lightning/routing";
import { msat, present, type UnixSeconds } from "@fulmen/lightning/util";
import { TwoHops } from "./twoHops.ts";

describe("a prober", () => {
  it("sends probes over the manager, bound while they are under way, and the scorer learns from their events", () => {
    const line = new TwoHops({ format: "anchors-zero-fee-htlc", claims: "claim" });
    const { network, a, b, c } = line;
    const { graph } = a;
    const scorer = new ProbabilisticScorer({ graph });
    const prober = new Prober({
      strategy: new RandomWalkProbes({
        graph,
        source: () => ({
          payer: a.nodeId,
          firstHops: a.manager.listFirstHops(),
          inFlightHtlcs: a.manager.computeInflightHtlcs(),
        }),
        entropy: { randomBytes: (length) => new Uint8Array(length).fill(7) },
        maxHops: 2,
        amounts: [50_000_000, 50_000_000],
      }),
      sendProbe: (path) => a.manager.sendProbe(path),
      probesInFlight: () => a.manager.probesInFlight(),
    });
    const attempt = prober.tick(1_000 as UnixSeconds);
    assert.ok(attempt.kind === "sent", attempt.kind);
    const { count, amount } = a.manager.probesInFlight();
    assert.ok(count === 1 && amount > 50_000_000n);
    network.settle();
    assert.equal(a.manager.probesInFlight().count, 0);
    const event = present(
      a.eventList.find(({ kind }) => kind === "probe-successful"),
      "the end of the probe",
    );
    assert.ok(event.kind === "probe-successful" && event.finalValue !== undefined);
    assert.equal(event.finalValue, triedPath(attempt.path).finalValue);
    const tried = { hops: event.path, finalValue: event.finalValue };
    scorer.probeSuccessful(tried, 1_000 as UnixSeconds);
    const last = present(event.path.at(-1), "a hop");
    assert.equal(last.nodeId, c.nodeId);
    assert.equal(scorer.estimatedChannelLiquidityRange(last.shortChannelId, c.nodeId)?.min, msat(50_000_000));
    assert.equal(event.path[0]?.nodeId, b.nodeId);
    line.check();
  });
});
