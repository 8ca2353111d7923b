import { crypto } from "@fulmen/bitcoin/crypto";
import type { Signature } from "../util/bytes.ts";
import { fromHex } from "../util/bytes.ts";
import type { NodeId } from "../util/ids.ts";
import type { ChannelAnnouncement } from "../wire/index.ts";

// All gossip is signed over the double SHA-256 of what follows its signatures, what we do not understand included.
const typeLength = 2;
const signatureLength = 64;

/** The signed part of an encoded `channel_announcement`, its type first. */
export function signedPartOfChannel(encoded: Uint8Array): Uint8Array {
  return encoded.subarray(typeLength + 4 * signatureLength);
}

/** The signed part of an encoded `channel_update` or `node_announcement`, its type first. */
export function signedPart(encoded: Uint8Array): Uint8Array {
  return encoded.subarray(typeLength + signatureLength);
}

/**
 * Whether all four signatures are valid: both nodes agreed, and both own their half of the funding output (BOLT 7,
 * "The channel_announcement Message"). `encoded` is the message with its type.
 *
 * @ldk lightning::routing::gossip::verify_channel_announcement
 */
export function verifyChannelAnnouncement(message: ChannelAnnouncement, encoded: Uint8Array): boolean {
  const hash = crypto().hash256(signedPartOfChannel(encoded));
  return (
    crypto().ecdsaVerify(message.nodeSignature1, hash, fromHex(message.nodeId1)) &&
    crypto().ecdsaVerify(message.nodeSignature2, hash, fromHex(message.nodeId2)) &&
    crypto().ecdsaVerify(message.bitcoinSignature1, hash, message.bitcoinKey1) &&
    crypto().ecdsaVerify(message.bitcoinSignature2, hash, message.bitcoinKey2)
  );
}

/**
 * Whether `signer` signed a `channel_update` or `node_announcement`; `encoded` is the message with its type.
 *
 * @ldk lightning::routing::gossip::verify_node_announcement
 */
export function verifyBySigner(
  message: { readonly signature: Signature },
  encoded: Uint8Array,
  signer: NodeId,
): boolean {
  return crypto().ecdsaVerify(message.signature, crypto().hash256(signedPart(encoded)), fromHex(signer));
}
