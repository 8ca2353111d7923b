import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { feeLimits } from "#src/channel/ops/limits";
import { availableToSend } from "#src/commitment/balances";
import { isSettled } from "#src/commitment/dance";
import type { FormatName } from "#src/commitment/params";
import { specOf } from "#src/commitment/spec";
import type { Bytes32 } from "#src/util/bytes";
import { commitmentNumber } from "#src/util/ids";
import { feeratePerKw } from "#src/util/units";
import { bytes32, complaintIn, formats, openPairs, Pair, refusalIn, type Side } from "./pair.ts";

/** Resolves whatever is irrevocably added and not resolved yet: Bob fulfils, Alice fails. */
function resolveAll(pair: Pair): void {
  for (const side of [pair.alice, pair.bob]) {
    for (const { id, disposition } of side.channel.incoming) {
      if (disposition.kind === "resolved") continue;
      const row = side.channel.commitments.htlcs.find(
        (htlc) => htlc.id === id && htlc.direction === "incoming",
      );
      if (row?.state !== "received-add-ack-revocation") continue;
      const preimage = pair.preimages.get(row.paymentHash);
      assert.ok(preimage);
      if (side === pair.bob) pair.resolve(side, id, { kind: "fulfill", preimage });
      else pair.resolve(side, id, { kind: "fail", reason: new Uint8Array(32) });
    }
  }
}

/** A channel in which HTLCs come and go in both directions and the fee, if there is one, changes, all at once. */
function busyPair(format: FormatName): Pair {
  const pair = new Pair({ format, push: 400_000_000n, undriven: true }).open();
  const { alice, bob } = pair;
  for (const side of [alice, bob]) pair.add(side, 60_000_000n);
  pair.exchange();
  resolveAll(pair);
  pair.add(alice, 5_000_000n);
  pair.add(bob, 7_000_000n);
  pair.command(alice, { kind: "update-fee", feerate: feeratePerKw(1_500) });
  pair.sign();
  return pair;
}

function finish(pair: Pair): void {
  pair.exchange();
  resolveAll(pair);
  pair.exchange();
}

function assertInStep(pair: Pair): void {
  const { alice, bob } = pair;
  for (const side of [alice, bob]) {
    assert.equal(side.state.kind, "normal", side.name);
    assert.ok(isSettled(side.channel.commitments), `${side.name} has something in flight`);
    assert.equal(side.channel.incoming.length + side.channel.outgoing.length, 0);
  }
  assert.equal(alice.balance + bob.balance, pair.funding * 1000n);
  const specs = ({ channel }: Side, of: "local" | "remote") => {
    const { commitments } = channel;
    const number = of === "local" ? commitments.localNumber : commitments.remoteNumber;
    return commitments.fundings.map((funding) => specOf(commitments, funding, of, number));
  };
  for (const [one, two] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    assert.equal(one.channel.commitments.localNumber, two.channel.commitments.remoteNumber);
    const theirs = specs(two, "remote").map(({ toLocal, toRemote, ...spec }) => ({
      ...spec,
      toLocal: toRemote,
      toRemote: toLocal,
    }));
    assert.deepEqual(specs(one, "local"), theirs);
  }
}

/** Both orders in which two sides' messages may cross. */
function eachCut(pair: Pair, first: "alice" | "bob", visit: (cut: Pair) => void): number {
  let cuts = 0;
  for (;;) {
    visit(pair.fork());
    cuts++;
    if (pair.exchange({ most: 1, first }) === 0) return cuts;
  }
}

for (const [format, first] of [
  ["static-remotekey", "alice"],
  ["anchors-zero-fee-htlc", "bob"],
  ["zero-fee-commitments", "alice"],
] as const) {
  describe(`reconnection, ${format}`, () => {
    test(`after every message of a busy dance, both are in step again (${first} is delivered first)`, () => {
      const cuts = eachCut(busyPair(format), first, (pair) => {
        pair.disconnect();
        pair.reconnect();
        finish(pair);
        assertInStep(pair);
      });
      assert.ok(cuts > 8, `${cuts} cuts`);
    });
  });
}

for (const format of formats) {
  test(`${format}: an HTLC paid for by one that was fulfilled before it follows that one again`, () => {
    const pair = new Pair({ format, push: 300_000_000n }).open();
    const { alice, bob } = pair;
    const earned = pair.add(bob, 60_000_000n);
    pair.exchange();
    pair.fulfill(earned);
    // More than Alice has without what she earned.
    pair.add(alice, 730_000_000n);
    pair.sign();
    pair.disconnect();
    pair.reconnect();
    pair.exchange();
    resolveAll(pair);
    pair.exchange();
    assertInStep(pair);
  });
}

