import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatNames } from "#src/commitment/formats/formatOf";
import { type Balance, claimableBalances } from "#src/onchain/balances";
import { applyUpdate, newMonitor } from "#src/onchain/channelMonitor";
import { msat } from "#src/util/units";
import { hashes, type MonitoredParty, monitoredPair, settle } from "./monitoredPair.ts";

function balancesOf({ setup, updates, keysManager }: MonitoredParty): readonly Balance[] {
  const monitor = updates.reduce((before, update) => {
    const outcome = applyUpdate(before, update);
    return outcome.kind === "applied" ? outcome.monitor : assert.fail(outcome.kind);
  }, newMonitor(setup));
  return claimableBalances(monitor, keysManager.destinationScript(setup.channelKeysId));
}

for (const format of formatNames) {
  describe(`balances of an open channel, ${format}`, () => {
    it("count what has an output, and tell what goes to the fee", () => {
      const [a, b] = monitoredPair(format);
      const [first, second, third] = hashes;
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      a.add(msat(50_000_999), first, 500);
      a.add(msat(200_001), second, 500);
      settle(a, b);
      b.add(msat(70_000_500), third, 502);
      b.add(msat(300_002), second, 502);
      settle(a, b);
      const { toOwner, fee } = a.ownCommitments.at(-1) ?? assert.fail("no commitment");
      const { isOpener } = a.setup.params;
      assert.deepEqual(balancesOf(a), [
        {
          kind: "claimable-on-channel-close",
          amount: toOwner?.value,
          transactionFee: isOpener ? fee : 0n,
          outboundHtlcRounded: 999n + 200_001n,
          inboundClaimingHtlcRounded: 0n,
          inboundHtlcRounded: 500n + 300_002n,
        },
        {
          kind: "maybe-timeout-claimable-htlc",
          amount: 50_000n,
          claimableHeight: 500,
          paymentHash: first,
        },
        {
          kind: "maybe-preimage-claimable-htlc",
          amount: 70_000n,
          expiryHeight: 502,
          paymentHash: third,
        },
      ]);
      // Both that came in are claimed, and the peer has not taken that in yet.
      for (const htlc of a.removable()) a.fulfill(htlc);
      const [open, ...others] = balancesOf(a);
      assert.ok(open?.kind === "claimable-on-channel-close");
      assert.equal(open.amount, (toOwner?.value ?? 0n) + 70_000n);
      assert.equal(open.inboundClaimingHtlcRounded, 500n + 300_002n);
      assert.equal(open.inboundHtlcRounded, 0n);
      assert.deepEqual(
        others.map(({ kind }) => kind),
        ["maybe-timeout-claimable-htlc"],
      );
    });
  });
}
