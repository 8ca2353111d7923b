import { equalBytes, fromHex } from "../../util/bytes.ts";
import type { NodeId } from "../../util/ids.ts";
import type { ChannelAnnouncement, ChannelUpdate } from "../../wire/index.ts";
import type { GossipRefusal } from "../gossipRefusal.ts";
import type { GossipOrigin, PreparedGossip, SignatureCheck } from "../preparedGossip.ts";
import { updateFlag } from "./acceptance.ts";
import type { PendingAnnouncement } from "./pendingChecks.ts";

/** A message with the keys whose signatures on it are valid. */
export interface VerifiedGossip {
  readonly prepared: PreparedGossip;
  readonly keys: readonly Uint8Array[];
  readonly origin: GossipOrigin;
}

/** 0 for the terms of node one, 1 for those of node two. */
export function directionOf({ channelFlags }: ChannelUpdate): 0 | 1 {
  return (channelFlags & updateFlag.direction) === 0 ? 0 : 1;
}

/** Whose terms these are, if that announcement is the true one. */
export function signerOf(message: ChannelUpdate, { announcement }: PendingAnnouncement): NodeId {
  return directionOf(message) === 0 ? announcement.message.nodeId1 : announcement.message.nodeId2;
}

/** Both nodes agreed, and both own their half of the funding output (BOLT 7, "The channel_announcement Message"). */
export function checksOfAnnouncement(message: ChannelAnnouncement): readonly SignatureCheck[] {
  return [
    { signature: message.nodeSignature1, key: fromHex(message.nodeId1) },
    { signature: message.nodeSignature2, key: fromHex(message.nodeId2) },
    { signature: message.bitcoinSignature1, key: message.bitcoinKey1 },
    { signature: message.bitcoinSignature2, key: message.bitcoinKey2 },
  ];
}

/** Whether `key` is among `keys`. */
export function hasKey(keys: readonly Uint8Array[], key: Uint8Array): boolean {
  return keys.some((candidate) => equalBytes(candidate, key));
}

/**
 * Why a message is not that of whoever has `key`. A key that nobody was asked about became the signer's while others
 * were verified: that is not the sender's fault.
 */
export function refusalOfSigner(
  key: Uint8Array,
  { prepared, keys }: VerifiedGossip,
): GossipRefusal | undefined {
  if (hasKey(keys, key)) return undefined;
  const wasAsked = prepared.checks.some((check) => equalBytes(check.key, key));
  const { type } = prepared.message;
  if (wasAsked) return { kind: "bad-signature", text: type };
  return { kind: "unknown-channel", text: `${type} of a channel that has other nodes now` };
}
