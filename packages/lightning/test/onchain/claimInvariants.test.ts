import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dustLimit } from "@fulmen/bitcoin/script";
import { type Transaction, weight } from "@fulmen/bitcoin/transaction";
import { Dice } from "@fulmen/testkit/network";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { applyUpdate, type ChannelMonitor, newMonitor } from "#src/onchain/channelMonitor";
import { type ClaimPlan, planClaims } from "#src/onchain/claims";
import { transactionConfirmed } from "#src/onchain/confirmations";
import { monitorActions } from "#src/onchain/monitorActions";
import { type BlockHash, blockHeight } from "#src/util/ids";
import { feeratePerKw, msat } from "#src/util/units";
import { hashes, type MonitoredParty, monitoredPair, settle, toSelfDelay } from "./monitoredPair.ts";

const closedAt = 300;
const expiry = 400;

interface Closed {
  readonly a: MonitoredParty;
  readonly b: MonitoredParty;
  /** Of `a`, that knows all preimages and has seen `transaction`. */
  readonly monitor: ChannelMonitor;
  readonly transaction: Transaction;
  readonly destination: Uint8Array;
}

type Commitment = "ours" | "theirs" | "revoked";
const commitments: readonly Commitment[] = ["ours", "theirs", "revoked"];

/**
 * A channel with HTLCs of several expiries both ways, `small` more of each side, and one of its commitments confirmed.
 */
function closed(format: FormatName, commitment: Commitment, small = 0): Closed {
  const [a, b] = monitoredPair(format);
  for (let i = 0; i < small; i++) {
    for (const party of [a, b]) party.add(msat(2_000_000n), hashes[0] ?? assert.fail(), expiry);
  }
  for (const [i, hash] of hashes.entries()) {
    for (const party of [a, b]) party.add(msat(30_000_000n + BigInt(i) * 7_000_000n), hash, expiry + 10 * i);
  }
  settle(a, b);
  const { transaction } = (commitment === "ours" ? a : b).ownCommitments.at(-1) ?? assert.fail();
  if (commitment === "revoked") {
    a.add(msat(20_000_000n), hashes[0] ?? assert.fail(), expiry);
    settle(a, b);
  }
  for (const hash of hashes) a.learn(hash);
  const monitor = monitorOf(a);
  const destination = a.keysManager.destinationScript(new Uint8Array(32));
  return { a, b, monitor: confirmed(monitor, transaction, closedAt), transaction, destination };

  function confirmed(before: ChannelMonitor, spender: Transaction, height: number): ChannelMonitor {
    const at = { height: blockHeight(height), blockHash: "00".repeat(32) as BlockHash };
    return transactionConfirmed(before, spender, at, destination);
  }
}

function monitorOf({ setup, updates }: MonitoredParty): ChannelMonitor {
  return updates.reduce((before, update) => {
    const outcome = applyUpdate(before, update);
    return outcome.kind === "applied" ? outcome.monitor : assert.fail(outcome.kind);
  }, newMonitor(setup));
}

function planAt(monitor: ChannelMonitor, height: number, estimate: bigint): ClaimPlan {
  const feerate = feeratePerKw(estimate);
  return planClaims(monitor, { height, feerates: { urgent: feerate, relaxed: feerate } });
}

/** The transactions of a plan that need no coins. */
function broadcasts({ a, destination }: Closed, plan: ClaimPlan, height: number): readonly Transaction[] {
  const actions = monitorActions(plan, { height, destination, signer: a.signer });
  return actions.flatMap((action) => (action.kind === "broadcast" ? action.transactions : []));
}

/** What a claim of the confirmed commitment's outputs pays. */
function feeOf({ transaction }: Closed, claim: Transaction): bigint {
  let fee = 0n;
  for (const { outPoint } of claim.inputs) fee += transaction.outputs[outPoint.index]?.value ?? assert.fail();
  for (const { value } of claim.outputs) fee -= value;
  return fee;
}

const estimates = [0n, 253n, 1000n, 5000n, 1_000_000n];

