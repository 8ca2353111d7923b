import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { weight } from "@fulmen/bitcoin/transaction";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import { holderCommitments } from "#src/onchain/validCommitments";
import type { Bytes32 } from "#src/util/bytes";
import { present } from "#src/util/invariant";
import { feeOf, type Msat, msat, sat } from "#src/util/units";
import { ManagerNet, type ManagerNode } from "../manager/managers.ts";
import { AttackLine, configFor, monitorOf } from "./attackLine.ts";
import { trimmedAmounts } from "./trimmedAmounts.ts";

// What a peer may have lie in a channel, so that it is lost to miners when the channel closes, or cannot be closed at
// all.

const secret = (n: number): Bytes32 => {
  const bytes = new Uint8Array(32).fill(3);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes as Bytes32;
};

for (const format of formatNames) {
  describe(`dust exposure (CVE-2021-41591, -41592, -41593), ${format}`, () => {
    it("a flood of HTLCs that no commitment has an output for: what is over the limit fails, nothing closes", () => {
      const line = new AttackLine(format);
      const { net, alice, bob, carol, ab, bc } = line;
      const limit = 253n * 10_000n;
      for (let i = 0; i < 40; i++) {
        line.pay(msat(200_000n), secret(i));
        net.settle();
        for (const [channelId, direction] of [
          [ab, "incoming"],
          [bc, "outgoing"],
        ] as const) {
          for (const side of ["local", "remote"] as const) {
            const exposed = trimmedAmounts(monitorOf(bob, channelId), side, direction);
            assert.ok(exposed <= limit, `${exposed} msat of ${direction} dust on ${side} commitments`);
          }
        }
      }
      const failed = alice.eventsOf("payment-failed").length;
      const held = carol.eventsOf("payment-claimable").length;
      assert.equal(failed + held, 40);
      assert.ok(held > 3 && held <= Number(limit / 200_000n), `${held} of 40 went through`);
      for (const { paymentHash } of carol.eventsOf("payment-claimable"))
        carol.manager.failHtlcBackwards(paymentHash);
      net.settle();
      line.pay(msat(200_000n), secret(99));
      net.settle();
      assert.equal(carol.eventsOf("payment-claimable").length, held + 1, "there is room again");
      for (const node of [alice, carol]) assert.equal(node.manager.listUsableChannels().length, 1);
      assert.equal(bob.manager.listUsableChannels().length, 2);
    });
  });

  describe(`reserve overdraw (LDK #3796, #3933, #4580), ${format}`, () => {
    it("whatever both sides send at their limits, and however fees move: each commitment pays its fee and is no dust", () => {
      for (let seed = 1; seed <= 4; seed++) walk(seed);
    });

    it("the opener sends all it can, and the acceptor what that leaves room for: the opener goes on paying", () => {
      const net = new ManagerNet();
      const [opener, acceptor] = [net.add(configFor(format)), net.add(configFor(format))];
      net.connect(opener, acceptor);
      const channelId = net.open(opener, acceptor, { funding: sat(200_000), push: msat(80_000_000n) });
      const limitOf = ({ manager }: ManagerNode) =>
        present(manager.listUsableChannels()[0], "the channel").nextOutboundHtlcLimit;
      let sent = 0;
      const pay = (from: ManagerNode, amount: Msat): void => {
        const to = from === opener ? acceptor : opener;
        net.pay(from, amount, [{ to, by: from, channelId }], { preimage: secret(++sent) });
        net.settle();
        for (const node of [opener, acceptor]) check(node, channelId, `payment ${sent}`);
      };
      for (let limit = limitOf(opener); limit >= 1_000n; limit = limitOf(opener)) pay(opener, limit);
      const above = msat(2_000_000n);
      let added = 0;
      for (; added < 20 && limitOf(acceptor) >= above; added++) pay(acceptor, above);
      assert.ok(added > 0, "the acceptor can add nothing: the channel is stuck");
      for (const node of [opener, acceptor]) node.feerate = 2_000;
      for (const node of [acceptor, opener]) node.manager.timerTickOccurred(1_800_000_060);
      net.settle();
      for (const node of [opener, acceptor]) check(node, channelId, "a rise of the feerate");
    });

    function walk(seed: number): void {
      let state = seed * 7_919;
      const dice = (below: number): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const net = new ManagerNet();
      const [a, b] = [net.add(configFor(format)), net.add(configFor(format))];
      net.connect(a, b);
      const channelId = net.open(a, b, { funding: sat(60_000), push: msat(BigInt(dice(30_000)) * 1_000n) });
      let paid = 0;
      for (let turn = 0; turn < 25; turn++) {
        const [from, to] = dice(2) === 0 ? [a, b] : [b, a];
        const choice = dice(6);
        if (choice < 4) {
          const details = present(from.manager.listUsableChannels()[0], "the channel");
          const { nextOutboundHtlcLimit: max, nextOutboundHtlcMinimum: min } = details;
          // All there is, near dust, or anything.
          const wished = [max, msat(354_000n + BigInt(dice(2_000))), msat(max / BigInt(1 + dice(9)))][
            dice(3)
          ];
          const amount = wished === undefined || wished > max ? max : wished;
          if (amount < min || amount === 0n) continue;
          net.pay(from, amount, [{ to, by: from, channelId }], { preimage: secret(++paid) });
          net.settle();
        } else if (choice === 4) {
          for (const { manager } of [a, b]) {
            for (const { paymentHash } of manager.listClaimablePayments()) {
              if (dice(2) === 0) manager.failHtlcBackwards(paymentHash);
            }
            for (let i = 1; i <= paid; i++) if (dice(3) === 0) manager.claimFunds(secret(i));
          }
          net.settle();
        } else {
          const feerate = present([253, 400, 900, 2_000][dice(4)], "a feerate");
          for (const node of [a, b]) node.feerate = feerate;
          // The acceptor hears of it first: what it risks as dust follows its estimate.
          for (const node of [b, a]) node.manager.timerTickOccurred(1_800_000_000 + turn * 60);
          net.settle();
        }
        for (const node of [a, b]) check(node, channelId, `seed ${seed}, turn ${turn}`);
      }
    }

    function check(node: ManagerNode, channelId: Parameters<typeof monitorOf>[1], when: string): void {
      const closed = node.eventsOf("channel-closed").map(({ reason }) => reason);
      assert.deepEqual(closed, [], when);
      for (const { built } of holderCommitments(monitorOf(node, channelId))) {
        const { transaction, fee } = built;
        assert.ok(transaction.outputs.length > 0, when);
        if (formatOf(format).feerateBasis === "none") continue;
        const feerate = monitorOf(node, channelId).holder.feerate;
        const signed = weight(transaction) + 2 + 222;
        assert.ok(fee >= feeOf(feerate, signed - 4), `${fee} sat for ${signed} weight units: ${when}`);
      }
    }
  });
}
