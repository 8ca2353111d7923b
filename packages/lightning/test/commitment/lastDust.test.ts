import assert from "node:assert/strict";
import { it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import fc from "fast-check";
import { receiveCommitment } from "#src/channel/ops/commit";
import { addHtlc } from "#src/commitment/dance";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import { checkAnyOutput, pendingShares } from "#src/commitment/limitChecks";
import { checkOutgoingAdd } from "#src/commitment/limits";
import { loadOf } from "#src/commitment/load";
import type { FormatName } from "#src/commitment/params";
import type { Signature } from "#src/util/bytes";
import { type PaymentHash, paymentHashOf } from "#src/util/ids";
import { feeratePerKw, type Msat, msat, sat, satToMsat } from "#src/util/units";
import { paramsOf } from "./bolt3Fixtures.ts";
import { mirrored, Party, startOf } from "./twoParties.ts";

// Channels in which neither side keeps a reserve: the last outputs may become dust. `Party` checks that every
// commitment that is signed has an output.

const seeds = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const hash = paymentHashOf(crypto().sha256(new Uint8Array(32)));
const ctx = { maxDustExposure: msat(1_000_000_000) };

/** One that looks at the commitments as it knows them, as LDK does, and not at what may be under way to it. */
class Trusting extends Party {
  override add(amount: Msat, paymentHash: PaymentHash, cltvExpiry: number): boolean {
    const add = { amount, paymentHash, cltvExpiry };
    const { params } = this.commitments;
    const refused = checkOutgoingAdd(this.commitments, add, this.ctx);
    if (refused !== undefined && refused.kind !== "no-output-left") return false;
    const after = addHtlc(this.commitments, "outgoing", add);
    const { htlcs, shares } = pendingShares(after);
    for (const side of ["local", "remote"] as const) {
      const feerate = after.feerates[0]?.feerate ?? feeratePerKw(0);
      const { untrimmed } = loadOf({ params, side, feerate, exposureFeerate: undefined }, htlcs);
      for (const share of shares) {
        const at = { side, feerate, untrimmed };
        if (checkAnyOutput({ params, format: formatOf(params.format) }, at, share) !== undefined)
          return false;
      }
      const cost = params.isOpener && formatOf(params.format).feerateBasis !== "none" ? 1_000_000n : 0n;
      if (shares.some(({ toLocal }) => toLocal < cost)) return false;
    }
    this.commitments = after;
    this.send({ kind: "add", ...add });
    return true;
  }
}

const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom("add", "add", "add", "add", "remove", "sign", "sign", "receive", "receive"),
  // Dust mostly; what is left of a balance now and then.
  amount: fc.oneof(
    fc.bigInt({ min: 500n, max: 999n }),
    fc.bigInt({ min: 900n, max: 999n }),
    fc.bigInt({ min: 1_000n, max: 7_000n }),
  ),
  pick: fc.nat(1000),
  fulfill: fc.boolean(),
});

const setup = fc.record({
  isOpener: fc.boolean(),
  dustLimit: fc.constantFrom(354n, 1_000n, 2_000n),
  // In thousandths of it, as amounts.
  balances: fc.tuple(fc.bigInt({ min: 0n, max: 7_000n }), fc.bigInt({ min: 0n, max: 7_000n })),
  steps: fc.array(step, { minLength: 30, maxLength: 150 }),
});

/** Two ends of a channel without reserves. */
function ends(
  format: FormatName,
  how: {
    readonly isOpener: boolean;
    readonly dustLimit: bigint;
    /** In sat. */
    readonly local: bigint;
    readonly remote: bigint;
    readonly peer: typeof Party;
  },
): readonly [Party, Party] {
  const { isOpener, dustLimit, local, remote, peer: Peer } = how;
  const base = paramsOf(format);
  const none = { channelReserve: sat(0), htlcMinimum: msat(1), maxAcceptedHtlcs: 10 };
  const terms = { ...none, dustLimit: sat(dustLimit) };
  const params = {
    ...base,
    isOpener,
    local: { ...base.local, ...terms },
    remote: { ...base.remote, ...terms },
  };
  const feerate = feeratePerKw(formatOf(format).feerateBasis === "none" ? 0n : 253n);
  const start = { params, localBalance: msat(0n), feerate };
  const made = startOf(start, seeds);
  const commitments = {
    ...made,
    fundings: made.fundings.map((funding) => ({
      ...funding,
      capacity: sat(local + remote),
      localBalance: satToMsat(sat(local)),
      remoteBalance: satToMsat(sat(remote)),
    })),
  };
  const a = new Party(commitments, seeds[0], ctx);
  const b = new Peer(mirrored(start, commitments, seeds), seeds[1], ctx);
  a.peer = b;
  b.peer = a;
  return [a, b];
}

