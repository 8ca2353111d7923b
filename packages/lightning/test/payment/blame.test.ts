import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { createFailurePacket } from "#src/onion/failurePacket";
import { createFailure, pathSecrets, wrapFailurePacket } from "#src/onion/index";
import { type Blame, blameOf } from "#src/payment/blame";
import type { LocalSource } from "#src/payment/inFlightParts";
import { type Bytes32, fromHex, type Point, toHex } from "#src/util/bytes";
import type { NodeId, PaymentId, ShortChannelId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { msat } from "#src/util/units";
import type { FailureMessage } from "#src/wire/failureCodes";

const sessionKey = new Uint8Array(32).fill(0x41);

function pointOf(index: number): Point {
  const key = new Uint8Array(32);
  key[30] = 1 + (index >> 8);
  key[31] = 1 + (index & 0xff);
  return crypto().publicKey(key) as Point;
}

/** A part over so many hops, and so many nodes of a blinded path behind them. */
function sourceOf(hops: number, blinded?: number): LocalSource {
  return {
    kind: "local",
    paymentId: "01".repeat(32) as PaymentId,
    sessionKey,
    path: Array.from({ length: hops }, (_, i) => ({
      nodeId: toHex(pointOf(i)) as NodeId,
      shortChannelId: BigInt(100 + i) as ShortChannelId,
    })),
    amount: msat(1n),
    ...(blinded !== undefined && {
      blindedTail: { index: 0, nodeIds: Array.from({ length: blinded }, (_, i) => pointOf(500 + i)) },
    }),
  };
}

function secrets({ path, blindedTail }: LocalSource): readonly Uint8Array[] {
  const points = [...path.map(({ nodeId }) => fromHex(nodeId) as Point), ...(blindedTail?.nodeIds ?? [])];
  return pathSecrets(sessionKey, points).sharedSecrets;
}

/** What we make of a failure of the node at `hop`, on its way back through all before it. */
function blamed(
  source: LocalSource,
  hop: number,
  failure: FailureMessage | Uint8Array,
): Omit<Blame, "holdTimes"> {
  const all = secrets(source);
  const sharedSecret = present(all[hop], "a hop");
  let packet =
    failure instanceof Uint8Array
      ? createFailurePacket({ sharedSecret, message: failure, holdTime: undefined })
      : createFailure(failure, { sharedSecret, holdTime: undefined });
  for (let i = hop - 1; i >= 0; i--) {
    packet = wrapFailurePacket(packet, { sharedSecret: present(all[i], "a hop"), holdTime: undefined });
  }
  const { holdTimes: _, ...blame } = blameOf(source, { reason: packet.reason });
  return blame;
}

const noUpdate = new Uint8Array(0);
const sha256OfOnion = new Uint8Array(32) as Bytes32;
const unknownDetails: FailureMessage = {
  type: "incorrect_or_unknown_payment_details",
  htlcMsat: msat(1n),
  height: 9,
};

describe("a failure on the way", () => {
  const source = sourceOf(4);
  const at = (hop: number, failure: FailureMessage | Uint8Array) => {
    const { failureCode: _, failureName: __, ...blame } = blamed(source, hop, failure);
    return blame;
  };
  const innocent = { byRecipient: false, reachedRecipient: false };
  const channel = (id: number, isPermanent: boolean) => {
    const shortChannelId = BigInt(id);
    return {
      ...innocent,
      shortChannelId,
      networkUpdate: { kind: "channel-failure", shortChannelId, isPermanent },
    };
  };
  const node = (hop: number, isPermanent: boolean) => {
    const nodeId = source.path[hop]?.nodeId;
    return {
      ...innocent,
      nodeId,
      shortChannelId: BigInt(100 + hop),
      networkUpdate: { kind: "node-failure", nodeId, isPermanent },
    };
  };

  it("is the channel's behind the node that tells of it, for now or for good", () => {
    for (const hop of [0, 1, 2]) {
      assert.deepEqual(
        at(hop, { type: "temporary_channel_failure", channelUpdate: noUpdate }),
        channel(101 + hop, false),
      );
      assert.deepEqual(at(hop, { type: "unknown_next_peer" }), channel(101 + hop, true));
      assert.deepEqual(at(hop, { type: "permanent_channel_failure" }), channel(101 + hop, true));
      const fee = { type: "fee_insufficient", htlcMsat: msat(1n), channelUpdate: noUpdate } as const;
      assert.deepEqual(at(hop, fee), channel(101 + hop, false));
    }
  });

  it("is the channel's, but not for good, when the node behind it could not read the onion", () => {
    assert.deepEqual(at(1, { type: "invalid_onion_hmac", sha256OfOnion }), channel(102, false));
  });

  it("is the node's own, with the channel that leads to it", () => {
    assert.deepEqual(at(1, { type: "temporary_node_failure" }), node(1, false));
    assert.deepEqual(at(1, { type: "permanent_node_failure" }), node(1, true));
    assert.deepEqual(at(0, { type: "required_node_feature_missing" }), node(0, true));
    assert.deepEqual(at(1, Uint8Array.of(1)), node(1, true), "a message that makes no sense");
  });

  it("does not count as the recipient's word, whatever a node before it says", () => {
    assert.deepEqual(at(2, unknownDetails), channel(103, true));
    assert.deepEqual(at(0, { type: "mpp_timeout" }), channel(101, false));
  });

  it("is blamed on nobody further than our peer's channel when nobody can read it", () => {
    const { holdTimes: _, ...blame } = blameOf(source, { reason: new Uint8Array(292) });
    assert.deepEqual(blame, channel(101, false));
    for (const reason of [new Uint8Array(0), new Uint8Array(65_000)]) blameOf(source, { reason });
  });
});

describe("the recipient's word", () => {
  const source = sourceOf(3);

  it("ends the payment when it is for good, and lets it be tried again otherwise", () => {
    const isFinal = (failure: FailureMessage) => {
      const { byRecipient, reachedRecipient, shortChannelId } = blamed(source, 2, failure);
      assert.equal(reachedRecipient, true);
      assert.equal(shortChannelId, undefined);
      return byRecipient;
    };
    assert.equal(isFinal(unknownDetails), true);
    assert.equal(isFinal({ type: "permanent_node_failure" }), true);
    assert.equal(isFinal({ type: "mpp_timeout" }), false);
    assert.equal(isFinal({ type: "temporary_node_failure" }), false);
    assert.equal(isFinal({ type: "final_incorrect_cltv_expiry", cltvExpiry: 1 }), false);
  });
});

describe("paths and messages as long as they get", () => {
  it("are read: 27 hops, and 60,000 bytes behind the code", () => {
    const source = sourceOf(27);
    for (const hop of [0, 19, 20, 26]) {
      const { failureName, shortChannelId, byRecipient } = blamed(source, hop, unknownDetails);
      assert.equal(failureName, "incorrect_or_unknown_payment_details");
      assert.equal(byRecipient, hop === 26);
      assert.equal(shortChannelId, hop === 26 ? undefined : BigInt(101 + hop));
    }
    const long = new Uint8Array(60_000);
    long.set([0x40, 10]);
    assert.equal(blamed(sourceOf(3), 1, long).failureName, "unknown_next_peer");
  });
});

describe("a failure within a blinded path", () => {
  const within = (hop: number, failure: FailureMessage, blinded = 2) => {
    const blame = blamed(sourceOf(3, blinded), hop, failure);
    assert.equal(blame.byRecipient, false);
    assert.equal(blame.shortChannelId, undefined);
    assert.equal(blame.networkUpdate, undefined);
    return blame.withinBlindedPath === true;
  };
  const blinding: FailureMessage = { type: "invalid_onion_blinding", sha256OfOnion };

  it("is the path's, whoever says it behind the introduction node, or at it", () => {
    assert.equal(within(2, blinding), true);
    assert.equal(within(2, { type: "permanent_node_failure" }), true);
    assert.equal(within(3, unknownDetails), true);
    assert.equal(within(4, unknownDetails), true);
    assert.equal(within(2, blinding, 0), true);
  });

  it("is not when it comes from before, or from the recipient that stands at the beginning itself", () => {
    const before = blamed(sourceOf(3, 2), 1, { type: "unknown_next_peer" });
    assert.deepEqual([before.withinBlindedPath, before.shortChannelId], [undefined, 102n]);
    const alone = blamed(sourceOf(3, 0), 2, unknownDetails);
    assert.deepEqual([alone.withinBlindedPath, alone.byRecipient], [undefined, true]);
  });
});
