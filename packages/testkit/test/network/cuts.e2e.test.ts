// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "@fulmen/lightning/commitment";
import { msat } from "@fulmen/lightning/util";
import { Dice } from "@fulmen/testkit";
import { TwoHops, type TwoHopsOptions } from "./twoHops.ts";

// The connection is lost at every message of a payment over two hops, the handshakes that follow included.

const amount = msat(10_000_000n);

before(() => {
  installNodeCrypto();
});

/** Pays while deliveries number `cuts` (from 0) are lost with their connections; gives how many deliveries there were. */
function run(options: TwoHopsOptions, cuts: ReadonlySet<number>) {
  const hops = new TwoHops(options);
  let deliveries = 0;
  let lost = 0;
  hops.network.losesConnection = () => {
    const isLost = cuts.has(deliveries);
    deliveries++;
    if (isLost) lost++;
    return isLost;
  };
  const outcome = hops.pay(amount, { mayFail: cuts.size > 0 });
  hops.network.losesConnection = () => false;
  hops.restartAll();
  hops.pay(msat(20_000_000n));
  return { outcome, deliveries, lost };
}

for (const format of formatNames) {
  for (const claims of ["claim", "fail"] as const) {
    describe(`a payment over two ${format} channels, ${claims === "claim" ? "claimed" : "rejected"}`, () => {
      it("ends well for all, or fails for all, whichever message is lost", (context) => {
        const { deliveries } = run({ format, claims }, new Set());
        let paid = 0;
        for (let cut = 0; cut < deliveries; cut++) {
          const { outcome, lost } = run({ format, claims }, new Set([cut]));
          assert.equal(lost, 1);
          if (outcome === "paid") paid++;
        }
        context.diagnostic(`${deliveries} messages lost, one in each run; ${paid} payments went through`);
        assert.ok(claims === "claim" ? paid > deliveries / 2 : paid === 0);
      });
    });
  }

  it(`${format}: many messages lost, in any order of events`, (context) => {
    const dice = new Dice(7);
    let cuts = 0;
    const runs = 20;
    for (let i = 0; i < runs; i++) {
      const at = new Set(Array.from({ length: 1 + dice.roll(6) }, () => dice.roll(50)));
      const claims = dice.roll(2) === 0 ? "claim" : "fail";
      cuts += run({ format, claims, seed: i + 1, shuffles: true }, at).lost;
    }
    context.diagnostic(`${runs} runs, ${cuts} messages lost`);
    assert.ok(cuts > runs);
  });
}
