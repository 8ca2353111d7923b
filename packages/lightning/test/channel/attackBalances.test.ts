import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { channelDetails } from "#src/manager/channelDetails";
import { openPairs, preimageOf } from "./pair.ts";

const openPair = openPairs({ push: 300_000_000n });

describe("a peer that offers what it is just being paid", () => {
  it("neither stops us from reckoning what we can send nor the channel", () => {
    const pair = openPair();
    const { alice, bob } = pair;
    const paid = pair.add(alice, 200_000_000n);
    pair.exchange();
    pair.fulfill(paid);
    pair.add(bob, 450_000_000n);
    pair.deliver(bob, "update_fulfill_htlc");
    pair.deliver(bob, "update_add_htlc");
    assert.equal(alice.state.kind, "normal");
    const details = channelDetails(alice.ctx, alice.state);
    assert.ok(details !== undefined);
    assert.doesNotThrow(() =>
      pair.command(alice, {
        kind: "add-htlc",
        htlc: {
          amount: details.nextOutboundHtlcLimit,
          paymentHash: "00".repeat(32) as never,
          cltvExpiry: 1_500,
          onion: new Uint8Array(1366),
          source: {
            kind: "local",
            paymentId: "00".repeat(32) as never,
            sessionKey: preimageOf(1),
            path: [],
            amount: details.nextOutboundHtlcLimit,
          },
        },
      }),
    );
    pair.exchange();
    assert.equal(alice.state.kind, "normal");
    assert.equal(bob.state.kind, "normal");
  });
});
