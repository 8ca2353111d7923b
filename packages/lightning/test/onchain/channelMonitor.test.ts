import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { txid } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { formatNames } from "#src/commitment/formats/formatOf";
import { applyUpdate, type ChannelMonitor, locked, newMonitor } from "#src/onchain/channelMonitor";
import type { ChannelMonitorUpdate, UpdateRef } from "#src/onchain/channelMonitorUpdate";
import { planClaims } from "#src/onchain/claims";
import { transactionConfirmed } from "#src/onchain/confirmations";
import { identifyFundingSpend } from "#src/onchain/identify";
import { monitorActions } from "#src/onchain/monitorActions";
import { monitorEvents } from "#src/onchain/monitorEvents";
import { penaltyOutputs } from "#src/onchain/penalty";
import { holderCommitments, signedHolderCommitment } from "#src/onchain/validCommitments";
import { type BlockHash, blockHeight } from "#src/util/ids";
import { feeratePerKw, msat } from "#src/util/units";
import { channelId, hashes, type MonitoredParty, monitoredPair, settle } from "./monitoredPair.ts";

const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom(
    ...["add", "add", "add", "remove", "fee", "sign", "sign"],
    ...["receive", "receive", "receive", "receive", "settle"],
  ),
  amount: fc.oneof(fc.bigInt({ min: 1n, max: 3_000_000n }), fc.constantFrom(50_000_000n, 90_000_123n)),
  pick: fc.nat(1000),
  fulfill: fc.boolean(),
});

/** Applies what the monitor does not have yet; every update twice. */
function follow(monitor: ChannelMonitor, party: MonitoredParty): ChannelMonitor {
  let next = monitor;
  for (const update of party.updates.slice(monitor.latestUpdateId - 1)) {
    next = applied(next, update);
    assert.equal(applyUpdate(next, update).kind, "duplicate");
  }
  return next;
}

function applied(monitor: ChannelMonitor, update: ChannelMonitorUpdate): ChannelMonitor {
  const outcome = applyUpdate(monitor, update);
  assert.equal(outcome.kind, "applied");
  return outcome.kind === "applied" ? outcome.monitor : monitor;
}

function danceStep(
  [a, b]: readonly [MonitoredParty, MonitoredParty],
  { who, what, amount, pick, fulfill }: typeof step extends fc.Arbitrary<infer T> ? T : never,
): void {
  const party = who === 0 ? a : b;
  if (what === "add") {
    const hash = hashes[pick % hashes.length];
    assert.ok(hash !== undefined);
    // Twins by amount and hash: only their expiries tell the outputs apart.
    party.add(msat(amount), hash, 500 + (Math.floor(pick / hashes.length) % 3));
  } else if (what === "remove") {
    const removable = party.removable();
    const htlc = removable[pick % Math.max(1, removable.length)];
    if (htlc !== undefined) fulfill ? party.fulfill(htlc) : party.fail(htlc);
  } else if (what === "fee") {
    a.setFeerate(feeratePerKw(253n + (amount % 5000n)));
  } else if (what === "sign") {
    if (party.canSign()) party.sign();
  } else if (what === "receive") {
    party.receive();
  } else {
    settle(a, b);
  }
}

