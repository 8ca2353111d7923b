import { derivePublicKey, deriveRevocationPublicKey } from "../crypto/keyDerivation.ts";
import type { Point } from "../util/bytes.ts";
import type { Basepoints, ChannelParams, PartyParams } from "./params.ts";

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
 * The keys of `side`'s commitment whose per-commitment point is `point`. Each costs multiplications on the curve when
 * it is first asked for, and is kept: pass the keys to every funding that the commitment is built for.
 */
export function commitmentKeys(params: ChannelParams, side: Side, point: Point): CommitmentKeys {
  return new DerivedKeys(ownerOf(params, side).basepoints, otherOf(params, side).basepoints, point);
}

/** Derives what is asked for only: a commitment without HTLC outputs needs no HTLC keys. */
class DerivedKeys implements CommitmentKeys {
  readonly #owner: Basepoints;
  readonly #other: Basepoints;
  readonly #point: Point;
  #ownerHtlc: Point | undefined;
  #otherHtlc: Point | undefined;
  #ownerDelayed: Point | undefined;
  #revocation: Point | undefined;

  constructor(owner: Basepoints, other: Basepoints, point: Point) {
    this.#owner = owner;
    this.#other = other;
    this.#point = point;
  }

  get ownerHtlc(): Point {
    this.#ownerHtlc ??= derivePublicKey(this.#owner.htlc, this.#point);
    return this.#ownerHtlc;
  }

  get otherHtlc(): Point {
    this.#otherHtlc ??= derivePublicKey(this.#other.htlc, this.#point);
    return this.#otherHtlc;
  }

  get ownerDelayed(): Point {
    this.#ownerDelayed ??= derivePublicKey(this.#owner.delayedPayment, this.#point);
    return this.#ownerDelayed;
  }

  get revocation(): Point {
    this.#revocation ??= deriveRevocationPublicKey(this.#other.revocation, this.#point);
    return this.#revocation;
  }

  get otherPayment(): Point {
    return this.#other.payment;
  }
}

/** The party that can broadcast `side`'s commitment. */
export function ownerOf(params: ChannelParams, side: Side): PartyParams {
  return side === "local" ? params.local : params.remote;
}

/** The peer of the party that can broadcast `side`'s commitment. */
export function otherOf(params: ChannelParams, side: Side): PartyParams {
  return side === "local" ? params.remote : params.local;
}
