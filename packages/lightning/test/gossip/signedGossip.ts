import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { op, p2wsh, script } from "@fulmen/bitcoin/script";
import { signedPart, signedPartOfChannel } from "@fulmen/lightning/gossip";
import {
  msat,
  type NodeId,
  noBytes,
  nodeIdOf,
  type Signature,
  shortChannelId,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import {
  type ChannelAnnouncement,
  type ChannelUpdate,
  encodeMessage,
  type NodeAnnouncement,
} from "@fulmen/lightning/wire";

export const chainHash = networks.regtest.genesisHash;
export const now = 1_800_000_000 as UnixSeconds;

export interface TestNode {
  readonly key: Uint8Array;
  readonly id: NodeId;
  /** Its half of every funding output. */
  readonly bitcoinKey: Uint8Array;
}

/** Nodes in ascending order of their ids. */
export function testNodes(count: number): readonly TestNode[] {
  const nodes: TestNode[] = [];
  for (let i = 1; i <= count; i++) {
    const key = new Uint8Array(32).fill(i);
    nodes.push({ key, id: nodeIdOf(crypto().publicKey(key)), bitcoinKey: bitcoinKeyOf(i) });
  }
  return nodes.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function bitcoinKeyOf(i: number): Uint8Array {
  const key = new Uint8Array(32).fill(i);
  key[0] = 0x77;
  return key;
}

/** A channel at height `height`, signed by `one` and `two`, which must be in order. */
export function announcement(
  one: TestNode,
  two: TestNode,
  height: number,
  changes: Partial<ChannelAnnouncement> = {},
): ChannelAnnouncement {
  const empty = new Uint8Array(64) as Signature;
  const unsigned: ChannelAnnouncement = {
    type: "channel_announcement",
    nodeSignature1: empty,
    nodeSignature2: empty,
    bitcoinSignature1: empty,
    bitcoinSignature2: empty,
    features: noBytes,
    chainHash,
    shortChannelId: shortChannelId({ height, txIndex: 1, outputIndex: 0 }),
    nodeId1: one.id,
    nodeId2: two.id,
    bitcoinKey1: crypto().publicKey(one.bitcoinKey),
    bitcoinKey2: crypto().publicKey(two.bitcoinKey),
    unknownFields: noBytes,
    ...changes,
  };
  const part = signedPartOfChannel(encodeMessage(unsigned));
  return {
    ...unsigned,
    nodeSignature1: sign(part, one.key),
    nodeSignature2: sign(part, two.key),
    bitcoinSignature1: sign(part, one.bitcoinKey),
    bitcoinSignature2: sign(part, two.bitcoinKey),
  };
}

/** The output behind `announcement`. */
export function fundingScriptOf({ bitcoinKey1, bitcoinKey2 }: ChannelAnnouncement): Uint8Array {
  const inOrder = Buffer.compare(bitcoinKey1, bitcoinKey2) < 0;
  const keys = inOrder ? [bitcoinKey1, bitcoinKey2] : [bitcoinKey2, bitcoinKey1];
  return p2wsh(script(op._2, ...keys, op._2, op.CHECKMULTISIG));
}

/** Terms of a channel, signed by `signer`: of node one unless `channelFlags` says otherwise. */
export function update(
  signer: TestNode,
  channel: Pick<ChannelAnnouncement, "shortChannelId">,
  changes: Partial<ChannelUpdate> = {},
): ChannelUpdate {
  const unsigned: ChannelUpdate = {
    type: "channel_update",
    signature: new Uint8Array(64) as Signature,
    chainHash,
    shortChannelId: channel.shortChannelId,
    timestamp: now,
    messageFlags: 1,
    channelFlags: 0,
    cltvExpiryDelta: 40,
    htlcMinimumMsat: msat(1),
    feeBaseMsat: msat(1000),
    feeProportionalMillionths: 10,
    htlcMaximumMsat: msat(1_000_000_000),
    unknownFields: noBytes,
    ...changes,
  };
  return { ...unsigned, signature: sign(signedPart(encodeMessage(unsigned)), signer.key) };
}

export function nodeAnnouncement(
  signer: TestNode,
  changes: Partial<NodeAnnouncement> = {},
): NodeAnnouncement {
  const unsigned: NodeAnnouncement = {
    type: "node_announcement",
    signature: new Uint8Array(64) as Signature,
    features: noBytes,
    timestamp: now,
    nodeId: signer.id,
    rgbColor: Uint8Array.of(1, 2, 3),
    alias: new Uint8Array(32),
    addresses: noBytes,
    unknownFields: noBytes,
    ...changes,
  };
  return { ...unsigned, signature: sign(signedPart(encodeMessage(unsigned)), signer.key) };
}

/** `signature` with one bit changed. */
export function spoilt(signature: Signature): Signature {
  const changed = signature.slice();
  changed[40] = (changed[40] ?? 0) ^ 1;
  return changed as Signature;
}

function sign(part: Uint8Array, key: Uint8Array): Signature {
  return crypto().ecdsaSign(crypto().hash256(part), key) as Signature;
}
