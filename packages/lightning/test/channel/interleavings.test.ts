import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isSettled } from "#src/commitment/dance";
import { feeratePerKw } from "#src/util/units";
import { formats, openPairs, type Pair, type Side } from "./pair.ts";

/** What may happen next, whatever has happened so far. */
const moves = [
  "alice-adds",
  "bob-adds",
  "alice-adds-dust",
  "alice-signs",
  "bob-signs",
  "alice-delivered",
  "bob-delivered",
  "alice-fulfils",
  "bob-fulfils",
  "alice-fails",
  "bob-fails",
  "fee",
  "reconnect",
] as const;
type Move = (typeof moves)[number];

/** The oracle: what each side must have in the end, kept apart from the channels. */
class Ledger {
  readonly received = { alice: 0n, bob: 0n };
}

function play(pair: Pair, ledger: Ledger, move: Move): void {
  const { alice, bob } = pair;
  switch (move) {
    case "alice-adds":
      tryAdd(pair, alice, 30_000_000n);
      return;
    case "bob-adds":
      tryAdd(pair, bob, 20_000_000n);
      return;
    case "alice-adds-dust":
      tryAdd(pair, alice, 200_000n);
      return;
    case "alice-signs":
      pair.command(alice, { kind: "sign" });
      return;
    case "bob-signs":
      pair.command(bob, { kind: "sign" });
      return;
    case "alice-delivered":
      if (alice.outbox.length > 0) pair.deliver(alice);
      return;
    case "bob-delivered":
      if (bob.outbox.length > 0) pair.deliver(bob);
      return;
    case "alice-fulfils":
      resolveOne(pair, alice, ledger);
      return;
    case "bob-fulfils":
      resolveOne(pair, bob, ledger);
      return;
    case "alice-fails":
      resolveOne(pair, alice, undefined);
      return;
    case "bob-fails":
      resolveOne(pair, bob, undefined);
      return;
    case "fee":
      pair.command(alice, { kind: "update-fee", feerate: feeratePerKw(1_000 + pair.delivered.length * 10) });
      return;
    case "reconnect":
      pair.disconnect();
      pair.reconnect();
  }
}

function tryAdd(pair: Pair, side: Side, amount: bigint): void {
  try {
    pair.add(side, amount);
  } catch (error) {
    // Some orders leave no room for another HTLC, or no connection: the refusal is the right answer then.
    assert.match(String(error), /refused: /);
  }
}

/** Resolves the first HTLC of `side` that nobody has decided; fulfilled, it counts in the ledger. */
function resolveOne(pair: Pair, side: Side, ledger: Ledger | undefined): void {
  const { incoming, commitments } = side.channel;
  for (const { id, disposition } of incoming) {
    const row = commitments.htlcs.find((htlc) => htlc.id === id && htlc.direction === "incoming");
    if (disposition.kind === "resolved" || row?.state !== "received-add-ack-revocation") continue;
    const preimage = pair.preimages.get(row.paymentHash);
    assert.ok(preimage);
    if (ledger === undefined) {
      pair.resolve(side, id, { kind: "fail", reason: new Uint8Array(32) });
    } else {
      ledger.received[side.name] += row.amount;
      pair.resolve(side, id, { kind: "fulfill", preimage });
    }
    return;
  }
}

describe("any order of events", () => {
  for (const format of formats) {
    const openPair = openPairs({ format, push: 400_000_000n, undriven: true });
    test(`ends in step, with every payment counted once, ${format}`, () => {
      const order = fc.array(fc.constantFrom(...moves), { minLength: 20, maxLength: 60, size: "max" });
      const property = fc.property(order, (events) => {
        const pair = openPair();
        const { alice, bob } = pair;
        const ledger = new Ledger();
        for (const move of events) play(pair, ledger, move);
        pair.exchange();
        for (const side of [alice, bob]) {
          for (let left = side.channel.incoming.length; left > 0; left--) resolveOne(pair, side, ledger);
        }
        pair.exchange();
        for (const side of [alice, bob]) {
          assert.equal(side.state.kind, "normal", side.name);
          assert.ok(isSettled(side.channel.commitments), `${side.name} has something in flight`);
        }
        assert.equal(alice.balance, 600_000_000n + ledger.received.alice - ledger.received.bob);
        assert.equal(bob.balance, 400_000_000n + ledger.received.bob - ledger.received.alice);
      });
      fc.assert(property, { seed: 2_020, numRuns: 8 });
    });
  }
});
