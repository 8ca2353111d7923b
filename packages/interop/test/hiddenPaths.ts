import assert from "node:assert/strict";
import type { BlindedPaymentPath, PaymentForwardNode } from "@fulmen/lightning/onion";
import {
  fromHex,
  msat,
  type NodeId,
  noBytes,
  type Point,
  present,
  type ShortChannelId,
  toHex,
} from "@fulmen/lightning/util";
import { type BlindedPathFact, type LdkPeer, OurNode, testConfig } from "#src/index";
import { forwarding } from "./line.ts";

const limits = { htlcMinimum: msat(1n), htlcMaximum: msat(400_000_000n) };

/** One of LDK's in a `Line`, or ours, with its channel to `next`. */
export async function forwardNode(node: LdkPeer | OurNode, next: string): Promise<PaymentForwardNode> {
  const nodeId = node.nodeId as NodeId;
  if (node instanceof OurNode) {
    const channel = node.manager.listChannels().find(({ counterparty }) => counterparty === next);
    const { channelConfig } = testConfig;
    return {
      ...{ nodeId, ...limits },
      shortChannelId: present(channel?.shortChannelId, "the name of a channel"),
      relay: {
        feeBase: channelConfig.forwardingFeeBase,
        feeProportionalMillionths: channelConfig.forwardingFeeProportionalMillionths,
        cltvExpiryDelta: channelConfig.cltvExpiryDelta,
      },
    };
  }
  const channel = (await node.cmd("channels")).find(({ counterparty }) => counterparty === next);
  const { baseMsat, proportionalMillionths, cltvExpiryDelta } = forwarding;
  return {
    ...{ nodeId, ...limits },
    shortChannelId: present(channel?.shortChannelId, "the name of a channel") as ShortChannelId,
    relay: { feeBase: msat(baseMsat), feeProportionalMillionths: proportionalMillionths, cltvExpiryDelta },
  };
}

/** A path of ours as LDK's commands take it. */
export function pathFact({
  introductionNode,
  pathKey,
  blindedHops,
  payinfo,
}: BlindedPaymentPath): BlindedPathFact {
  assert.equal(introductionNode.kind, "node-id");
  return {
    introductionNode: introductionNode.nodeId,
    pathKey: toHex(pathKey),
    hops: blindedHops.map(({ blindedNodeId, encryptedPayload }) => ({
      blindedNodeId: toHex(blindedNodeId),
      encryptedPayload: toHex(encryptedPayload),
    })),
    baseMsat: Number(payinfo.feeBase),
    proportionalMillionths: payinfo.feeProportionalMillionths,
    cltvExpiryDelta: payinfo.cltvExpiryDelta,
    htlcMinimumMsat: payinfo.htlcMinimum,
    htlcMaximumMsat: payinfo.htlcMaximum,
  };
}

/** A path of LDK's as our router takes it. */
export function pathOf(fact: BlindedPathFact): BlindedPaymentPath {
  return {
    introductionNode: { kind: "node-id", nodeId: fact.introductionNode as NodeId },
    pathKey: fromHex(fact.pathKey) as Point,
    blindedHops: fact.hops.map(({ blindedNodeId, encryptedPayload }) => ({
      blindedNodeId: fromHex(blindedNodeId) as Point,
      encryptedPayload: fromHex(encryptedPayload),
    })),
    payinfo: {
      feeBase: msat(fact.baseMsat),
      feeProportionalMillionths: fact.proportionalMillionths,
      cltvExpiryDelta: fact.cltvExpiryDelta,
      htlcMinimum: msat(fact.htlcMinimumMsat),
      htlcMaximum: msat(fact.htlcMaximumMsat),
      features: noBytes,
    },
  };
}
