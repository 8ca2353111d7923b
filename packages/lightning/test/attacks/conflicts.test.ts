import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { type OutPoint, outPointKey } from "@fulmen/bitcoin/primitives";
import { type Transaction, txid, weight } from "@fulmen/bitcoin/transaction";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import { claimableBalances } from "#src/onchain/balances";
import type { BlockHash } from "#src/util/ids";
import { blockHeight } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { channelId, hashes, monitoredPair, preimages, settle, spendOf } from "../onchain/monitoredPair.ts";
import { cheatNow, Victim } from "./victim.ts";

// The peer spends outputs that we are about to claim together with others: what is left must be claimed at once, at no
// lower a feerate.

const expiry = 500;
const amount = msat(20_000_000n);
const [hash = assert.fail(), otherHash = assert.fail()] = hashes;
const [preimage = assert.fail()] = preimages;

/** That each transaction is valid, and all of them together spend each of `expected` once and nothing else. */
function checkClaims(
  claims: readonly Transaction[],
  parents: readonly Transaction[],
  expected: readonly OutPoint[],
): void {
  const byTxid = new Map(parents.map((parent) => [txid(parent), parent]));
  const taken: string[] = [];
  for (const claim of claims) {
    const prevouts = claim.inputs.map(({ outPoint }) => {
      taken.push(outPointKey(outPoint));
      const parent = present(byTxid.get(outPoint.txid), "a confirmed parent");
      return present(parent.outputs[outPoint.index], "an output");
    });
    assert.deepEqual(verifyTransaction(claim, prevouts), { ok: true });
  }
  assert.deepEqual(taken.sort(), expected.map(outPointKey).sort());
}

function unspent({ monitor }: Victim): readonly OutPoint[] {
  const spent = new Set(monitor.chain.spends.map(({ outPoint }) => outPointKey(outPoint)));
  const outputs = present(monitor.chain.fundingSpend, "a confirmed commitment").outputs;
  return outputs
    .filter(
      ({ kind, outPoint }) => kind !== "payment" && kind !== "delayed" && !spent.has(outPointKey(outPoint)),
    )
    .map(({ outPoint }) => outPoint);
}

