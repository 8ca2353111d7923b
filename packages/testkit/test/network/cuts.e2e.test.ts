// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "@fulmen/lightning/commitment";
import { msat } from "@fulmen/lightning/util";
import { Dice } from "@fulmen/testkit";
import { TwoHops } from "./twoHops.ts";

// The connection is lost at every message of a payment over two hops, the handshakes that follow included.

const amount = msat(10_000_000n);

before(() => {
  installNodeCrypto();
});

interface Outcome {
  readonly isPaid: boolean;
  readonly lost: number;
}

/** Pays while deliveries number `cuts` (from 0) are lost with their connections. */
function pay(hops: TwoHops, cuts: ReadonlySet<number>): Outcome {
  let deliveries = 0;
  let lost = 0;
  hops.network.losesConnection = () => {
    const isLost = cuts.has(deliveries);
    deliveries++;
    if (isLost) lost++;
    return isLost;
  };
  const isPaid = hops.pay(amount, { mayFail: cuts.size > 0 }) === "paid";
  hops.network.losesConnection = () => false;
  hops.restartAll();
  return { isPaid, lost };
}

for (const format of formatNames) {
  for (const claims of ["claim", "fail"] as const) {
    describe(`a payment over two ${format} channels, ${claims === "claim" ? "claimed" : "rejected"}`, () => {
      it("ends well for all, or fails for all, whichever message is lost", (context) => {
        // One payment after the other, until there is no such message: each also shows that the one before left all
        // well.
        const hops = new TwoHops({ format, claims });
        let lost = 0;
        let paid = 0;
        for (let outcome = pay(hops, new Set([0])); outcome.lost > 0; outcome = pay(hops, new Set([lost]))) {
          assert.equal(outcome.lost, 1);
          lost++;
          if (outcome.isPaid) paid++;
        }
        context.diagnostic(`${lost} messages lost, one in each run; ${paid} payments went through`);
        assert.ok(lost >= 20 && (claims === "claim" ? paid > lost / 2 : paid === 0));
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
      const hops = new TwoHops({ format, claims, seed: i + 1, shuffles: true });
      cuts += pay(hops, at).lost;
      hops.pay(msat(20_000_000n));
    }
    context.diagnostic(`${runs} runs, ${cuts} messages lost`);
    assert.ok(cuts > runs);
  });
}
