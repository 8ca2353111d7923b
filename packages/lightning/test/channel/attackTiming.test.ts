import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openPairs, refusalIn, startHeight } from "./pair.ts";

const openPair = openPairs({ push: 300_000_000n });

describe("a peer that withholds its revocation", () => {
  it("does not get an HTLC signed that has meanwhile expired", () => {
    const pair = openPair();
    const { alice } = pair;
    const first = pair.add(alice, 10_000_000n);
    pair.command(alice, { kind: "sign" });
    pair.deliver(alice, "update_add_htlc");
    pair.deliver(alice, "commitment_signed");
    // Bob's `revoke_and_ack` stays with him. What Alice offers now she cannot sign.
    const second = pair.add(alice, 20_000_000n, { cltvExpiry: startHeight + 40 });
    pair.deliver(alice, "update_add_htlc");
    pair.mine(30);
    assert.equal(alice.actionsOf("disconnect").length, 0);
    pair.mine(10);
    assert.ok(
      alice.actionsOf("disconnect").length > 0,
      "the offer can only be taken back by a disconnection",
    );
    pair.exchange();
    assert.equal(
      alice.channel.commitments.htlcs.find(({ id }) => id === second.id)?.state,
      "sent-add-htlc",
      "the late HTLC is not signed",
    );
    assert.equal(alice.state.kind, "normal");
    pair.disconnect();
    assert.deepEqual(
      alice.actionsOf("htlc-dropped").map(({ amount }) => amount),
      [20_000_000n],
    );
    pair.reconnect();
    pair.exchange();
    pair.fulfill(first);
    pair.exchange();
    assert.equal(alice.channel.commitments.htlcs.length, 0);
  });

  it("does not get an HTLC offered that waited for the signer until it expired", () => {
    const pair = openPair();
    const { alice } = pair;
    alice.slowSigner = true;
    pair.add(alice, 10_000_000n);
    pair.command(alice, { kind: "sign" });
    pair.add(alice, 20_000_000n, { cltvExpiry: startHeight + 40 });
    pair.mine(60);
    alice.slowSigner = false;
    pair.answer(alice);
    assert.equal(alice.channel.commitments.htlcs.length, 1);
  });
});

describe("an HTLC that waited for the signer", () => {
  it("goes back to its source when the channel cannot take it any more", () => {
    const pair = openPair();
    const { alice } = pair;
    alice.slowSigner = true;
    pair.add(alice, 10_000_000n);
    pair.command(alice, { kind: "sign" });
    pair.add(alice, 20_000_000n);
    alice.slowSigner = false;
    pair.disconnect();
    assert.deepEqual(
      alice.actionsOf("htlc-dropped").map(({ amount }) => amount),
      [10_000_000n, 20_000_000n],
    );
  });

  it("does not have its refusal taken for that of the command that let it go", () => {
    const pair = openPair();
    const { alice } = pair;
    alice.slowSigner = true;
    pair.add(alice, 10_000_000n);
    pair.command(alice, { kind: "sign" });
    pair.add(alice, 20_000_000n);
    const actions = pair.command(alice, { kind: "force-close", message: "enough" });
    assert.equal(refusalIn(actions), undefined);
    assert.equal(alice.state.kind, "closing");
    assert.equal(alice.actionsOf("htlc-dropped").length, 2);
    assert.deepEqual(alice.events("channel-closed")[0]?.reason, {
      kind: "holder-force-closed",
      broadcastedLatestTxn: true,
      message: "enough",
    });
  });
});

describe("a force-close", () => {
  it("is not held up by what the user says, be it half of a character", () => {
    for (const message of [`${"x".repeat(499)}\u{1f600}`, "\ud83d", "\ude00 \u0000\u202e"]) {
      const pair = openPair();
      pair.command(pair.alice, { kind: "force-close", message });
      assert.equal(pair.alice.state.kind, "closing");
      assert.equal(pair.alice.outbox.at(-1)?.type, "error");
    }
  });
});
