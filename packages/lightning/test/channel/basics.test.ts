import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formats, Pair } from "./pair.ts";

for (const format of formats) {
  describe(`channel, ${format}`, () => {
    test("open, pay both ways, fulfil, fail and close", () => {
      const pair = new Pair({ format }).open();
      const { alice, bob } = pair;
      assert.equal(alice.state.kind, "normal");
      assert.equal(bob.state.kind, "normal");
      const first = pair.add(alice, 100_000_000n);
      pair.exchange();
      pair.fulfill(first);
      pair.exchange();
      assert.equal(bob.balance, 100_000_000n);
      const back = pair.add(bob, 20_000_000n);
      const failed = pair.add(alice, 5_000_000n);
      pair.exchange();
      pair.fulfill(back);
      pair.fail(failed);
      pair.exchange();
      assert.equal(bob.balance, 80_000_000n);
      assert.equal(alice.channel.commitments.htlcs.length, 0);
      pair.shutdown(alice);
      pair.exchange();
      assert.equal(alice.state.kind, "closing");
      assert.equal(bob.state.kind, "closing");
      const closings = [alice, bob].flatMap((side) => side.actionsOf("broadcast").at(-1)?.transactions ?? []);
      assert.deepEqual(closings[0], closings[1]);
    });
  });
}
