import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { signedPart, signedPartOfChannel } from "@fulmen/lightning/gossip";
import { msat, noBytes, nodeIdOf, type Signature, shortChannelId, utf8Prefix } from "@fulmen/lightning/util";
import {
  type ChannelAnnouncement,
  type ChannelUpdate,
  encodeMessage,
  type NodeAnnouncement,
} from "@fulmen/lightning/wire";

/** Encoded messages, their types first. */
export interface SignedNetwork {
  readonly announcements: readonly Uint8Array[];
  /** Two for each channel. */
  readonly updates: readonly Uint8Array[];
  readonly nodes: readonly Uint8Array[];
}

interface Signer {
  readonly key: Uint8Array;
  readonly point: Uint8Array;
}

/**
 * A network as gossip tells it: `channels` channels between a third as many nodes, some of which have far more of them
 * than others, all of it signed by its own keys and the same in every process. `now` in seconds since 1970.
 */
export function signedNetwork(channels: number, now: number): SignedNetwork {
  const nodes = Array.from({ length: Math.ceil(channels / 3) }, (_, i) => signerOf(`node ${i}`));
  const announcements: Uint8Array[] = [];
  const updates: Uint8Array[] = [];
  for (let i = 0; i < channels; i++) {
    // Any node, and one of the first more often than not.
    const one = i % nodes.length;
    const other = (one + 1 + ((i * i) % Math.ceil(Math.sqrt(nodes.length)))) % nodes.length;
    const [first, second] = inOrder(at(nodes, one), at(nodes, other));
    const id = shortChannelId({ height: 500_000 + i, txIndex: i % 1_000, outputIndex: i % 2 });
    const funding = [signerOf(`funding ${i} one`), signerOf(`funding ${i} two`)] as const;
    announcements.push(announcement(id, [first, second], funding));
    updates.push(update(id, first, { channelFlags: 0, timestamp: now - (i % 100_000) }));
    updates.push(update(id, second, { channelFlags: 1, timestamp: now - (i % 90_000) }));
  }
  return { announcements, updates, nodes: nodes.map((node, i) => nodeAnnouncement(node, i, now)) };
}

function announcement(
  id: ChannelAnnouncement["shortChannelId"],
  [one, two]: readonly [Signer, Signer],
  [bitcoinOne, bitcoinTwo]: readonly [Signer, Signer],
): Uint8Array {
  const unsigned: ChannelAnnouncement = {
    type: "channel_announcement",
    nodeSignature1: noSignature,
    nodeSignature2: noSignature,
    bitcoinSignature1: noSignature,
    bitcoinSignature2: noSignature,
    features: noBytes,
    chainHash,
    shortChannelId: id,
    nodeId1: nodeIdOf(one.point),
    nodeId2: nodeIdOf(two.point),
    bitcoinKey1: bitcoinOne.point,
    bitcoinKey2: bitcoinTwo.point,
    unknownFields: noBytes,
  };
  const signed = signedPartOfChannel(encodeMessage(unsigned));
  return encodeMessage({
    ...unsigned,
    nodeSignature1: sign(signed, one),
    nodeSignature2: sign(signed, two),
    bitcoinSignature1: sign(signed, bitcoinOne),
    bitcoinSignature2: sign(signed, bitcoinTwo),
  });
}

function update(
  id: ChannelUpdate["shortChannelId"],
  signer: Signer,
  changes: Pick<ChannelUpdate, "channelFlags" | "timestamp">,
): Uint8Array {
  const unsigned: ChannelUpdate = {
    type: "channel_update",
    signature: noSignature,
    chainHash,
    shortChannelId: id,
    messageFlags: 1,
    cltvExpiryDelta: 40,
    htlcMinimumMsat: msat(1),
    feeBaseMsat: msat(1_000),
    feeProportionalMillionths: 100,
    htlcMaximumMsat: msat(990_000_000),
    unknownFields: noBytes,
    ...changes,
  };
  return encodeMessage({ ...unsigned, signature: sign(signedPart(encodeMessage(unsigned)), signer) });
}

function nodeAnnouncement(signer: Signer, i: number, now: number): Uint8Array {
  const unsigned: NodeAnnouncement = {
    type: "node_announcement",
    signature: noSignature,
    features: Uint8Array.of(0x02, 0x82, 0x08),
    timestamp: now - (i % 50_000),
    nodeId: nodeIdOf(signer.point),
    rgbColor: Uint8Array.of(1, 2, 3),
    alias: Uint8Array.from({ length: 32 }, (_, j) => (j < 8 ? 97 + ((i + j) % 26) : 0)),
    // An IPv4 address and port.
    addresses: Uint8Array.of(1, 127, 0, (i >> 8) & 0xff, i & 0xff, 0x26, 0x07),
    unknownFields: noBytes,
  };
  return encodeMessage({ ...unsigned, signature: sign(signedPart(encodeMessage(unsigned)), signer) });
}

const chainHash = networks.regtest.genesisHash;
const noSignature = new Uint8Array(64) as Signature;

function signerOf(name: string): Signer {
  const key = crypto().sha256(utf8Prefix(name, name.length));
  return { key, point: crypto().publicKey(key) };
}

function inOrder(a: Signer, b: Signer): readonly [Signer, Signer] {
  return nodeIdOf(a.point) < nodeIdOf(b.point) ? [a, b] : [b, a];
}

function at(signers: readonly Signer[], i: number): Signer {
  const signer = signers[i];
  if (signer === undefined) throw new Error("no such node");
  return signer;
}

function sign(signed: Uint8Array, { key }: Signer): Signature {
  return crypto().ecdsaSign(crypto().hash256(signed), key) as Signature;
}