/** Every output of the peer's revoked commitments but our balance and anchors is taken, by scripts that execute. */
function punishesAll(monitor: ChannelMonitor, party: MonitoredParty, peer: MonitoredParty): number {
  const destination = party.keysManager.destinationScript(new Uint8Array(32));
  const feerates = { urgent: feeratePerKw(2000), relaxed: feeratePerKw(2000) };
  const height = blockHeight(200);
  let taken = 0;
  for (const [number, published] of peer.ownCommitments.entries()) {
    const { transaction } = published;
    const spender = identifyFundingSpend(monitor, transaction);
    const [oldest] = monitor.counterparty;
    assert.ok(oldest !== undefined);
    if (number >= oldest.number) {
      assert.equal(spender.kind, "counterparty-commitment");
      continue;
    }
    assert.ok(spender.kind === "revoked-commitment");
    assert.equal(spender.number, number);
    const revoked = { transaction, number: spender.number, secret: spender.secret };
    const outputs = penaltyOutputs(monitor, revoked);
    const expected = published.htlcs.map(({ outputIndex }) => outputIndex);
    if (published.toOwner) expected.push(published.toOwner.index);
    assert.deepEqual(
      outputs.map(({ index }) => index),
      expected.sort((x, y) => x - y),
    );
    for (const { index, htlc } of outputs) {
      const theirs = published.htlcs.find(({ outputIndex }) => outputIndex === index);
      assert.equal(htlc?.id, theirs?.id);
      assert.equal(htlc?.paymentHash, theirs?.paymentHash);
      if (htlc !== undefined) assert.notEqual(htlc.direction, theirs?.direction);
    }
    const at = { height, blockHash: "00".repeat(32) as BlockHash };
    const seen = transactionConfirmed(monitor, transaction, at, destination);
    const plan = planClaims(seen, { height, feerates });
    assert.equal(planClaims(plan.monitor, { height, feerates }).monitor, plan.monitor);
    for (const action of monitorActions(plan, { height, destination, signer: party.signer })) {
      assert.ok(action.kind === "broadcast");
      for (const penalty of action.transactions) {
        const prevouts = penalty.inputs.map(
          ({ outPoint }) => transaction.outputs[outPoint.index] ?? assert.fail("no such output"),
        );
        assert.deepEqual(verifyTransaction(penalty, prevouts), { ok: true });
        taken += prevouts.length;
      }
    }
  }
  return taken;
}

/** Our latest commitment comes out of the monitor as the channel has it, and spends the funding. */
function publishes(monitor: ChannelMonitor, party: MonitoredParty): void {
  const closing = locked(monitor, true, "deadline");
  const [ours] = holderCommitments(closing);
  const commitment = ours && signedHolderCommitment(closing, ours, party.signer);
  assert.ok(commitment !== undefined);
  assert.equal(txid(commitment), party.ownCommitments.at(-1)?.txid);
  const { script, capacity } = party.setup.funding;
  assert.deepEqual(verifyTransaction(commitment, [{ script, value: capacity }]), { ok: true });
}

for (const format of formatNames) {
  describe(`channel monitor, ${format}`, () => {
    it("defends a channel at every point of a random dance", () => {
      let punished = 0;
      let updates = 0;
      fc.assert(
        fc.property(fc.array(step, { minLength: 30, maxLength: 50 }), (steps) => {
          const pair = monitoredPair(format);
          const [a, b] = pair;
          let ofA = newMonitor(a.setup);
          let ofB = newMonitor(b.setup);
          for (const one of steps) {
            danceStep(pair, one);
            const before = [ofA, ofB];
            ofA = follow(ofA, a);
            ofB = follow(ofB, b);
            for (const [monitor, party] of [
              [ofA, a],
              [ofB, b],
            ] as const) {
              if (before.includes(monitor)) continue;
              updates++;
              const txids = holderCommitments(monitor).map(({ built }) => built.txid);
              assert.deepEqual(txids, [party.ownCommitments.at(-1)?.txid]);
            }
          }
          publishes(ofA, a);
          publishes(ofB, b);
          punished += punishesAll(ofA, a, b) + punishesAll(ofB, b, a);
          settle(a, b);
          ofA = follow(ofA, a);
          punished += punishesAll(ofA, a, b);
          assert.equal(ofA.counterparty.length, 1);
          assert.equal(ofA.rows.length, a.commitments.htlcs.length);
        }),
        { seed: 7, numRuns: 5, endOnFailure: true },
      );
      assert.ok(punished > 150 && updates > 40, `${punished} outputs punished, ${updates} updates`);
    });
  });
}

