import { crypto } from "@fulmen/bitcoin/crypto";
import type { Signature } from "../util/bytes.ts";
import type { NodeId, UnixSeconds } from "../util/ids.ts";
import type { ChannelAnnouncement, ChannelUpdate, NodeAnnouncement } from "../wire/index.ts";

/** A message that enters the graph. */
export type GraphMessage = ChannelAnnouncement | ChannelUpdate | NodeAnnouncement;

/** When and from whom a message came. */
export interface GossipOrigin {
  readonly now: UnixSeconds;
  /** The peer; absent for what we say ourselves. */
  readonly source?: NodeId;
}

/** A signature that remains to be verified: ECDSA, over the double SHA-256 of what was signed. */
export interface SignatureCheck {
  /** The 64 bytes of `r` and `s`. */
  readonly signature: Signature;
  /** 33 bytes; not yet known to be a point. */
  readonly key: Uint8Array;
}

/**
 * A message that passed all checks but those of signatures, which are what costs: they may be made elsewhere, and
 * later. It is plain data.
 */
export interface PreparedGossip<M extends GraphMessage = GraphMessage> {
  readonly message: M;
  /** What all signatures are over: the message without them. */
  readonly signed: Uint8Array;
  /**
   * Of an announcement, all must be valid. Of an update for a channel that is being looked up there may be several, one
   * for each key that could be meant.
   */
  readonly checks: readonly SignatureCheck[];
}

/** What `NetworkGraph.apply` has to know: for each check, in order, whether the signature is valid. */
export type SignatureVerdicts = readonly boolean[];

/** Makes the checks, here and now. */
export function verifyPrepared({ signed, checks }: PreparedGossip): SignatureVerdicts {
  const hash = crypto().hash256(signed);
  return checks.map(({ signature, key }) => crypto().ecdsaVerify(signature, hash, key));
}
