import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import fc from "fast-check";
import { formatNames, formatOf } from "#src/commitment/formats/formatOf";
import { openerCost } from "#src/commitment/load";
import { paymentHashOf } from "#src/util/ids";
import { feeratePerKw, msat, sat, satToMsat } from "#src/util/units";
import { funding, paramsOf } from "./bolt3Fixtures.ts";
import { mirrored, Party, startOf } from "./twoParties.ts";

const seeds = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const hashes = [0, 1, 2].map((byte) => paymentHashOf(crypto().sha256(new Uint8Array(32).fill(byte))));

const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom(
    "add",
    "add",
    "add",
    "remove",
    "fee",
    "sign",
    "sign",
    "receive",
    "receive",
    "receive",
    "receive",
  ),
  amount: fc.oneof(fc.bigInt({ min: 1n, max: 5_000_000n }), fc.bigInt({ min: 1n, max: 3_000_000_000n })),
  pick: fc.nat(1000),
  fulfill: fc.boolean(),
});

const setup = fc.record({
  isOpener: fc.boolean(),
  // What the opener has beyond its reserve and the fee of an empty commitment, and what the other has.
  openerExtra: fc.oneof(fc.bigInt({ min: 0n, max: 4_000_000n }), fc.bigInt({ min: 0n, max: 5_000_000_000n })),
  reserve: fc.constantFrom(0n, 1000n, 10_000n),
  feerate: fc.bigInt({ min: 253n, max: 5_000n }),
  dustLimits: fc.tuple(fc.bigInt({ min: 354n, max: 3000n }), fc.bigInt({ min: 354n, max: 3000n })),
  spliceIn: fc.option(fc.bigInt({ min: 0n, max: 100_000n }), { nil: undefined }),
  steps: fc.array(step, { minLength: 20, maxLength: 120 }),
});

for (const format of formatNames) {
  describe(`two honest parties, ${format}`, () => {
    it("sign what the other expects, keep each other's limits and lose nothing", () => {
      let adds = 0;
      let refused = 0;
      fc.assert(
        fc.property(setup, (s) => {
          const base = paramsOf(format);
          const [localDust, remoteDust] = s.dustLimits;
          const reserve = { channelReserve: sat(s.reserve) };
          const params = {
            ...base,
            isOpener: s.isOpener,
            local: { ...base.local, ...reserve, dustLimit: sat(localDust), maxAcceptedHtlcs: 6 },
            remote: { ...base.remote, ...reserve, dustLimit: sat(remoteDust), htlcMinimum: msat(1000) },
          };
          const feerate = feeratePerKw(formatOf(format).feerateBasis === "none" ? 0n : s.feerate);
          const fee = openerCost(formatOf(format), feerate, 0);
          const openers = s.openerExtra + s.reserve * 1000n + fee;
          const start = {
            params,
            localBalance: msat(s.isOpener ? openers : satToMsat(funding.capacity) - openers),
            feerate,
            ...(s.spliceIn !== undefined && { spliceIn: s.spliceIn }),
          };
          const ctx = { maxDustExposure: msat(20_000_000) };
          const ours = startOf(start, seeds);
          const a = new Party(ours, seeds[0], ctx);
          const b = new Party(mirrored(start, ours, seeds), seeds[1], ctx);
          a.peer = b;
          b.peer = a;
          for (const { who, what, amount, pick, fulfill } of s.steps) {
            const party = who === 0 ? a : b;
            if (what === "add") {
              const hash = hashes[pick % hashes.length];
              assert.ok(hash !== undefined);
              if (party.add(msat(amount), hash, 500 + (pick % 3))) adds++;
              else refused++;
            } else if (what === "remove") {
              const removable = party.removable();
              const htlc = removable[pick % Math.max(1, removable.length)];
              if (htlc !== undefined) party.remove(htlc, fulfill);
            } else if (what === "fee") {
              if (party.commitments.params.isOpener) party.setFeerate(feeratePerKw(253n + (amount % 6000n)));
            } else if (what === "sign") {
              if (party.canSign()) party.sign();
            } else {
              party.receive();
            }
          }
          while (a.inbox.length > 0 || b.inbox.length > 0 || a.canSign() || b.canSign()) {
            for (const party of [a, b]) {
              while (party.inbox.length > 0) party.receive();
              if (party.canSign()) party.sign();
            }
          }
          for (const [i, active] of a.commitments.fundings.entries()) {
            assert.equal(active.localBalance, b.commitments.fundings[i]?.remoteBalance);
            assert.equal(active.localBalance + active.remoteBalance, satToMsat(active.capacity));
          }
        }),
        { seed: 2, numRuns: 25 },
      );
      assert.ok(adds > 60 && refused > 50, `${adds} HTLCs added, ${refused} refused`);
    });
  });
}
