import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { buildOnion, buildPaymentOnion, failureOfMalformed } from "#src/onion/index";
import { readIncomingOnion } from "#src/payment/incomingOnion";
import { type Point, toHex } from "#src/util/bytes";
import type { BlockHeight, NodeId, PaymentHash, ShortChannelId } from "#src/util/ids";
import { msat } from "#src/util/units";
import { preimageOf } from "../channel/pair.ts";

const paymentHash = "02".repeat(32) as PaymentHash;
const keys = [preimageOf(1), preimageOf(2)] as const;
const points = keys.map((key) => crypto().publicKey(key) as Point);
const nodeIds = points.map((point) => toHex(point) as NodeId);
const shortChannelId = 42n as ShortChannelId;

/** A payment over two nodes. */
function onion(): Uint8Array {
  const cltvExpiry = 500 as BlockHeight;
  const built = buildPaymentOnion({
    hops: nodeIds.map((nodeId, index) => ({
      nodeId,
      shortChannelId,
      amount: msat(2_000n - BigInt(index) * 500n),
      cltvExpiry,
    })),
    recipient: { totalAmount: msat(1_500n), paymentSecret: preimageOf(7) },
    paymentHash,
    sessionKey: preimageOf(3),
  });
  assert.ok(built.ok);
  return built.value.packet;
}

function read(node: 0 | 1, packet: Uint8Array, hash = paymentHash) {
  const incoming = { packet, paymentHash: hash, pathKey: undefined, amount: msat(3_000n), cltvExpiry: 500 };
  return readIncomingOnion(incoming, {
    nodeId: nodeIds[node] as NodeId,
    ecdh: (point) => crypto().ecdh(keys[node], point),
    receiveAuthKey: () => preimageOf(9),
  });
}

describe("readIncomingOnion", () => {
  it("tells the first node where to, and the second one that it is the last", () => {
    const first = read(0, onion());
    assert.ok(first.kind === "forward");
    assert.deepEqual(first.order.next, { kind: "short-channel-id", shortChannelId });
    assert.equal(first.order.amountToForward, 1_500n);
    const second = read(1, first.order.layer.onion);
    assert.ok(second.kind === "receive");
    assert.equal(second.payload.amount, 1_500n);
    assert.deepEqual(second.payload.paymentData?.paymentSecret, preimageOf(7));
  });

  it("blames an onion that is not for this payment, or not for this node, on the peer", () => {
    for (const reading of [read(0, onion(), "03".repeat(32) as PaymentHash), read(1, onion())]) {
      assert.ok(reading.kind === "malformed");
      assert.equal(reading.reason, "invalid_onion_hmac");
      assert.equal(failureOfMalformed(reading.malformed)?.type, "invalid_onion_hmac");
    }
    assert.ok(read(0, onion().fill(1, 0, 1)).kind === "malformed");
    const noPoint = read(0, onion().fill(0, 1, 34));
    assert.ok(noPoint.kind === "malformed" && noPoint.reason === "invalid_onion_key");
  });

  it("tells the payer of a payload that cannot be read, or that lacks a field", () => {
    for (const payload of [Uint8Array.of(0x02, 0xff), Uint8Array.of(0x02, 0x01, 0x05)]) {
      const built = buildOnion({
        hops: [{ nodeId: points[0] as Point, payload }],
        sessionKey: preimageOf(3),
        associatedData: new Uint8Array(32).fill(2),
      });
      assert.ok(built.ok);
      const reading = read(0, built.value.packet);
      assert.ok(reading.kind === "fail" && reading.failure.type === "invalid_onion_payload");
      assert.equal(reading.back.sharedSecret.length, 32);
    }
  });
});
