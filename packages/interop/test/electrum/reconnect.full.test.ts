// needs: electrum
// timeout: 600 s
import assert from "node:assert/strict";
import { test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type CutPoint, Cutter } from "../cutter.ts";
import {
  Balance,
  bothParties,
  bothUsable,
  openChannel,
  type Party,
  reconnectWhenCut,
  startElectrumPair,
} from "./electrumPair.ts";

installNodeCrypto();

/** The update that adds, the one that removes, and two commitments with their revocations: ten messages. */
const points: readonly CutPoint[] = (["out", "in"] as const).flatMap((direction) =>
  [0, 1, 2, 3, 4].flatMap((index) => [
    { direction, index, when: "before" as const },
    { direction, index, when: "after" as const },
  ]),
);

for (const payer of bothParties) {
  const opener: Party = payer === "us" ? "electrum" : "us";
  test(`opened by ${opener}: cut at each message of a payment by ${payer}`, {
    timeout: 280_000,
  }, async (t) => {
    const cutter = new Cutter();
    const pair = await startElectrumPair(t, { us: { tap: cutter.tap } });
    const balance = new Balance(pair, await openChannel(pair, opener));
    for (const point of points) {
      cutter.arm([point]);
      const connected = reconnectWhenCut(pair);
      try {
        await balance.pay(payer, 4_000_000n);
        await bothUsable(pair, balance.channelId);
        await balance.check();
      } finally {
        await connected.finish();
      }
      assert.equal(cutter.cutAt.length, 1, `a cut ${point.when} ${point.direction} ${point.index}`);
      t.diagnostic(`${point.direction} ${point.index} ${point.when}: ${cutter.cutAt}`);
    }
  });
}
