import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { present, shortChannelId } from "@fulmen/lightning/util";
import { PendingChecks, pendingLookupsToPause } from "#src/gossip/graph/pendingChecks";
import { announcement, testNodes } from "../signedGossip.ts";

const [alice, bob, carol] = testNodes(3);
const signed = announcement(present(alice, "alice"), present(bob, "bob"), 1);

function at(height: number) {
  return { ...signed, shortChannelId: shortChannelId({ height, txIndex: 0, outputIndex: 0 }) };
}

describe("PendingChecks", () => {
  test("takes 128 lookups, of four announcements each, and no more", () => {
    const checks = new PendingChecks();
    for (let i = 0; i < 128; i++) {
      const message = at(i);
      for (let j = 0; j < 4; j++) {
        assert.equal(checks.hasRoomFor(message.shortChannelId), true);
        checks.add({ message }, 0);
      }
      assert.equal(checks.hasRoomFor(message.shortChannelId), false);
    }
    assert.equal(checks.hasRoomFor(at(128).shortChannelId), false);
    assert.equal(checks.count, 128);
    assert.ok(checks.count > pendingLookupsToPause);
    assert.equal(checks.take(at(5).shortChannelId).length, 4);
    assert.equal(checks.take(at(5).shortChannelId).length, 0);
    assert.equal(checks.hasRoomFor(at(128).shortChannelId), true);
  });

  test("knows whose announcements wait, and of which nodes", () => {
    const checks = new PendingChecks();
    const source = present(carol, "carol").id;
    checks.add({ message: at(1), source }, 0);
    checks.add({ message: at(2) }, 0);
    assert.equal(checks.hasFrom(source), true);
    assert.equal(checks.hasFrom(signed.nodeId1), false);
    assert.equal(checks.candidatesWithNode(signed.nodeId2).length, 2);
    assert.equal(checks.candidatesWithNode(source).length, 0);
  });

  test("drops a lookup that is not answered for a minute", () => {
    const checks = new PendingChecks();
    checks.add({ message: at(1) }, 100);
    checks.add({ message: at(2) }, 101);
    checks.expire(159);
    assert.equal(checks.count, 2);
    checks.expire(160);
    assert.equal(checks.has(at(1).shortChannelId), false);
    assert.equal(checks.has(at(2).shortChannelId), true);
  });
});
