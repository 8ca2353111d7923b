import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { present } from "#src/util/invariant";
import { formats, Pair } from "./pair.ts";

for (const format of formats) {
  describe(`resolve-htlc, ${format}`, () => {
    test("a preimage replaces a failure that has not left", () => {
      const pair = new Pair({ format }).open();
      const { alice, bob } = pair;
      const added = pair.add(alice, 50_000_000n);
      pair.exchange();
      pair.feed(bob, { kind: "disconnected" });
      pair.fail(added);
      pair.fulfill(added);
      const disposition = present(bob.channel.incoming[0], "the HTLC").disposition;
      assert.ok(disposition.kind === "resolved" && disposition.resolution.kind === "fulfill");
    });

    test("a failure that the peer was told of stays, and the preimage goes to the monitor", () => {
      const pair = new Pair({ format }).open();
      const { alice, bob } = pair;
      const added = pair.add(alice, 50_000_000n);
      pair.exchange();
      pair.fail(added);
      const before = bob.channel.lastUpdateId;
      pair.fulfill(added);
      const disposition = present(bob.channel.incoming[0], "the HTLC").disposition;
      assert.ok(disposition.kind === "resolved" && disposition.resolution.kind === "fail");
      assert.equal(bob.channel.lastUpdateId, before + 1);
      pair.exchange();
      assert.equal(bob.balance, 0n);
      assert.equal(bob.channel.commitments.htlcs.length, 0);
    });

    test("the same resolution twice changes nothing", () => {
      const pair = new Pair({ format }).open();
      const { alice, bob } = pair;
      const added = pair.add(alice, 50_000_000n);
      pair.exchange();
      pair.fulfill(added);
      const { lastUpdateId } = bob.channel;
      pair.fulfill(added);
      assert.equal(bob.channel.lastUpdateId, lastUpdateId);
      pair.exchange();
      assert.equal(bob.balance, 50_000_000n);
    });
  });
}