/** Until nothing is under way. */
function finish(parties: readonly Party[]): void {
  while (parties.some((party) => party.inbox.length > 0 || party.canSign())) {
    for (const party of parties) {
      while (party.inbox.length > 0) party.receive();
      if (party.canSign()) party.sign();
    }
  }
}

it("our last dust is not spent while the peer may take the only HTLC with an output, and spend that as well", () => {
  const [a, b] = ends("static-remotekey", {
    ...{ isOpener: true, dustLimit: 2_000n, local: 14_500n, remote: 0n },
    peer: Trusting,
  });
  assert.ok(a.add(msat(12_000_000n), hash, 500));
  finish([a, b]);
  // The two do not know of each other's updates.
  const spends = a.add(msat(1_900_000n), hash, 500);
  const [htlc = assert.fail()] = b.removable();
  b.remove(htlc, true);
  for (let i = 0; i < 6; i++) assert.ok(b.add(msat(1_990_000n), hash, 500), `HTLC ${i} of the peer's`);
  finish([a, b]);
  assert.ok(!spends);
});

it("a commitment that could not be published is not taken for the one before", () => {
  const how = { isOpener: true, dustLimit: 1_000n, local: 1_100n, remote: 1_100n, peer: Party };
  const [a] = ends("static-remotekey", how);
  // Of our 1,100 sat the fee leaves dust; what the peer sends is dust as well, and so is what it keeps.
  const crossing = addHtlc(a.commitments, "incoming", {
    amount: msat(900_000n),
    paymentHash: hash,
    cltvExpiry: 500,
  });
  const message = {
    type: "commitment_signed",
    channelId: crossing.channelId,
    signature: new Uint8Array(64) as Signature,
    htlcSignatures: [],
    tlvs: {},
  } as const;
  const received = receiveCommitment(crossing, [message]);
  assert.ok(!received.ok);
  assert.deepEqual([received.error.verdict, received.error.code], ["close", "no-output-left"]);
});

for (const format of formatNames) {
  for (const Peer of [Party, Trusting]) {
    const whom = Peer === Party ? "one like us" : "one that looks at what it knows only";
    it(`${format} commitments without reserves keep an output, with ${whom}`, () => {
      let adds = 0;
      let refused = 0;
      const property = fc.property(setup, ({ isOpener, dustLimit, balances, steps }) => {
        const [ours = 0n, theirs = 0n] = balances.map((balance) => (balance * dustLimit) / 1_000n);
        // Enough for the opener's fee and an output of its own at the beginning.
        const [local, remote] = isOpener ? [ours + 2_000n, theirs] : [ours, theirs + 2_000n];
        const [a, b] = ends(format, { isOpener, dustLimit, local, remote, peer: Peer });
        for (const { who, what, amount, pick, fulfill } of steps) {
          const party = who === 0 ? a : b;
          if (what === "add") {
            if (party.add(msat(amount * dustLimit), hash, 500)) adds++;
            else refused++;
          } else if (what === "remove") {
            const removable = party.removable();
            const htlc = removable[pick % Math.max(1, removable.length)];
            if (htlc !== undefined) party.remove(htlc, fulfill);
          } else if (what === "sign") {
            if (party.canSign()) party.sign();
          } else party.receive();
        }
        finish([a, b]);
      });
      fc.assert(property, { seed: 7, numRuns: 40 });
      assert.ok(adds > 100 && refused > 100, `${adds} HTLCs added, ${refused} refused`);
    });
  }
}
