import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isSettled } from "#src/commitment/dance";
import type { FormatName } from "#src/commitment/params";
import { feeratePerKw } from "#src/util/units";
import { Pair, type Side } from "./pair.ts";

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

/** A channel in which HTLCs come and go in both directions and the fee changes, all at once. */
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
  const funding = (side: Side) => side.channel.commitments.fundings[0];
  for (const [one, two] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    assert.equal(one.channel.commitments.localNumber, two.channel.commitments.remoteNumber);
    assert.equal(funding(one)?.local.txid, funding(two)?.remoteTxid);
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
