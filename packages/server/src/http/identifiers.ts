import {
  type Bytes32,
  type ChannelId,
  fromHex,
  type NodeId,
  type PaymentHash,
  type Txid,
} from "@fulmen/lightning/util";

/* Ids as the core has them, of texts that have been checked against their schemas. */

/** A `ChannelId` of the schema. */
export function channelIdOf(text: string): ChannelId {
  return text as ChannelId;
}

/** A `NodeId` of the schema. */
export function nodeIdOf(text: string): NodeId {
  return text as NodeId;
}

/** A `PaymentHash` of the schema. */
export function paymentHashOf(text: string): PaymentHash {
  return text as PaymentHash;
}

/** A `Txid` of the schema. */
export function txidOf(text: string): Txid {
  return text as Txid;
}

/** A `Preimage` of the schema. */
export function bytesOf(text: string): Bytes32 {
  return fromHex(text) as Bytes32;
}