for (const format of formatNames) {
  describe(`claims, ${format}`, () => {
    for (const commitment of commitments) {
      it(`never mix what the peer can take soon with what it cannot: ${commitment}`, () => {
        const { monitor } = closed(format, commitment);
        for (const height of [closedAt, expiry - 13, expiry - 12, expiry, expiry + 9, expiry + 20]) {
          const { active } = planAt(monitor, height, 1000n);
          const covered = active.flatMap(({ claimables }) => claimables);
          assert.ok(covered.length > 0);
          for (const { claimables } of active) {
            assert.equal(new Set(claimables.map(({ isContested }) => isContested)).size, 1);
          }
        }
      });

      it(`never pay less than before, whatever the estimator says: ${commitment}`, () => {
        const dice = new Dice(format.length + commitment.length);
        const test = closed(format, commitment);
        let { monitor } = test;
        const last = new Map<
          string,
          { readonly feerate: bigint; readonly fees: ReadonlyMap<string, bigint> }
        >();
        let raised = 0;
        for (let height = closedAt; height < expiry + 50; height += 1 + dice.roll(6)) {
          const plan = planAt(monitor, height, estimates[dice.roll(estimates.length)] ?? 0n);
          ({ monitor } = plan);
          for (const { id, feerate, claimables } of plan.active) {
            const before = last.get(id);
            assert.ok(
              before === undefined || feerate >= before.feerate,
              `${before?.feerate}, then ${feerate}`,
            );
            if (before !== undefined && feerate > before.feerate) {
              assert.ok(feerate >= before.feerate + 253n, "no replacement would be relayed");
              raised++;
            }
            if (claimables[0].kind !== "direct") last.set(id, { feerate, fees: new Map() });
            else {
              const transactions = broadcasts(test, { monitor, active: plan.active }, height);
              last.set(id, {
                feerate,
                fees: new Map(transactions.map((one) => [inputsOf(one), feeOf(test, one)])),
              });
            }
            for (const [inputs, fee] of last.get(id)?.fees ?? []) {
              assert.ok(fee >= (before?.fees.get(inputs) ?? 0n), "it pays less");
            }
          }
        }
        assert.ok(raised > 2, `${raised} times`);
      });
    }

    it("never spend what is worth its fee on what is not", () => {
      for (const commitment of commitments) {
        const { monitor } = closed(format, commitment, 20);
        for (const height of [closedAt, expiry]) {
          const { active } = planAt(monitor, height, 25_000n);
          const isRich = active.map(({ claimables }) => {
            const [rich, ...others] = new Set(claimables.map(({ value }) => value > 10_000n));
            assert.deepEqual(others, []);
            return rich;
          });
          // Where a wallet has one coin, the first gets it.
          assert.deepEqual(
            isRich,
            isRich.toSorted((a, b) => Number(b) - Number(a)),
          );
        }
      }
    });

    it("part from what is not worth its fee any more when fees rise, and pay more than what they replace", () => {
      for (const commitment of ["theirs", "revoked"] as const) {
        const test = closed(format, commitment, 20);
        const before = planAt(test.monitor, closedAt, 253n);
        const mixed = broadcasts(test, before, closedAt).find(({ inputs }) => inputs.length > 20);
        assert.ok(mixed !== undefined);
        const after = planAt(before.monitor, closedAt + 15, 25_000n);
        for (const { claimables } of after.active)
          assert.equal(new Set(claimables.map(({ value }) => value > 10_000n)).size, 1);
        const places = new Set(mixed.inputs.map(({ outPoint }) => outPoint.index));
        const [rich, ...others] = broadcasts(test, after, closedAt + 15).filter(({ inputs }) =>
          inputs.some(({ outPoint }) => places.has(outPoint.index)),
        );
        assert.ok(rich !== undefined && rich.inputs.length <= 4 && others.length === 1);
        assert.ok(feeOf(test, rich) >= feeOf(test, mixed) + BigInt(weight(rich)) / 4n);
        const again = planAt(after.monitor, closedAt + 16, 25_000n);
        assert.deepEqual(again.monitor, after.monitor);
      }
    });

    it("stay together where what is worth its fee cannot pay for a replacement", () => {
      const test = closed(format, "theirs", 60);
      const before = planAt(test.monitor, closedAt, 3_000n);
      const after = planAt(before.monitor, closedAt + 15, 8_000n);
      const inputs = (plan: ClaimPlan) => plan.monitor.claims.map(({ outPoints }) => outPoints.length);
      assert.deepEqual(inputs(before), [63]);
      assert.deepEqual(inputs(after), [63]);
    });

    it("never pay for the sake of an HTLC what only our balance could: an overdue commitment that nothing confirms", () => {
      const [a, b] = monitoredPair(format);
      a.add(msat(30_000_000n), hashes[0] ?? assert.fail(), expiry);
      // The peer's own, as long as nobody knows the preimage.
      b.add(msat(2_000_000_000n), hashes[1] ?? assert.fail(), expiry + 1_000);
      settle(a, b);
      a.close(true);
      let monitor = monitorOf(a);
      const feerates: bigint[] = [];
      for (let height = expiry + 200; height < expiry + 240; height++) {
        const plan = planAt(monitor, height, 1_000n);
        ({ monitor } = plan);
        feerates.push(plan.active[0]?.feerate ?? assert.fail());
      }
      const last = feerates.at(-1) ?? 0n;
      // The package is some 1,500 weight units: 30,000 sat are 20,000 for 1,000 of them; our balance is 5,000,000 sat.
      assert.ok(last > 10_000n && last < 40_000n, `${last}`);
    });

    it("pay almost all of what is at stake at the deadline, and half of it before", () => {
      const test = closed(format, "revoked");
      const deadline = closedAt + toSelfDelay;
      const costs = (height: number): readonly (readonly [value: bigint, fee: bigint])[] => {
        const transactions = broadcasts(test, planAt(test.monitor, height, 10_000_000n), height);
        assert.ok(transactions.length > 1);
        return transactions.map((one) => {
          const fee = feeOf(test, one);
          return [fee + (one.outputs[0]?.value ?? assert.fail()), fee];
        });
      };
      for (const [value, fee] of costs(deadline - 4)) {
        assert.ok(fee <= value / 2n && fee > (value * 2n) / 5n, `${fee} of ${value}`);
      }
      for (const [value, fee] of costs(deadline - 3)) {
        const left = value - fee;
        assert.ok(left >= dustLimit(test.destination) && left < value / 8n, `${left} of ${value}`);
      }
    });

    it("are made again without what the peer took, and pay no less for that", () => {
      const test = closed(format, "revoked");
      const plan = planAt(test.monitor, closedAt, 1000n);
      const before = plan.active.find(({ claimables }) => claimables.length > 2) ?? assert.fail("no batch");
      const [, taken] = before.outPoints;
      assert.ok(taken !== undefined);
      const theirs: Transaction = {
        version: 2,
        inputs: [{ outPoint: taken, scriptSig: new Uint8Array(0), sequence: 0, witness: [] }],
        outputs: [{ value: 1000n as never, script: new Uint8Array(22) }],
        locktime: 0,
      };
      const at = { height: blockHeight(closedAt + 1), blockHash: "11".repeat(32) as BlockHash };
      const next = planAt(
        transactionConfirmed(plan.monitor, theirs, at, test.destination),
        closedAt + 1,
        253n,
      );
      const after = next.active.find(({ id }) => id === before.id) ?? assert.fail("it is gone");
      assert.deepEqual(
        after.outPoints,
        before.outPoints.filter((one) => one !== taken),
      );
      assert.equal(after.feerate, before.feerate);
      const rebuilt = broadcasts(test, next, closedAt + 1);
      for (const transaction of rebuilt) {
        assert.ok(transaction.inputs.every(({ outPoint }) => outPoint.index !== taken.index));
        assert.ok(weight(transaction) > 0);
      }
      assert.equal(next.active.length, plan.active.length);
    });
  });
}

function inputsOf({ inputs }: Transaction): string {
  return inputs.map(({ outPoint }) => outPoint.index).join();
}
