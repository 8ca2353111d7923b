import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { channelId, hashes, monitoredPair, settle, spendOf } from "../onchain/monitoredPair.ts";
import { cheatNow, header, inBlock, Victim } from "./victim.ts";

// A peer fills a channel with as many HTLCs as it takes, publishes a revoked commitment with all of them, and takes
// them one by one, all in one block. What this costs the victim may grow with their number, not with its square.

const expiry = 500;

/** A channel with so many HTLCs in each direction, and the cheat's commitment with them, which is revoked. */
function flooded(format: FormatName, count: number) {
  const [a, b] = monitoredPair(format);
  const [first, second] = hashes;
  assert.ok(first !== undefined && second !== undefined);
  for (let i = 0; i < count; i++) {
    a.add(msat(5_000_000n), first, expiry);
    b.add(msat(5_000_000n), second, expiry);
  }
  settle(a, b);
  const cheat = cheatNow(b);
  b.fulfill(present(b.removable()[0], "an HTLC"));
  settle(a, b);
  return { victim: new Victim(a), commitment: cheat.commitment() };
}

for (const format of formatNames) {
  describe(`a revoked commitment with hundreds of HTLCs, ${format}`, () => {
    it("is punished whole, and what the peer takes in one block is answered once", () => {
      const count = format === "zero-fee-commitments" ? 57 : 60;
      const { victim, commitment } = flooded(format, count);
      const { chainMonitor } = victim;
      const punished = victim.during(() =>
        chainMonitor.blockConnected(header(101), inBlock([commitment]), 101),
      );
      assert.equal(punished, 2 * count + 1);
      const monitor = present(chainMonitor.monitor(channelId), "a monitor");
      const outPoints = monitor.chain.fundingSpend?.outputs.filter(({ kind }) => kind === "revoked") ?? [];
      const thefts = outPoints
        .slice(0, count)
        .map(({ outPoint }) => spendOf([{ ...outPoint, witness: [new Uint8Array(72)] }]));
      // The order in which some chain sources tell of a block: its header first.
      const answered = victim.during(() => {
        chainMonitor.bestBlockUpdated(header(102), 102);
        chainMonitor.transactionsConfirmed(header(102), inBlock(thefts), 102);
      });
      assert.ok(answered <= 2 * punished, `${answered} signatures for ${punished} outputs`);
      const undone = victim.during(() => {
        for (const { txid } of [...chainMonitor.relevantTxids()].slice(1))
          chainMonitor.transactionUnconfirmed(txid);
        chainMonitor.bestBlockUpdated(header(102), 102);
      });
      assert.ok(undone <= punished, `${undone} signatures after the reorganisation`);
      const taken = victim.broadcasts.at(-1);
      assert.ok(taken !== undefined && taken.inputs.length <= 100);
    });
  });
}
