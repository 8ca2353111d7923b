import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Bytes32 } from "#src/util/bytes";
import { bytes32, formats, openPairs, type Pair, refusalIn } from "./pair.ts";

for (const format of formats) {
  const openPair = openPairs({ format, push: 300_000_000n });

  /** Delivers and signs until both are silent, answering for slow signers whenever nothing else is left to do. */
  const exchangeSlowly = (pair: Pair): void => {
    for (let turns = 0; turns < 200; turns++) {
      if (pair.exchange() > 0) continue;
      const waiting = [pair.alice, pair.bob].find(({ state }) => state.kind === "awaiting-signer");
      if (waiting === undefined) return;
      pair.answer(waiting);
    }
    assert.fail("no end");
  };

  describe(`a signer that answers later, ${format}`, () => {
    for (const slow of [["alice"], ["bob"], ["alice", "bob"]] as const) {
      test(`${slow.join(" and ")}: payments both ways and the close end as with a fast one`, () => {
        const pair = openPair();
        for (const name of slow) pair[name].slowSigner = true;
        const htlcs = [pair.add(pair.alice, 50_000_000n), pair.add(pair.bob, 40_000_000n)];
        exchangeSlowly(pair);
        for (const htlc of htlcs) pair.fulfill(htlc);
        exchangeSlowly(pair);
        assert.equal(pair.bob.balance, 310_000_000n);
        pair.shutdown(pair.alice);
        exchangeSlowly(pair);
        assert.equal(pair.alice.state.kind, "closing");
        assert.equal(pair.bob.state.kind, "closing");
      });
    }

    test("nothing that depends on the answer leaves before it", () => {
      const pair = openPair();
      const { alice, bob } = pair;
      bob.slowSigner = true;
      pair.add(alice, 50_000_000n);
      pair.sign();
      pair.deliver(alice, "update_add_htlc");
      pair.deliver(alice, "commitment_signed");
      assert.equal(bob.state.kind, "awaiting-signer");
      assert.equal(bob.outbox.length, 0);
      assert.equal(bob.channel.commitments.localNumber, 0);
      pair.answer(bob);
      assert.equal(bob.outbox[0]?.type, "revoke_and_ack");
      assert.equal(bob.channel.commitments.localNumber, 1);
    });

    test("a disconnection while it is asked: the peer sends again, and all goes on", () => {
      const pair = openPair();
      const { alice, bob } = pair;
      bob.slowSigner = true;
      pair.add(alice, 50_000_000n);
      pair.sign();
      pair.deliver(alice);
      pair.deliver(alice);
      pair.disconnect();
      assert.equal(bob.state.kind, "offline");
      bob.slowSigner = false;
      pair.reconnect();
      pair.exchange();
      assert.equal(bob.channel.incoming.length, 1);
      assert.equal(bob.state.kind, "normal");
    });

    test("a disconnection while the revocation is signed again", () => {
      const pair = openPair();
      const { alice, bob } = pair;
      const htlc = pair.add(alice, 50_000_000n);
      pair.sign();
      pair.deliver(alice);
      pair.deliver(alice);
      pair.disconnect();
      bob.slowSigner = true;
      pair.reconnect();
      pair.deliver(alice, "channel_reestablish");
      pair.deliver(bob, "channel_reestablish");
      assert.equal(bob.state.kind, "awaiting-signer");
      pair.disconnect();
      bob.slowSigner = false;
      pair.reconnect();
      pair.exchange();
      pair.fulfill(htlc);
      pair.exchange();
      assert.equal(bob.balance, 350_000_000n);
    });

    test("it refuses: the channel stays where it was, disconnects, and asks again on the next connection", () => {
      const pair = openPair();
      const { alice, bob } = pair;
      bob.slowSigner = true;
      const htlc = pair.add(alice, 50_000_000n);
      pair.sign();
      pair.deliver(alice);
      pair.deliver(alice);
      const actions = pair.feed(bob, { kind: "signed", answer: { kind: "refused", reason: "not today" } });
      assert.ok(actions.some(({ kind }) => kind === "disconnect"));
      assert.equal(bob.outbox.length, 0);
      assert.equal(bob.state.kind, "normal");
      bob.slowSigner = false;
      pair.disconnect();
      pair.reconnect();
      pair.exchange();
      pair.fulfill(htlc);
      pair.exchange();
      assert.equal(bob.balance, 350_000_000n);
    });

    test("a resolution is stored at once, and told when the signer has answered", () => {
      const pair = openPair();
      const { alice, bob } = pair;
      const first = pair.add(alice, 50_000_000n);
      pair.exchange();
      bob.slowSigner = true;
      pair.add(alice, 10_000_000n);
      pair.sign();
      pair.deliver(alice);
      pair.deliver(alice);
      const actions = pair.fulfill(first);
      assert.deepEqual(
        actions.map(({ kind }) => kind),
        ["persist", "watch-update"],
      );
      assert.equal(bob.outbox.length, 0);
      pair.answer(bob);
      assert.deepEqual(
        bob.outbox.map(({ type }) => type),
        ["revoke_and_ack", "update_fulfill_htlc"],
      );
    });

    test("cmd force-close goes before the answer", () => {
      const pair = openPair();
      const { alice } = pair;
      alice.slowSigner = true;
      pair.add(alice, 50_000_000n);
      pair.command(alice, { kind: "sign" });
      assert.equal(alice.state.kind, "awaiting-signer");
      pair.command(alice, { kind: "force-close", message: "enough" });
      assert.equal(alice.state.kind, "closing");
      assert.equal(alice.actionsOf("htlc-dropped").length, 1);
    });

    test("an answer that nobody waits for changes nothing", () => {
      const pair = openPair();
      const { state } = pair.alice;
      pair.feed(pair.alice, {
        kind: "signed",
        answer: {
          kind: "revocation",
          secret: bytes32(1) as Bytes32,
          point: pair.alice.localKeys.fundingKey,
        },
      });
      assert.equal(pair.alice.state, state);
      assert.equal(refusalIn(pair.alice.actions), undefined);
    });
  });
}
