import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { blockHeight, fromHex, msat, type Point, type ShortChannelId, toHex } from "@fulmen/lightning/util";
import fc from "fast-check";
import {
  amountToForward,
  blindedForwardTerms,
  type EncryptedData,
  encodeEncryptedData,
  keepsConstraints,
  padEncryptedData,
  readBlindedForward,
  readBlindedReceive,
} from "#src/onion/blindedData";
import { present } from "#src/util/invariant";

const vector: { readonly hops: readonly { readonly data: string; readonly nextPathKeyOverride?: string }[] } =
  JSON.parse(
    readFileSync(new URL("../../../../fixtures/bolt04/route-blinding.json", import.meta.url), "utf8"),
  );

const key = fromHex("02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619") as Point;
const scid = 5n as ShortChannelId;
const relay = { cltvExpiryDelta: 40, feeProportionalMillionths: 150, feeBase: msat(1_000) };
const constraints = { maxCltvExpiry: 750_000, htlcMinimum: msat(50) };

/** What makes it impossible to forward by `data`. */
function refusal(data: EncryptedData | string) {
  const read = readBlindedForward(typeof data === "string" ? fromHex(data) : encodeEncryptedData(data));
  if (read.ok) assert.fail("accepted");
  return read.error.reason;
}

describe("encrypted_data_tlv", () => {
  it("reads BOLT 4's vector", () => {
    const [bob, carol, dave] = vector.hops.map(({ data }) => readBlindedForward(fromHex(data)));
    assert.deepEqual(bob, {
      ok: true,
      value: {
        next: { kind: "short-channel-id", shortChannelId: 1729n },
        relay: { cltvExpiryDelta: 36, feeProportionalMillionths: 150, feeBase: 10_000n },
        constraints: { maxCltvExpiry: 748_005, htlcMinimum: 1_500n },
      },
    });
    assert.ok(carol?.ok && dave?.ok);
    assert.equal(
      toHex(present(carol.value.nextPathKeyOverride, "a path key")),
      present(vector.hops[1]?.nextPathKeyOverride, "a path key"),
    );
    assert.equal(dave.value.relay.feeBase, 0n);
  });

  it("refuses what allows a feature that it does not know, as the recipient of the vector does", () => {
    const eve = readBlindedReceive(fromHex(present(vector.hops[3], "eve").data));
    assert.equal(!eve.ok && eve.error.reason, "unknown feature");
    assert.equal(
      refusal({ shortChannelId: scid, paymentRelay: relay, allowedFeatures: Uint8Array.of(2) }),
      "unknown feature",
    );
  });

  it("takes an empty set of allowed features for none at all", () => {
    const data = { shortChannelId: scid, paymentRelay: relay };
    const without = readBlindedForward(encodeEncryptedData(data));
    assert.ok(without.ok);
    const empty = readBlindedForward(encodeEncryptedData({ ...data, allowedFeatures: new Uint8Array(2) }));
    assert.deepEqual(without, empty);
  });

  it("goes on by channel or by node, not by both and not by neither", () => {
    assert.deepEqual(readBlindedForward(encodeEncryptedData({ nextNodeId: key, paymentRelay: relay })), {
      ok: true,
      value: { next: { kind: "node-id", nodeId: toHex(key) }, relay },
    });
    const both = { shortChannelId: scid, nextNodeId: key };
    assert.equal(refusal({ ...both, paymentRelay: relay }), "not exactly one next hop");
    assert.equal(refusal({ paymentRelay: relay }), "not exactly one next hop");
    assert.equal(refusal({ shortChannelId: scid }), "no payment_relay");
    assert.equal(readBlindedReceive(encodeEncryptedData(both)).ok, false);
  });

  it("refuses unknown even records, keys that are no points, numbers with zeros in front and cut streams", () => {
    const good = toHex(encodeEncryptedData({ shortChannelId: scid, paymentRelay: relay }));
    assert.ok(readBlindedForward(fromHex(`${good}fd023103123456`)).ok);
    assert.match(refusal(`${good}fd023203123456`), /unknown even/);
    assert.match(refusal(`042105${"22".repeat(32)}0a060028000000960`.slice(0, -1)), /point/);
    assert.match(refusal(`0208${"00".repeat(7)}050a0700280000009600`), /minimal|zero/);
    for (let length = 1; length < good.length / 2; length++) refusal(good.slice(0, 2 * length));
  });

  it("reads any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        readBlindedForward(bytes);
        readBlindedReceive(bytes);
      }),
      { seed: 4, numRuns: 2_000 },
    );
  });

  it("reads what it writes", () => {
    const received = { pathId: Uint8Array.of(1, 2, 3), constraints };
    const { pathId } = received;
    assert.deepEqual(readBlindedReceive(encodeEncryptedData({ pathId, paymentConstraints: constraints })), {
      ok: true,
      value: received,
    });
  });
});

describe("constraints", () => {
  it("hold to the block and to the millisatoshi", () => {
    assert.ok(keepsConstraints({ amount: msat(50), cltvExpiry: 750_000 }, constraints));
    assert.equal(keepsConstraints({ amount: msat(49), cltvExpiry: 750_000 }, constraints), false);
    assert.equal(keepsConstraints({ amount: msat(50), cltvExpiry: 750_001 }, constraints), false);
    assert.ok(keepsConstraints({ amount: msat(0), cltvExpiry: 800_000 }, undefined));
  });
});

describe("what a blinded hop passes on", () => {
  it("is rounded up (BOLT 4, payload format)", () => {
    // ((100,125 - 100) * 1,000,000 + 1,000,150 - 1) / 1,000,150
    assert.equal(
      amountToForward(msat(100_125), { feeBase: msat(100), feeProportionalMillionths: 150 }),
      100_010n,
    );
    assert.equal(
      amountToForward(msat(1_000), { feeBase: msat(1_000), feeProportionalMillionths: 0 }),
      undefined,
    );
    assert.equal(
      amountToForward(msat(999), { feeBase: msat(1_000), feeProportionalMillionths: 0 }),
      undefined,
    );
    assert.equal(amountToForward(msat(1_001), { feeBase: msat(1_000), feeProportionalMillionths: 0 }), 1n);
  });

  it("holds for the largest amounts, and is nothing before block 0", () => {
    const most = { amount: msat(2n ** 64n - 1n), cltvExpiry: 1_000 };
    const free = { cltvExpiryDelta: 0, feeProportionalMillionths: 0, feeBase: msat(0) };
    assert.deepEqual(blindedForwardTerms(most, free), {
      amount: most.amount,
      cltvExpiry: blockHeight(1_000),
    });
    assert.equal(blindedForwardTerms({ ...most, cltvExpiry: 39 }, relay), undefined);
    assert.equal(blindedForwardTerms({ ...most, cltvExpiry: 40 }, relay)?.cltvExpiry, 0);
  });
});

describe("padEncryptedData", () => {
  it("makes all streams as long as each other, whatever is in them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 700 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        (lengths, step) => {
          const data = lengths.map((length) => ({ pathId: new Uint8Array(length) }));
          const padded = padEncryptedData(data, step);
          assert.equal(new Set(padded.map(({ length }) => length)).size, 1);
          for (const [index, one] of padded.entries()) {
            assert.deepEqual(readBlindedReceive(one), { ok: true, value: data[index] });
          }
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it("keeps to the step where it can", () => {
    const data = [{ pathId: new Uint8Array(40) }, { shortChannelId: scid, paymentRelay: relay }];
    assert.deepEqual(
      padEncryptedData(data, 30).map(({ length }) => length),
      [60, 60],
    );
  });
});
