import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { Bytes32 } from "#src/util/bytes";
import type { PaymentHash } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { AttackLine, cheatOf, htlcOutputs, showing } from "./attackLine.ts";

const amount = msat(20_000_000n);
const preimage = new Uint8Array(32).fill(7) as Bytes32;

for (const format of formatNames) {
  describe(`the covert channel (CVE-2020-26896), ${format}`, () => {
    it("an HTLC that is forwarded has the hash of Bob's own invoice: its preimage never leaves, off chain or on it", () => {
      const line = new AttackLine(format);
      const { net, alice, bob, carol, ab, bc } = line;
      const { paymentHash } = bob.manager.createBolt11Invoice({ amount, description: "Bob's own" });
      const route = [
        { to: bob, by: alice, channelId: ab },
        { to: carol, by: bob, channelId: bc },
      ];
      const paid = payByHash(line, route, paymentHash);
      assert.equal(paid.paymentHash, paymentHash);
      net.settle();
      assert.equal(carol.eventsOf("payment-claimable").length, 1);
      assert.equal(bob.eventsOf("payment-claimable").length, 0);
      net.disconnect(alice, bob);
      bob.broadcasts.length = 0;
      const commitment = cheatOf(alice, ab).commitment();
      line.mine(1, [commitment]);
      assert.equal(htlcOutputs(bob, ab).length, 1);
      line.mine(10);
      assert.deepEqual(line.takeClaims(commitment), []);
      carol.manager.failHtlcBackwards(paymentHash);
      net.settle();
      line.mine(30);
      assert.deepEqual(line.takeClaims(commitment), []);
    });
  });

  describe(`oversized failures (LDK #4845), ${format}`, () => {
    for (const length of [0, 1, 292, 65_000, 65_491]) {
      it(`carol's reason has ${length} bytes: the HTLC fails, nobody stops`, () => {
        const line = new AttackLine(format);
        const { net, alice, bob, carol } = line;
        const { paymentHash } = line.pay(amount, preimage);
        net.settle();
        carol.manager.failHtlcBackwards(paymentHash);
        net.settle((from, { type }) => from === carol && type === "update_fail_htlc");
        const item = present(carol.outbox[0], "a message");
        assert.ok(item.message.type === "update_fail_htlc");
        const message = { ...item.message, reason: new Uint8Array(length).fill(9), tlvs: {} };
        carol.outbox[0] = { ...item, message };
        assert.doesNotThrow(() => net.settle());
        assert.equal(alice.eventsOf("payment-failed").length, 1);
        assert.equal(alice.manager.listUsableChannels().length, 1);
        assert.equal(bob.manager.listUsableChannels().length, 2);
        assert.deepEqual(
          bob.log.filter(({ level }) => level === "error").map(({ text }) => text),
          [],
        );
      });
    }
  });

  describe(`gifts to our own script, ${format}`, () => {
    it("carol's claim of an HTLC pays Bob's script beside hers: it is handed over once, and the books stay right", () => {
      const line = new AttackLine(format);
      const { net, alice, bob, carol, bc } = line;
      line.pay(amount, preimage);
      net.settle();
      net.disconnect(bob, carol);
      line.mine(1, [cheatOf(carol, bc).commitment()]);
      const [htlc] = htlcOutputs(bob, bc);
      const script = bob.keys.destinationScript(new Uint8Array(32));
      const claim = showing(present(htlc, "an HTLC"), preimage);
      const gift = { value: 1n as (typeof claim.outputs)[number]["value"], script };
      line.mine(1, [{ ...claim, outputs: [gift, gift, { ...gift, value: 0n as typeof gift.value }] }]);
      line.mine(20);
      net.disconnect(alice, bob);
      bob.restart();
      net.connect(alice, bob);
      line.mine(20);
      assert.equal(alice.eventsOf("payment-sent").length, 1);
      const outputs = bob.eventsOf("spendable-outputs").flatMap((event) => event.outputs);
      const handed = outputs.map(({ outPoint: { txid, index } }) => `${txid}:${index}`);
      assert.equal(new Set(handed).size, handed.length, "an output is handed over twice");
      const balance = outputs.filter(({ kind }) => kind === "static-payment-output");
      const gifts = outputs.filter(({ kind }) => kind === "static-output");
      assert.equal(balance.length, 1);
      assert.deepEqual(
        gifts.map(({ output }) => output.value),
        [1n],
      );
      bob.archive();
      assert.equal(bob.manager.listUsableChannels().length, 1);
    });
  });
}

/** Alice pays Carol by a hash whose preimage neither of them knows. */
function payByHash(
  { net, alice, carol }: AttackLine,
  route: Parameters<AttackLine["net"]["pay"]>[2],
  paymentHash: PaymentHash,
): ReturnType<AttackLine["net"]["pay"]> {
  const create = carol.manager.createBolt11Invoice.bind(carol.manager);
  carol.manager.createBolt11Invoice = (request) => create({ ...request, paymentHash });
  try {
    return net.pay(alice, amount, route);
  } finally {
    carol.manager.createBolt11Invoice = create;
  }
}
