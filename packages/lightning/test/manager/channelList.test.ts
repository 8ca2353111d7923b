import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { present } from "#src/util/invariant";
import { ManagerNet } from "./managers.ts";

describe("the list of channels", () => {
  it("is made anew only where a channel, the chain or the feerates have changed", () => {
    const net = new ManagerNet();
    const [alice, bob] = [net.add(), net.add()];
    net.connect(alice, bob);
    net.open(alice, bob);
    const list = () => present(alice.manager.listChannels()[0], "the channel");
    const before = list();
    assert.equal(list(), before);
    net.mine(1);
    const mined = list();
    assert.equal(mined.confirmations, before.confirmations + 1);
    alice.feerate = 2_000;
    alice.manager.timerTickOccurred(0);
    const dearer = list();
    assert.ok(dearer.nextOutboundHtlcLimit < mined.nextOutboundHtlcLimit);
    net.disconnect(alice, bob);
    assert.deepEqual([list().isUsable, list().nextOutboundHtlcLimit], [false, 0n]);
  });
});
