import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManagerNet } from "./managers.ts";

describe("a channel that is not funded yet", () => {
  for (const [how, giveUp] of [
    ["force-closed", "forceCloseBroadcastingLatestTxn"],
    ["closed", "closeChannel"],
  ] as const) {
    it(`is forgotten on both sides when it is ${how}`, () => {
      const net = new ManagerNet();
      const [alice, bob] = [net.add(), net.add()];
      net.connect(alice, bob);
      const { temporary } = net.offer(alice, bob);
      if (giveUp === "closeChannel") alice.manager.closeChannel(temporary);
      else alice.manager.forceCloseBroadcastingLatestTxn(temporary, "no coins");
      net.settle();
      assert.equal(alice.manager.core.channels.get(temporary), undefined);
      assert.equal(bob.manager.core.channels.get(temporary), undefined);
      const closed = alice.events.filter(({ kind }) => kind === "channel-closed");
      assert.equal(closed.length, 1);
    });
  }
});
