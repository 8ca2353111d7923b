import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import {
  type Bytes32,
  blockHeight,
  fromHex,
  msat,
  type NodeId,
  type PaymentHash,
  type Point,
  type ShortChannelId,
  toHex,
} from "@fulmen/lightning/util";
import { buildPaymentOnion, type PaymentOnionPlan } from "#src/onion/paymentOnion";
import { peelOnion } from "#src/onion/peel";
import { present } from "#src/util/invariant";

interface BlindedOnionVector {
  readonly sessionKey: string;
  readonly associatedData: string;
  readonly firstNodeId: string;
  readonly firstPathKey: string;
  readonly hops: readonly {
    readonly nodeSecret: string;
    readonly nodeId: string;
    readonly payload: string;
    readonly packet: string;
    readonly blindedNodeId?: string;
    readonly encryptedData?: string;
    readonly nextPathKey?: string;
  }[];
}

const vector: BlindedOnionVector = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt04/blinded-payment-onion.json", import.meta.url), "utf8"),
);

const blindedHops = vector.hops.slice(1).map(({ blindedNodeId, encryptedData }) => ({
  blindedNodeId: fromHex(present(blindedNodeId, "a key")) as Point,
  encryptedPayload: fromHex(present(encryptedData, "data")),
}));

const plan: PaymentOnionPlan = {
  hops: [
    {
      nodeId: present(vector.hops[0], "alice").nodeId as NodeId,
      shortChannelId: 1n as ShortChannelId,
      amount: msat(110_125),
      cltvExpiry: blockHeight(749_150),
    },
    {
      nodeId: vector.firstNodeId as NodeId,
      shortChannelId: 10n as ShortChannelId,
      amount: msat(110_125),
      cltvExpiry: blockHeight(749_150),
    },
  ],
  blindedTail: {
    pathKey: fromHex(vector.firstPathKey) as Point,
    blindedHops,
    finalAmount: msat(100_000),
    finalCltvExpiry: blockHeight(749_000),
  },
  recipient: { totalAmount: msat(150_000) },
  paymentHash: vector.associatedData as PaymentHash,
  sessionKey: fromHex(vector.sessionKey),
};

describe("a payment onion with a blinded end", () => {
  it("is BOLT 4's vector", () => {
    const built = buildPaymentOnion(plan);
    assert.ok(built.ok);
    assert.equal(toHex(built.value.packet), vector.hops[0]?.packet);
    assert.equal(built.value.sharedSecrets.length, 5);
  });

  it("is read by the nodes of BOLT 4's vector, each by the path key of the one before", () => {
    let pathKey: Point | undefined;
    for (const [index, hop] of vector.hops.entries()) {
      const peeled = peelOnion({
        packet: fromHex(hop.packet),
        associatedData: fromHex(vector.associatedData),
        ecdh: (point) => crypto().ecdh(fromHex(hop.nodeSecret), point),
        ...(pathKey && { pathKey }),
      });
      assert.ok(peeled.ok);
      const { payload, nextPacket } = peeled.value;
      // The vector's payloads have their length in front.
      assert.equal(toHex(payload), hop.payload.slice(2));
      const next = vector.hops[index + 1];
      assert.equal(nextPacket && toHex(nextPacket), next?.packet);
      pathKey = hop.nextPathKey === undefined ? undefined : (fromHex(hop.nextPathKey) as Point);
    }
  });

  it("has no room for 1,000 hops, and says so", () => {
    const hop = present(blindedHops[0], "a hop");
    const many = Array.from({ length: 1_000 }, () => hop);
    const tail = present(plan.blindedTail, "a tail");
    const built = buildPaymentOnion({ ...plan, blindedTail: { ...tail, blindedHops: many } });
    assert.equal(!built.ok && built.error.kind, "onion-too-large");
  });

  it("takes nothing for the recipient that a blinded payload has no place for", () => {
    const paymentSecret = new Uint8Array(32) as Bytes32;
    const recipient = { totalAmount: msat(1), paymentSecret };
    assert.throws(() => buildPaymentOnion({ ...plan, recipient }), /blinded recipient/);
  });
});