for (const format of formatNames) {
  /** A revoked commitment with so many HTLCs that two claims are made of those that the peer can take. */
  const punished = () => {
    const [a, b] = monitoredPair(format);
    for (let i = 0; i < 104; i++) a.add(amount, hash, expiry);
    for (let i = 0; i < 3; i++) b.add(amount, otherHash, expiry);
    settle(a, b);
    const cheat = cheatNow(b);
    b.fulfill(present(b.removable()[0], "an HTLC"));
    settle(a, b);
    const victim = new Victim(a);
    const commitment = cheat.commitment();
    const first = [...victim.block(101, [commitment])];
    checkClaims(first, [commitment], unspent(victim));
    const outputs = victim.monitor.chain.fundingSpend?.outputs ?? [];
    const offered = new Set(
      outputs.flatMap((one) =>
        one.kind === "revoked" && one.htlc?.direction === "outgoing" ? [outPointKey(one.outPoint)] : [],
      ),
    );
    const batches = first.filter(({ inputs }) =>
      inputs.every(({ outPoint }) => offered.has(outPointKey(outPoint))),
    );
    assert.deepEqual(batches.map(({ inputs }) => inputs.length).sort(), [100, 4], "what the peer can take");
    return { cheat, victim, commitment, batches };
  };

  /**
   * The peer's transactions that take one output of each of the first two batches; one, where signatures let them join.
   */
  const thefts = ({ cheat, commitment, batches }: ReturnType<typeof punished>): readonly Transaction[] => {
    const { transactions, bumps } = cheat.claims(commitment, {
      height: 101,
      preimages: [{ paymentHash: hash, preimage }],
    });
    const targets = batches
      .slice(0, 2)
      .map(({ inputs }) => outPointKey(present(inputs.at(-1), "an input").outPoint));
    const isTarget = ({ outPoint }: { readonly outPoint: OutPoint }) =>
      targets.includes(outPointKey(outPoint));
    if (bumps.length === 0) return transactions.filter(({ inputs }) => inputs.some(isTarget));
    return [
      cheat.together(bumps.filter((one) => one.kind === "htlc-resolution" && one.htlcs.some(isTarget))),
    ];
  };

  describe(`invalid claims, ${format}`, () => {
    // LDK, disclosed 2025-01-23 (#3537): the search for conflicts ended with the first claim that was found, and the
    // second one stayed invalid for ever.
    it("one transaction of the peer spends HTLCs of two of our claims: both are rebuilt in the same block", () => {
      const scene = punished();
      const { victim, commitment } = scene;
      const stolen = thefts(scene);
      const spentByPeer = stolen.flatMap(({ inputs }) => inputs);
      assert.equal(spentByPeer.length, 2);
      for (const theft of stolen) {
        const prevouts = theft.inputs.map(({ outPoint }) =>
          present(commitment.outputs[outPoint.index], "an output"),
        );
        assert.deepEqual(verifyTransaction(theft, prevouts), { ok: true });
      }
      const rebuilt = [...victim.block(102, stolen)];
      const secondStages = stolen.flatMap((theft) =>
        theft.inputs.map((_, index) => ({ txid: txid(theft), index })),
      );
      checkClaims(rebuilt, [commitment, ...stolen], [...unspent(victim), ...secondStages]);
      assert.equal(unspent(victim).length, 104 + 3 + 1 - 2);
      assert.deepEqual(victim.block(103, rebuilt), []);
      const destination = victim.destination;
      const left = claimableBalances(victim.monitor, destination).map(({ kind }) => kind);
      assert.ok(!left.includes("counterparty-revoked-output-claimable"));
    });

    it("a reorganisation takes the peer's transaction back: all of the commitment is claimed again (LDK #4849)", () => {
      const scene = punished();
      const { victim, commitment } = scene;
      const stolen = thefts(scene);
      const rebuilt = [...victim.block(102, stolen)];
      victim.block(103, rebuilt.slice(0, 1));
      victim.broadcasts.length = 0;
      victim.chainMonitor.blocksDisconnected({
        hash: "00".repeat(32) as BlockHash,
        height: blockHeight(101),
      });
      const again = [...victim.block(102)];
      checkClaims(again, [commitment], unspent(victim));
      assert.equal(unspent(victim).length, 104 + 3 + 1);
      assert.deepEqual(victim.block(103, again), []);
    });
  });

  describe(`replacement stalling, ${format}`, () => {
    // lnd, disclosed 2025-12-04: a double spend let the fee of a batch fall back and its claim wait for one more block,
    // so that one double spend in each block held up all others until their HTLCs upstream had expired.
    it("the peer takes one of forty HTLCs in each block: the rest is claimed in the same block, at no lower a fee", () => {
      const [a, b] = monitoredPair(format);
      for (let i = 0; i < 40; i++) a.add(amount, hash, expiry);
      settle(a, b);
      const victim = new Victim(a);
      const commitment = cheatNow(b).commitment();
      victim.block(expiry - 10, [commitment]);
      let claim = present(victim.block(expiry)[0], "a claim");
      assert.equal(claim.inputs.length, 40);
      let feerate = feerateOf(claim, commitment);
      const begun = feerate;
      for (let taken = 1; taken < 40; taken++) {
        const { outPoint } = present(claim.inputs[taken % claim.inputs.length], "an input");
        const height = expiry + taken;
        const theft = spendOf([
          { ...outPoint, witness: [new Uint8Array(72), preimage, new Uint8Array(130)] },
        ]);
        const broadcasts = victim.block(height, [theft]);
        checkClaims(broadcasts, [commitment], unspent(victim));
        assert.equal(unspent(victim).length, 40 - taken);
        assert.equal(broadcasts.length, 1);
        claim = present(broadcasts[0], "a claim");
        assert.ok(feerateOf(claim, commitment) >= feerate * 0.99, `fee fell at block ${taken}`);
        feerate = Math.max(feerate, feerateOf(claim, commitment));
        const seen = victim.events.filter(({ kind }) => kind === "preimage-seen");
        assert.equal(seen.length, taken, "each preimage is told of at once");
      }
      assert.ok(feerate > 1.5 * begun, `${begun} -> ${feerate}: the claim never paid more`);
    });

    it("on our own commitment, the wallet is asked in the same block, at no lower a fee", () => {
      const [a, b] = monitoredPair(format);
      for (let i = 0; i < 40; i++) a.add(amount, hash, expiry);
      settle(a, b);
      const victim = new Victim(a);
      const { chainMonitor } = victim;
      const updateId = victim.monitor.latestUpdateId + 1;
      chainMonitor.updateChannel({
        channelId,
        updateId,
        steps: [{ kind: "channel-force-closed", broadcast: true }],
        after: [],
      });
      const commitment = cheatNow(a).commitment();
      victim.block(expiry - 10, [commitment]);
      const isStatic = formatOf(format).htlcSighashType === 1;
      let feerate = 0n;
      let left = 40;
      for (let height = expiry; left > 0; height++) {
        const broadcasts = victim.block(
          height,
          left === 40 && height === expiry
            ? []
            : [
                spendOf([
                  {
                    ...present(unspent(victim)[0], "an HTLC"),
                    witness: [new Uint8Array(72), preimage, new Uint8Array(130)],
                  },
                ]),
              ],
        );
        left = unspent(victim).length;
        const bumps = chainMonitor.takeBumpEvents();
        if (isStatic) {
          checkClaims(broadcasts, [commitment], unspent(victim));
          continue;
        }
        const asked = bumps.flatMap((one) => (one.kind === "htlc-resolution" ? one.htlcs : []));
        assert.deepEqual(asked.map(outPointOf).sort(), unspent(victim).map(outPointKey).sort());
        for (const bump of bumps) {
          assert.ok(bump.kind === "htlc-resolution" && bump.targetFeerate >= feerate);
          feerate = bump.targetFeerate;
        }
      }
      assert.ok(isStatic || feerate > 1_500n);
    });
  });
}

function outPointOf({ outPoint }: { readonly outPoint: OutPoint }): string {
  return outPointKey(outPoint);
}

function feerateOf(claim: Transaction, parent: Transaction): number {
  const given = claim.inputs.reduce(
    (sum, { outPoint }) => sum + (parent.outputs[outPoint.index]?.value ?? 0n),
    0n,
  );
  const paid = claim.outputs.reduce((sum, { value }) => sum + value, 0n);
  return (Number(given - paid) * 1_000) / weight(claim);
}
