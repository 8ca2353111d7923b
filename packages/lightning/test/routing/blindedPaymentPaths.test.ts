import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import type { NodeInfo } from "#src/gossip/graph/graphEntries";
import {
  type BlindedPathsRequest,
  createBlindedPaymentPaths,
  type InboundChannel,
} from "#src/routing/blindedPaymentPaths";
import { type BlockHeight, type NodeId, nodeIdOf, type ShortChannelId } from "#src/util/ids";
import { msat } from "#src/util/units";

const nodeOf = (index: number) => nodeIdOf(crypto().publicKey(new Uint8Array(32).fill(index + 1)));
const us = nodeOf(0);

function channelWith(index: number, changes: Partial<InboundChannel> = {}): InboundChannel {
  return {
    counterparty: nodeOf(index),
    shortChannelId: BigInt(index) as ShortChannelId,
    relay: { feeBase: msat(1_000), feeProportionalMillionths: 10, cltvExpiryDelta: 40 },
    capacity: msat(1_000_000),
    htlcMinimum: msat(1_000),
    htlcMaximum: msat(900_000),
    supportsRouteBlinding: true,
    ...changes,
  };
}

function requestOf(
  channels: readonly InboundChannel[],
  changes: Partial<BlindedPathsRequest> = {},
): BlindedPathsRequest {
  return {
    payee: us,
    receiveAuthKey: new Uint8Array(32).fill(9),
    pathId: new Uint8Array(34),
    maxCltvExpiry: 1_000 as BlockHeight,
    minFinalCltvExpiryDelta: 45,
    channels,
    sessionKeys: [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)),
    ...changes,
  };
}

/** A graph with these nodes, of so many channels each. */
function graphOf(counts: Readonly<Record<NodeId, number>>) {
  return {
    node: (nodeId: NodeId): NodeInfo | undefined => {
      const count = counts[nodeId];
      return count === undefined ? undefined : { nodeId, counter: 0, channels: new Array(count) };
    },
  };
}

const introductions = (paths: ReturnType<typeof createBlindedPaymentPaths>) =>
  paths.map(({ introductionNode }) => introductionNode.kind === "node-id" && introductionNode.nodeId);

describe("createBlindedPaymentPaths", () => {
  it("takes three peers at most, each for a path of one length", () => {
    const channels = [1, 2, 3, 4].map((index) => channelWith(index));
    const paths = createBlindedPaymentPaths(
      requestOf(channels),
      graphOf({ [nodeOf(1)]: 1, [nodeOf(2)]: 1, [nodeOf(3)]: 1, [nodeOf(4)]: 1 }),
    );
    assert.deepEqual(introductions(paths), [1, 2, 3].map(nodeOf));
    assert.deepEqual(new Set(paths.map(({ blindedHops }) => blindedHops.length)), new Set([5]));
    assert.equal(paths[0]?.payinfo.cltvExpiryDelta, 85);
    assert.equal(paths[0]?.payinfo.htlcMaximum, 900_000n);
  });

  it("leaves out peers that cannot read their part, or cannot pass the amount", () => {
    const amount = msat(500_000);
    const channels = [
      channelWith(1, { supportsRouteBlinding: false }),
      channelWith(2, { capacity: msat(499_999) }),
      channelWith(3, { htlcMaximum: msat(499_999) }),
      channelWith(4, { htlcMinimum: msat(500_001) }),
      channelWith(5),
    ];
    const graph = graphOf(Object.fromEntries([1, 2, 3, 4, 5].map((index) => [nodeOf(index), 3])));
    assert.deepEqual(introductions(createBlindedPaymentPaths(requestOf(channels, { amount }), graph)), [
      nodeOf(5),
    ]);
  });

  it("takes peers of few channels only where the node itself is not known", () => {
    const channels = [channelWith(1), channelWith(2)];
    const few = { [nodeOf(1)]: 2, [nodeOf(2)]: 3 };
    assert.deepEqual(introductions(createBlindedPaymentPaths(requestOf(channels), graphOf(few))), [
      nodeOf(1),
      nodeOf(2),
    ]);
    assert.deepEqual(
      introductions(createBlindedPaymentPaths(requestOf(channels), graphOf({ ...few, [us]: 2 }))),
      [nodeOf(2)],
    );
  });

  it("begins at the node itself when it is known and nobody else is fit", () => {
    const graph = graphOf({ [us]: 1 });
    const paths = createBlindedPaymentPaths(requestOf([]), graph);
    assert.deepEqual(introductions(paths), [us]);
    assert.equal(paths[0]?.blindedHops.length, 4);
    assert.deepEqual(createBlindedPaymentPaths(requestOf([]), graphOf({})), []);
  });

  it("goes over an unknown peer only when that is the only one", () => {
    const graph = graphOf({});
    assert.equal(createBlindedPaymentPaths(requestOf([channelWith(1), channelWith(1)]), graph).length, 2);
    assert.equal(createBlindedPaymentPaths(requestOf([channelWith(1), channelWith(2)]), graph).length, 0);
  });

  it("leaves out a channel whose terms fit no path", () => {
    const relay = { feeBase: msat(1), feeProportionalMillionths: 10, cltvExpiryDelta: 65_500 };
    const paths = createBlindedPaymentPaths(
      requestOf([channelWith(1, { relay }), channelWith(1)]),
      graphOf({}),
    );
    assert.equal(paths.length, 1);
  });
});
