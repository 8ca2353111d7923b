import type { NodeSigner } from "../chain/index.ts";
import { noBytes, type Signature } from "../util/bytes.ts";
import type { UnixSeconds } from "../util/ids.ts";
import { invariant } from "../util/invariant.ts";
import {
  encodeAddresses,
  encodeMessage,
  type Features,
  type NodeAnnouncement,
  type SocketAddress,
} from "../wire/index.ts";
import { signedPart } from "./signatures.ts";

/** What a node wants known of itself. */
export interface NodeAnnouncementContents {
  readonly features: Features;
  /** Must rise with each announcement. */
  readonly timestamp: UnixSeconds;
  /** Red, green, blue: 3 bytes. */
  readonly rgbColor: Uint8Array;
  /** UTF-8, at most 32 bytes. */
  readonly alias: Uint8Array;
  readonly addresses: readonly SocketAddress[];
}

/**
 * Our own `node_announcement`, signed; for `P2PGossipSync.announceOwn`. Throws `InvariantError` on contents that the
 * message cannot hold.
 *
 * @ldk lightning::ln::peer_handler::PeerManager::broadcast_node_announcement
 */
export function signNodeAnnouncement(
  signer: NodeSigner,
  { features, timestamp, rgbColor, alias, addresses }: NodeAnnouncementContents,
): NodeAnnouncement {
  invariant(alias.length <= 32, `alias of ${alias.length} bytes, at most 32`);
  const padded = new Uint8Array(32);
  padded.set(alias);
  const unsigned: NodeAnnouncement = {
    type: "node_announcement",
    signature: new Uint8Array(64) as Signature,
    features: features.inContext("N").toBytes(),
    timestamp,
    nodeId: signer.nodeId,
    rgbColor,
    alias: padded,
    addresses: encodeAddresses(addresses),
    unknownFields: noBytes,
  };
  return { ...unsigned, signature: signer.signGossip(signedPart(encodeMessage(unsigned))) };
}
