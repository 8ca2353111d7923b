import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import {
  createInboundPayment,
  createInboundPaymentForHash,
  expandInboundPaymentKey,
  type InboundPaymentTerms,
  type InvoiceClaim,
  paymentPreimageOf,
  type ReceivedPart,
  verifyInboundPayment,
} from "@fulmen/lightning/payment";
import {
  type BlockHeight,
  blockHeight,
  type Msat,
  msat,
  type PaymentHash,
  paymentHashOf,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import fc from "fast-check";

const keys = expandInboundPaymentKey(new Uint8Array(32).fill(1));
const otherKeys = expandInboundPaymentKey(new Uint8Array(32).fill(2));
const now = 1_700_000_000 as UnixSeconds;
const random = Uint8Array.from({ length: 16 }, (_, index) => index);
const terms: InboundPaymentTerms = { minAmount: msat(1000), expirySeconds: 60, now, random };
const userPreimage = new Uint8Array(32).fill(9);
const userHash = paymentHashOf(crypto().sha256(userPreimage));

/** A part that keeps to `terms`. */
function received(paid: InvoiceClaim): ReceivedPart {
  return {
    ...paid,
    totalAmount: msat(1000),
    cltvExpiry: blockHeight(118),
    height: blockHeight(100),
    now,
  };
}

function own(change: Partial<InboundPaymentTerms> = {}): ReceivedPart {
  const created = createInboundPayment(keys, { ...terms, ...change });
  assert.ok(created.ok);
  return received(created.value);
}

function users(change: Partial<InboundPaymentTerms> = {}): ReceivedPart {
  const created = createInboundPaymentForHash(keys, { ...terms, ...change, paymentHash: userHash });
  assert.ok(created.ok);
  return received(created.value);
}

describe("expandInboundPaymentKey", () => {
  it("makes four keys that no log shows", () => {
    const all = [keys.info, keys.ownHash, keys.userHash, keys.metadata].map((key) => toHex(key.expose()));
    assert.equal(new Set(all).size, 4);
    assert.equal(JSON.stringify(keys).includes(all[0] ?? ""), false);
    assert.throws(() => expandInboundPaymentKey(new Uint8Array(31)), /InvariantError/);
  });
});

for (const [whose, create] of [
  ["our own", own],
  ["a user's", users],
] as const) {
  describe(`an inbound payment over ${whose} hash`, () => {
    it("is known again, and has its preimage when it is ours", () => {
      const part = create();
      const verified = verifyInboundPayment(keys, part);
      assert.ok(verified.ok);
      const { preimage, minAmount } = verified.value;
      assert.equal(minAmount, 1000n);
      if (create === users) assert.equal(preimage, undefined);
      else assert.equal(toHex(crypto().sha256(preimage ?? assert.fail())), part.paymentHash);
    });

    const unknown = { ok: false, error: { kind: "unknown-payment" } };

    it("refuses another hash", () => {
      const paymentHash = "00".repeat(32) as PaymentHash;
      assert.deepEqual(verifyInboundPayment(keys, { ...create(), paymentHash }), unknown);
    });

    it("refuses another key", () => {
      assert.deepEqual(verifyInboundPayment(otherKeys, create()), unknown);
    });

    it("refuses a secret with any bit changed, so that no term can be altered", () => {
      const part = create();
      for (let bit = 0; bit < 256; bit++) {
        const paymentSecret = Uint8Array.from(part.paymentSecret);
        paymentSecret[bit >> 3] = (paymentSecret[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.deepEqual(verifyInboundPayment(keys, { ...part, paymentSecret }), unknown);
      }
    });

    it("refuses a secret of another length", () => {
      for (const length of [0, 31, 33]) {
        const paymentSecret = new Uint8Array(length);
        assert.deepEqual(verifyInboundPayment(keys, { ...create(), paymentSecret }), unknown);
      }
    });

    it("refuses less than the amount, and takes more", () => {
      const part = create();
      assert.deepEqual(verifyInboundPayment(keys, { ...part, totalAmount: msat(999) }), {
        ok: false,
        error: { kind: "amount-too-low", required: 1000n },
      });
      assert.equal(verifyInboundPayment(keys, { ...part, totalAmount: msat(1001) }).ok, true);
    });

    it("takes any amount when none was asked for", () => {
      const part = create({ minAmount: msat(0) });
      assert.equal(verifyInboundPayment(keys, { ...part, totalAmount: msat(1) }).ok, true);
    });

    it("refuses what comes more than two hours after the expiry", () => {
      const part = create();
      const last = now + 60 + 7200;
      assert.equal(verifyInboundPayment(keys, { ...part, now: last as UnixSeconds }).ok, true);
      assert.deepEqual(verifyInboundPayment(keys, { ...part, now: (last + 1) as UnixSeconds }), {
        ok: false,
        error: { kind: "expired", at: last },
      });
    });

    it("refuses an expiry too close by the invoice's own delta, and leaves the rest to who claims", () => {
      const at = (cltvExpiry: number, change: Partial<InboundPaymentTerms>) =>
        verifyInboundPayment(keys, { ...create(change), cltvExpiry: cltvExpiry as BlockHeight });
      assert.equal(at(101, {}).ok, true);
      assert.equal(at(144, { minFinalCltvExpiryDelta: 44 }).ok, true);
      assert.deepEqual(at(143, { minFinalCltvExpiryDelta: 44 }), {
        ok: false,
        error: { kind: "cltv-too-soon", required: 144 },
      });
      assert.equal(at(100, { minFinalCltvExpiryDelta: 0 }).ok, true);
    });

    it("carries metadata hidden, and refuses other metadata than the invoice's", () => {
      const clear = Uint8Array.from({ length: 100 }, (_, index) => index + 100);
      const part = create({ paymentMetadata: clear });
      const hidden = part.paymentMetadata ?? assert.fail("the metadata of an invoice");
      assert.equal(hidden.length, create === users ? 116 : 100);
      assert.ok(!toHex(hidden).includes(toHex(clear.subarray(0, 8))));
      const verified = verifyInboundPayment(keys, part);
      assert.ok(verified.ok);
      assert.deepEqual(verified.value.paymentMetadata, clear);
      const { paymentMetadata: _, ...without } = part;
      assert.deepEqual(verifyInboundPayment(keys, without), unknown);
      for (const at of [0, 50, hidden.length - 1]) {
        const paymentMetadata = Uint8Array.from(hidden);
        paymentMetadata[at] = (paymentMetadata[at] ?? 0) ^ 1;
        assert.deepEqual(verifyInboundPayment(keys, { ...part, paymentMetadata }), unknown);
      }
      for (const length of [0, 1, 15, 16, 99]) {
        const paymentMetadata = hidden.subarray(0, length);
        assert.deepEqual(verifyInboundPayment(keys, { ...part, paymentMetadata }), unknown);
        assert.deepEqual(verifyInboundPayment(keys, { ...create(), paymentMetadata }), unknown);
      }
    });

    it("tells empty metadata from none", () => {
      const part = create({ paymentMetadata: new Uint8Array(0) });
      const verified = verifyInboundPayment(keys, part);
      assert.ok(verified.ok);
      assert.deepEqual(verified.value.paymentMetadata, new Uint8Array(0));
      const { paymentMetadata: _, ...without } = part;
      assert.deepEqual(verifyInboundPayment(keys, without), unknown);
    });

    it("keeps all terms that fit, and refuses the others", () => {
      const most = create({
        minAmount: msat(2_100_000_000_000_000_000n),
        expirySeconds: 2 ** 48 - 1 - 7200 - now,
        minFinalCltvExpiryDelta: 65_535,
      });
      const verified = verifyInboundPayment(keys, {
        ...most,
        totalAmount: msat(2_100_000_000_000_000_000n),
        cltvExpiry: blockHeight(65_635),
        now: (2 ** 48 - 1) as UnixSeconds,
      });
      assert.equal(verified.ok, true);
    });
  });
}

describe("terms of an inbound payment", () => {
  const refusal = (change: Partial<InboundPaymentTerms>) => {
    const created = createInboundPayment(keys, { ...terms, ...change });
    const forHash = createInboundPaymentForHash(keys, { ...terms, ...change, paymentHash: userHash });
    if (created.ok || forHash.ok) return "accepted";
    assert.deepEqual(created, forHash);
    return created.error.kind;
  };

  it("are refused when a secret cannot hold them", () => {
    assert.equal(refusal({ minAmount: msat(2_100_000_000_000_000_001n) }), "amount-out-of-range");
    assert.equal(refusal({ minAmount: -1n as Msat }), "amount-out-of-range");
    assert.equal(refusal({ expirySeconds: 2 ** 48 - 7200 - now }), "expiry-out-of-range");
    assert.equal(refusal({ expirySeconds: -1 }), "expiry-out-of-range");
    assert.equal(refusal({ expirySeconds: 1.5 }), "expiry-out-of-range");
    assert.equal(refusal({ expirySeconds: Number.NaN }), "expiry-out-of-range");
    assert.equal(refusal({ minFinalCltvExpiryDelta: 65_536 }), "cltv-delta-out-of-range");
    assert.equal(refusal({ minFinalCltvExpiryDelta: -1 }), "cltv-delta-out-of-range");
  });

  it("are hidden: equal terms give unlike secrets", () => {
    const secrets = [0, 1, 2].map((n) => {
      const created = createInboundPayment(keys, { ...terms, random: new Uint8Array(16).fill(n) });
      assert.ok(created.ok);
      return toHex(created.value.paymentSecret.subarray(16));
    });
    assert.equal(new Set(secrets).size, 3);
  });

  it("need 16 random bytes", () => {
    assert.throws(
      () => createInboundPayment(keys, { ...terms, random: new Uint8Array(15) }),
      /InvariantError/,
    );
  });

  it("answer any secret with a value", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (secret) => {
        assert.equal(
          verifyInboundPayment(keys, received({ paymentHash: userHash, paymentSecret: secret })).ok,
          false,
        );
      }),
      { seed: 16, numRuns: 100 },
    );
  });
});

describe("paymentPreimageOf", () => {
  it("gives the preimage of our own hash and its metadata in clear, whatever has become of the terms", () => {
    const paymentMetadata = Uint8Array.of(1, 2, 3);
    const part = own({ paymentMetadata });
    const found = paymentPreimageOf(keys, part);
    assert.ok(found.ok);
    assert.equal(toHex(crypto().sha256(found.value.preimage)), part.paymentHash);
    assert.deepEqual(found.value.paymentMetadata, paymentMetadata);
    const { paymentMetadata: _, ...without } = part;
    assert.deepEqual(paymentPreimageOf(keys, without), { ok: false, error: { kind: "unknown-payment" } });
  });

  it("gives none of the user's", () => {
    assert.deepEqual(paymentPreimageOf(keys, users()), { ok: false, error: { kind: "user-has-preimage" } });
    assert.deepEqual(paymentPreimageOf(otherKeys, users()), {
      ok: false,
      error: { kind: "unknown-payment" },
    });
  });
});
