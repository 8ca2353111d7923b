import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import fc from "fast-check";
import {
  blindHops,
  buildOnion,
  type EncryptedData,
  encodeEncryptedData,
  encodeHopPayload,
  encodePaymentPathId,
  type HopPayload,
} from "#src/onion/index";
import { type IncomingOnion, type OnionReading, readIncomingOnion } from "#src/payment/incomingOnion";
import { type Bytes32, type Point, toHex } from "#src/util/bytes";
import type { BlockHeight, NodeId, PaymentHash, ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import { failureCodeOf } from "#src/wire/failureCodes";
import { preimageOf } from "../channel/pair.ts";

const paymentHash = "02".repeat(32) as PaymentHash;
const associatedData = new Uint8Array(32).fill(2);
const zeros = new Uint8Array(32) as Bytes32;
const failureCode = failureCodeOf({ type: "invalid_onion_blinding", sha256OfOnion: zeros });
const paymentSecret = preimageOf(8);
const [ourKey, nextKey] = [preimageOf(1), preimageOf(2)];
const [us, next] = [ourKey, nextKey].map((key) => crypto().publicKey(key) as Point) as [Point, Point];
const reader = {
  nodeId: toHex(us) as NodeId,
  ecdh: (point: Point) => crypto().ecdh(ourKey, point),
  receiveAuthKey: () => preimageOf(9),
};
const relay = { feeBase: msat(1_000), feeProportionalMillionths: 100, cltvExpiryDelta: 40 };
const onward: EncryptedData = { shortChannelId: 7n as ShortChannelId, paymentRelay: relay };
const ending: EncryptedData = { pathId: encodePaymentPathId({ paymentSecret }) };
const amounts = { amount: msat(100_000), outgoingCltv: 500 as BlockHeight, totalAmount: msat(100_000) };

/** One hop for us. */
interface Case {
  readonly data: EncryptedData | Uint8Array;
  /** Whether we are the last node of the onion. */
  readonly isLast?: boolean;
  /** Whether the path key comes with the HTLC; else in the payload. */
  readonly inner?: boolean;
  /** Whether we wrote the data. */
  readonly isOurs?: boolean;
  /** Changes of the payload, or its bytes. */
  readonly payload?: (made: HopPayload) => HopPayload | Uint8Array;
  readonly htlc?: Partial<IncomingOnion>;
}

function read({ data, isLast = false, inner = false, isOurs = isLast, payload, htlc }: Case): OnionReading {
  const { pathKey, blindedHops } = blindHops(preimageOf(4), [
    {
      nodeId: us,
      data: data instanceof Uint8Array ? data : encodeEncryptedData(data),
      ...(isOurs && { additionalData: reader.receiveAuthKey() }),
    },
  ]);
  const { blindedNodeId, encryptedPayload } = present(blindedHops[0], "a hop");
  const common = { encryptedRecipientData: encryptedPayload, ...(!inner && { currentPathKey: pathKey }) };
  const made: HopPayload = isLast
    ? { kind: "blinded-final", ...common, ...amounts }
    : { kind: "blinded-forward", ...common };
  const changed = payload?.(made) ?? made;
  const ours = {
    nodeId: inner ? blindedNodeId : us,
    payload: changed instanceof Uint8Array ? changed : encodeHopPayload(changed),
  };
  const hops = isLast ? [ours] : [ours, { nodeId: next, payload: Uint8Array.of(2, 0) }];
  const built = buildOnion({ hops, sessionKey: preimageOf(3), associatedData });
  assert.ok(built.ok);
  return readIncomingOnion(
    {
      packet: built.value.packet,
      paymentHash,
      pathKey: inner ? pathKey : undefined,
      amount: msat(100_000),
      cltvExpiry: 500,
      ...htlc,
    },
    reader,
  );
}

/** That the reading shows to nobody what is wrong. */
function assertHidden(reading: OnionReading, role: "introduction" | "inner"): void {
  if (reading.kind === "malformed") {
    assert.deepEqual([role, reading.malformed], ["inner", { failureCode, sha256OfOnion: zeros }]);
    return;
  }
  assert.equal(reading.kind, "fail");
  assert.ok(reading.kind === "fail");
  assert.equal(reading.back.blinded, role);
}

/** As the introduction node and behind it. */
function assertRefused(what: Case): void {
  assertHidden(read({ ...what, inner: false }), "introduction");
  assertHidden(read({ ...what, inner: true }), "inner");
}

describe("a blinded hop that passes on", () => {
  it("reckons what goes on", () => {
    for (const inner of [false, true]) {
      const reading = read({ data: onward, inner });
      assert.ok(reading.kind === "forward");
      const { amountToForward, outgoingCltv, next: to, layer } = reading.order;
      // ((100,000 - 1,000) * 1,000,000 + 1,000,100 - 1) / 1,000,100, rounded down
      assert.deepEqual([amountToForward, outgoingCltv], [98_991n, 460]);
      assert.deepEqual(to, { kind: "short-channel-id", shortChannelId: 7n });
      assert.ok(layer.pathKey);
      assert.equal(reading.back.blinded, inner ? "inner" : "introduction");
    }
  });

  it("gives the next node the path key that the data say, if they say one", () => {
    const reading = read({ data: { ...onward, nextPathKeyOverride: next } });
    assert.ok(reading.kind === "forward");
    assert.deepEqual(reading.order.layer.pathKey, next);
  });

  it("refuses amounts and expiries that do not cover its own", () => {
    assertRefused({ data: onward, htlc: { amount: msat(1_000) } });
    assertRefused({ data: onward, htlc: { cltvExpiry: 39 } });
  });

  it("keeps to constraints, to the millisatoshi and the block", () => {
    const data = { ...onward, paymentConstraints: { maxCltvExpiry: 500, htlcMinimum: msat(100_000) } };
    assert.equal(read({ data }).kind, "forward");
    assertRefused({ data, htlc: { amount: msat(99_999) } });
    assertRefused({ data, htlc: { cltvExpiry: 501 } });
  });

  it("refuses data that do not say where to, or say it twice, or allow what it does not know", () => {
    assertRefused({ data: { paymentRelay: relay } });
    assertRefused({ data: { shortChannelId: 7n as ShortChannelId } });
    assertRefused({ data: { ...onward, nextNodeId: next } });
    assertRefused({ data: { ...onward, allowedFeatures: Uint8Array.of(1) } });
    assertRefused({ data: ending });
    assertRefused({ data: new Uint8Array(0) });
  });

  it("refuses other fields than those of a blinded payload, and path keys from two sides or from none", () => {
    const withAmount = (made: HopPayload) => {
      assert.ok(made.kind === "blinded-forward");
      return Uint8Array.from([2, 2, 1, 0, ...encodeHopPayload(made)]);
    };
    assertRefused({ data: onward, payload: withAmount });
    const withoutData = (): Uint8Array => Uint8Array.of(2, 2, 1, 0);
    assertHidden(read({ data: onward, inner: true, payload: withoutData }), "inner");
    const twoKeys = (made: HopPayload) => ({ ...made, currentPathKey: next }) as HopPayload;
    assertHidden(read({ data: onward, inner: true, payload: twoKeys }), "inner");
    const noKey = (made: HopPayload): HopPayload => {
      assert.ok(made.kind === "blinded-forward");
      const { encryptedRecipientData } = made;
      return { kind: "blinded-forward", encryptedRecipientData };
    };
    const unasked = read({ data: onward, payload: noKey });
    assert.ok(unasked.kind === "fail" && unasked.back.blinded === undefined);
  });

  it("refuses path keys that are no points", () => {
    const noPoint = (made: HopPayload): Uint8Array => {
      const bytes = encodeHopPayload(made);
      return bytes.fill(5, bytes.length - 33, bytes.length - 32);
    };
    const reading = read({ data: onward, payload: noPoint });
    assert.ok(reading.kind === "fail");
    assert.equal(reading.failure.type, "invalid_onion_payload");
  });

  it("reads any encrypted data without throwing, and refuses them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), fc.boolean(), (bytes, inner, isLast) => {
        const encrypted = read({ data: bytes, inner, isLast });
        const raw = read({
          data: onward,
          inner,
          isLast,
          payload: (made) => ({ ...made, encryptedRecipientData: bytes }) as HopPayload,
        });
        assert.ok(raw.kind === "fail");
        assert.notEqual(encrypted.kind, "receive");
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it("is none that leads to ourselves, unless we wrote so", () => {
    const toUs = { nextNodeId: us, paymentRelay: relay };
    const reading = read({ data: toUs });
    // A channel with ourselves there is not: the manager fails it as any unknown node.
    assert.ok(reading.kind === "forward");
    assertRefused({ data: onward, isOurs: true });
    // What is behind a dummy has to be for us.
    assertRefused({ data: toUs, isOurs: true });
  });
});

describe("a blinded hop that receives", () => {
  it("finds the payment secret in its own data", () => {
    for (const inner of [false, true]) {
      const reading = read({ data: ending, isLast: true, inner });
      assert.ok(reading.kind === "receive");
      assert.deepEqual(reading.payload.paymentData, { paymentSecret, totalAmount: 100_000n });
      assert.equal(reading.back.blinded, inner ? "inner" : undefined);
    }
  });

  it("takes no path that somebody else made, though all else be right", () => {
    assertHidden(read({ data: ending, isLast: true, inner: true, isOurs: false }), "inner");
    const direct = read({ data: ending, isLast: true, isOurs: false });
    assert.ok(direct.kind === "fail" && direct.failure.type === "invalid_onion_payload");
  });

  it("keeps to constraints, to the millisatoshi and the block", () => {
    const data = { ...ending, paymentConstraints: { maxCltvExpiry: 500, htlcMinimum: msat(100_000) } };
    const at = { data, isLast: true, inner: true };
    assert.equal(read(at).kind, "receive");
    assertHidden(read({ ...at, htlc: { amount: msat(99_999) } }), "inner");
    assertHidden(read({ ...at, htlc: { cltvExpiry: 501 } }), "inner");
  });

  it("refuses a path for something else, and payloads that lack an amount", () => {
    for (const data of [
      {},
      { pathId: new Uint8Array(3) },
      { ...ending, allowedFeatures: Uint8Array.of(4) },
    ]) {
      assertHidden(read({ data, isLast: true, inner: true }), "inner");
    }
    const noTotal = (made: HopPayload): Uint8Array => encodeHopPayload(made).slice(0, -5);
    assertHidden(read({ data: ending, isLast: true, inner: true, payload: noTotal }), "inner");
  });
});

describe("an onion for a blinded id", () => {
  it("that cannot be read is answered like all others", () => {
    const wrongHash = "03".repeat(32) as PaymentHash;
    const hash = read({ data: onward, inner: true, htlc: { paymentHash: wrongHash } });
    assert.equal(hash.kind, "malformed");
    assertHidden(hash, "inner");
    for (const packet of [new Uint8Array(1366), new Uint8Array(1366).fill(0xff), new Uint8Array(3)]) {
      assertHidden(read({ data: onward, inner: true, htlc: { packet } }), "inner");
    }
    assertHidden(read({ data: onward, inner: true, htlc: { pathKey: next } }), "inner");
  });
});
