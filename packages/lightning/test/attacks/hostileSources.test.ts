import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { formatNames } from "#src/commitment/formats/formatOf";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { hashes, monitoredPair, settle } from "../onchain/monitoredPair.ts";
import { AttackLine, cheatOf, showing } from "./attackLine.ts";
import { cheatNow, header, Victim } from "./victim.ts";

// What monitors rest on may lie, stall or break: a chain source, a signer, somebody's transactions.

const amount = msat(20_000_000n);
const [hash = assert.fail()] = hashes;

for (const format of formatNames) {
  describe(`a chain source that lies about the height, ${format}`, () => {
    it("does not make claims that no block will take for years", () => {
      const [a, b] = monitoredPair(format);
      for (let i = 0; i < 3; i++) a.add(amount, hash, 500);
      settle(a, b);
      const cheat = cheatNow(b);
      b.fulfill(present(b.removable()[0], "an HTLC"));
      settle(a, b);
      const victim = new Victim(a);
      victim.block(101, [cheat.commitment()]);
      victim.chainMonitor.bestBlockUpdated(header(10_000_000), 10_000_000);
      victim.chainMonitor.bestBlockUpdated(header(102), 102);
      const claims = [...victim.block(103)];
      assert.ok(claims.length > 0);
      for (const { locktime } of claims) assert.ok(locktime <= 103, `lock time ${locktime}`);
    });
  });

  describe(`a signer that breaks for one channel, ${format}`, () => {
    it("leaves the others defended in the same block, and is asked again with the next", () => {
      const line = new AttackLine(format);
      const { net, bob, alice, carol, ab, bc } = line;
      const cheats = [cheatOf(alice, ab), cheatOf(carol, bc)];
      line.pay(amount, new Uint8Array(32).fill(9));
      net.settle();
      net.disconnect(alice, bob);
      net.disconnect(bob, carol);
      const [first, second] = cheats.map((one) => one.commitment());
      assert.ok(first !== undefined && second !== undefined);
      const broken = bob.monitor.monitor(ab)?.setup.channelKeysId;
      const derive = bob.keys.deriveChannelSigner.bind(bob.keys);
      bob.keys.deriveChannelSigner = (keysId) => {
        if (keysId.every((byte, i) => byte === broken?.[i])) throw new Error("the signer is out of reach");
        return derive(keysId);
      };
      bob.broadcasts.length = 0;
      line.mine(1, [first, second]);
      assert.equal(spenders(bob.broadcasts, first), 0);
      assert.ok(spenders(bob.broadcasts, second) > 0, "the other cheat is punished");
      assert.ok(bob.log.some(({ level, text }) => level === "error" && text.includes("out of reach")));
      bob.keys.deriveChannelSigner = derive;
      line.mine(1);
      assert.ok(spenders(bob.broadcasts, first) > 0, "and the first one a block later");
    });
  });
}

function spenders(transactions: readonly Transaction[], parent: Transaction): number {
  const id = txid(parent);
  return transactions.filter(({ inputs }) => inputs.some(({ outPoint }) => outPoint.txid === id)).length;
}

describe("a transaction with a hundred thousand witness items", () => {
  it("in a mempool shows its preimage among them, and no more", () => {
    const line = new AttackLine("anchors-zero-fee-htlc");
    const preimage = new Uint8Array(32).fill(9);
    line.pay(amount, preimage);
    line.net.settle();
    const many = Array.from({ length: 100_000 }, (_, i) => {
      const item = new Uint8Array(32);
      new DataView(item.buffer).setUint32(0, i);
      return item;
    });
    const shown = showing({ outPoint: { txid: txid(unrelated), index: 0 } }, preimage);
    const inputs = shown.inputs.map((input) => ({ ...input, witness: [...many, preimage, ...many] }));
    line.bob.manager.transactionSeen({ ...shown, inputs });
    line.net.settle();
    assert.equal(line.alice.eventsOf("payment-sent").length, 1);
    assert.equal(line.bob.eventsOf("payment-forwarded").length, 1);
  });
});

const unrelated: Transaction = { version: 2, inputs: [], outputs: [], locktime: 0 };