describe("recv channel_reestablish", () => {
  const openPair = openPairs({ push: 300_000_000n });

  /** Both have been through a dance and are syncing; Alice's message, which Bob has not got. */
  function syncing() {
    const pair = openPair();
    pair.add(pair.alice, 50_000_000n);
    pair.exchange();
    pair.disconnect();
    pair.reconnect();
    const message = pair.alice.outbox.shift();
    assert.ok(message?.type === "channel_reestablish");
    return { pair, message };
  }

  const secretOf = (number: number) => {
    const answer = openPair().bob.signer.sign({
      kind: "revocation",
      number: commitmentNumber(number),
      pointNumber: commitmentNumber(number),
      next: [],
    });
    assert.ok(answer?.kind === "revocation");
    return answer.secret as Bytes32;
  };

  test("in step", () => {
    const { pair, message } = syncing();
    pair.receive(pair.bob, message);
    assert.equal(pair.bob.state.kind, "normal");
  });

  test("next_commitment_number of zero", () => {
    const { pair, message } = syncing();
    const actions = pair.receive(pair.bob, { ...message, nextCommitmentNumber: 0n });
    assert.equal(complaintIn(actions), "error invalid-commitment-number");
    assert.equal(pair.bob.state.kind, "closing");
  });

  test("next_commitment_number that was never signed", () => {
    const { pair, message } = syncing();
    const actions = pair.receive(pair.bob, { ...message, nextCommitmentNumber: 5n });
    assert.equal(complaintIn(actions), "error commitment-number-ahead");
  });

  test("a last secret that is not ours", () => {
    const { pair, message } = syncing();
    const actions = pair.receive(pair.bob, {
      ...message,
      yourLastPerCommitmentSecret: bytes32(7) as Bytes32,
    });
    assert.equal(complaintIn(actions), "error wrong-last-secret");
  });

  test("a revocation claimed that was never sent, without proof", () => {
    const { pair, message } = syncing();
    const actions = pair.receive(pair.bob, {
      ...message,
      nextRevocationNumber: message.nextRevocationNumber + 1n,
    });
    assert.equal(complaintIn(actions), "error wrong-last-secret");
  });

  test("proof that our state is old: we ask the peer to close, and never broadcast", () => {
    const { pair, message } = syncing();
    const { bob } = pair;
    const nextRevocationNumber = message.nextRevocationNumber + 1n;
    const yourLastPerCommitmentSecret = secretOf(Number(nextRevocationNumber) - 1);
    pair.receive(bob, { ...message, nextRevocationNumber, yourLastPerCommitmentSecret });
    assert.equal(bob.state.kind, "wait-for-remote-close");
    assert.equal(bob.outbox.at(-1)?.type, "error");
    assert.equal(refusalIn(pair.command(bob, { kind: "force-close", message: "please" })), "state-is-old");
    const steps = bob.actionsOf("watch-update").flatMap(({ update }) => update.steps);
    assert.deepEqual(
      steps.filter(({ kind }) => kind === "channel-force-closed"),
      [{ kind: "channel-force-closed", broadcast: false }],
    );
    assert.equal(bob.actionsOf("broadcast").length, 0);
    pair.feed(bob, { kind: "funding-spent", by: "commitment" });
    assert.equal(bob.events("channel-closed")[0]?.reason.kind, "lost-channel-state");
  });

  test("a peer that is far behind is warned, and nothing closes", () => {
    const pair = openPair();
    for (let i = 0; i < 2; i++) {
      pair.add(pair.alice, 10_000_000n);
      pair.exchange();
    }
    pair.disconnect();
    pair.reconnect();
    const message = pair.alice.outbox.shift();
    assert.ok(message?.type === "channel_reestablish");
    const actions = pair.receive(pair.bob, {
      ...message,
      nextCommitmentNumber: 1n,
      nextRevocationNumber: 0n,
      yourLastPerCommitmentSecret: new Uint8Array(32) as Bytes32,
    });
    assert.equal(complaintIn(actions), "warning peer-is-behind");
    assert.equal(pair.bob.state.kind, "syncing");
  });
});

describe("an HTLC sent again after a revocation that it had come before", () => {
  for (const format of formats) {
    test(`is taken once more when HTLCs of the other side have crossed it, ${format}`, () => {
      const pair = new Pair({ format, push: 980_000_000n }).open();
      const { alice, bob } = pair;
      for (let i = 0; i < 3; i++) pair.add(bob, 20_000_000n);
      pair.command(bob, { kind: "sign" });
      // All that Alice, who pays the fee, can send: she does not know of Bob's yet.
      pair.add(alice, availableToSend(alice.channel.commitments, feeLimits(alice.ctx, alice.channel)).max);
      while (bob.outbox.length > 0) pair.deliver(bob);
      pair.command(alice, { kind: "sign" });
      assert.deepEqual(
        alice.outbox.map(({ type }) => type),
        ["update_add_htlc", "revoke_and_ack", "commitment_signed"],
      );
      pair.disconnect();
      pair.reconnect();
      finish(pair);
      assertInStep(pair);
    });
  }
});