describe("monitor updates", () => {
  const after: readonly UpdateRef[] = [];
  const [a, b] = monitoredPair("static-remotekey");
  a.add(msat(50_000_000), hashes[0] ?? assert.fail("no hash"), 500);
  settle(a, b);
  const preimage = {
    kind: "payment-preimage",
    paymentHash: hashes[0] ?? assert.fail("no hash"),
    preimage: new Uint8Array(32).fill(1),
    parts: [],
  } as const;

  it("refuse a gap", () => {
    const [, second] = a.updates;
    assert.ok(second !== undefined);
    assert.deepEqual(applyUpdate(newMonitor(a.setup), second), { kind: "gap", expected: 2 });
  });

  it("are refused by a locked monitor, however often they come, and use up their ids", () => {
    const [first, ...others] = a.updates;
    const next = others.find(({ steps }) => steps[0]?.kind === "holder-commitment");
    assert.ok(first !== undefined && next !== undefined);
    const before = applied(newMonitor(a.setup), first);
    const lock = applied(before, {
      channelId,
      updateId: 3,
      steps: [{ kind: "channel-force-closed", broadcast: true }],
      after,
    });
    assert.deepEqual(lock.lock, { afterUpdateId: 3, broadcast: true, cause: "force-closed" });
    const late = { ...next, updateId: 4 };
    const once = applyUpdate(lock, late);
    assert.ok(once.kind === "refused");
    assert.deepEqual(once.monitor, { ...lock, latestUpdateId: 4 });
    const again = applyUpdate(once.monitor, late);
    assert.ok(again.kind === "refused");
    assert.equal(again.monitor, once.monitor);
    assert.equal(applyUpdate(once.monitor, first).kind, "duplicate");
  });

  it("revoke at any time: the peer's commitment is known to be revoked by a locked monitor, too", () => {
    const [first, second] = a.updates;
    assert.ok(first !== undefined && second?.steps[0]?.kind === "commitment-secret");
    const before = applied(newMonitor(a.setup), first);
    const after = applied(locked(before, true, "deadline"), second);
    assert.deepEqual(after.secrets, applied(before, second).secrets);
    assert.deepEqual(
      after.counterparty.map(({ number }) => number),
      [1],
    );
    assert.equal(applyUpdate(after, second).kind, "duplicate");
  });

  it("of a locked monitor leave the HTLCs that were to be offered, and those end with the channel", () => {
    const [first, ...others] = a.updates;
    assert.ok(first !== undefined);
    // The peer is to sign for the HTLC, and we for its commitment with it.
    const offers = [first, ...others].find(({ steps }) =>
      steps.some((step) => step.kind === "counterparty-commitment" && step.htlcs.entered.length > 0),
    );
    assert.ok(offers !== undefined);
    const lock = locked(newMonitor(a.setup), true, "force-closed");
    const outcome = applyUpdate(lock, { ...offers, updateId: 2 });
    assert.ok(outcome.kind === "refused");
    const { monitor } = outcome;
    assert.deepEqual(
      monitor.rows.map(({ htlc, local, remote }) => [htlc.amount, local, remote]),
      [[msat(50_000_000), {}, {}]],
    );
    const [commitment] = holderCommitments(monitor);
    assert.ok(commitment !== undefined);
    const confirmed = transactionConfirmed(
      monitor,
      commitment.built.transaction,
      { height: blockHeight(600), blockHash: "00".repeat(32) as BlockHash },
      new Uint8Array(22),
    );
    const events = (tip: number) => monitorEvents(confirmed, tip).map(({ kind }) => kind);
    assert.deepEqual(events(604), ["commitment-confirmed"]);
    assert.deepEqual(events(605), ["commitment-confirmed", "htlc-timed-out"]);
  });

  it("bring preimages to a locked monitor, and cannot take back that it broadcasts", () => {
    const lock = locked(newMonitor(b.setup), true, "deadline");
    const known = applied(lock, { channelId, updateId: 2, steps: [preimage], after });
    assert.deepEqual(known.preimages[0]?.preimage, preimage.preimage);
    const closed = applied(known, {
      channelId,
      updateId: 3,
      steps: [{ kind: "channel-force-closed", broadcast: false }],
      after,
    });
    assert.deepEqual(closed.lock, { afterUpdateId: 1, broadcast: true, cause: "deadline" });
  });

  it("never let a monitor publish that was told not to", () => {
    const closed = locked(newMonitor(a.setup), false, "force-closed");
    const [ours] = holderCommitments(closed);
    assert.ok(ours !== undefined);
    assert.throws(() => signedHolderCommitment(closed, ours, a.signer));
  });
});
