import { derivePublicKey, deriveRevocationPublicKey } from "../crypto/keyDerivation.ts";
import type { Point } from "../util/bytes.ts";
import type { ChannelParams, PartyParams } from "./params.ts";

/** Whose commitment: ours is `local`. */
export type Side = "local" | "remote";

/**
 * The keys of one commitment (BOLT 3, "Key Derivation"). Seen from the commitment: its *owner* is the one who can
 * broadcast it, BOLT 3's "local node", whichever side that is; the *other* is the owner's peer.
 *
 * @ldk lightning::ln::chan_utils::TxCreationKeys
 */
export interface CommitmentKeys {
  /** `local_htlcpubkey` */
  readonly ownerHtlc: Point;
  /** `remote_htlcpubkey` */
  readonly otherHtlc: Point;
  /** `local_delayedpubkey` */
  readonly ownerDelayed: Point;
  /** `revocationpubkey`: the other's as soon as the owner has revoked the commitment. */
  readonly revocation: Point;
  /** `remotepubkey`: the other's payment basepoint as it is (`option_static_remotekey`). */
  readonly otherPayment: Point;
}

/**
 * The keys of `side`'s commitment whose per-commitment point is `point`. It costs several multiplications on the
 * curve: compute them once for a commitment and pass them to every funding that it is built for.
 */
export function commitmentKeys(params: ChannelParams, side: Side, point: Point): CommitmentKeys {
  const owner = ownerOf(params, side).basepoints;
  const other = otherOf(params, side).basepoints;
  return {
    ownerHtlc: derivePublicKey(owner.htlc, point),
    otherHtlc: derivePublicKey(other.htlc, point),
    ownerDelayed: derivePublicKey(owner.delayedPayment, point),
    revocation: deriveRevocationPublicKey(other.revocation, point),
    otherPayment: other.payment,
  };
}

/** The party that can broadcast `side`'s commitment. */
export function ownerOf(params: ChannelParams, side: Side): PartyParams {
  return side === "local" ? params.local : params.remote;
}

/** The peer of the party that can broadcast `side`'s commitment. */
export function otherOf(params: ChannelParams, side: Side): PartyParams {
  return side === "local" ? params.remote : params.local;
}
